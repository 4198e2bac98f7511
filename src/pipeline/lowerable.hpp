#pragma once

#include <vector>

#include "gain/gain.hpp"
#include "pipeline/layout.hpp"
#include "sensitivity/loss_error.hpp"
#include "solve/strategy.hpp"

namespace gainsweep::pipeline {

/// What strategies lower as one: tied ops.
struct Lowerable {
  std::vector<OpId> ops;
  std::vector<solve::LowFormat> formats;  ///< that they may take, with the ops' summed loss errors
};

/// All of a layout in the IR order of their first ops, with the formats that the gain table's
/// configurations have.
std::vector<Lowerable> lowerables(const Layout& layout, const gain::GainTable& gains,
                                  const sensitivity::LossErrors& errors);

/// The same before anything is known: every low format, at no cost.
std::vector<Lowerable> lowerables(const Layout& layout);

/// Their formats, as strategies take them.
solve::OpFormats formats_of(const std::vector<Lowerable>& lowerables);

/// An assignment that gives each lowerable a format, and back.
graph::Assignment expand(const Layout& layout, const std::vector<Lowerable>& lowerables,
                         const solve::Formats& formats);
solve::Formats contract(const std::vector<Lowerable>& lowerables,
                        const graph::Assignment& assignment);

}  // namespace gainsweep::pipeline
