#pragma once

#include <memory>
#include <optional>

#include "execute/program.hpp"
#include "pipeline/subject.hpp"

namespace gainsweep::pipeline {

/// The weights of a model on this rank, made when first needed.
class Weights {
 public:
  Weights(std::shared_ptr<const Subject> subject, execute::Precision precision)
      : subject_(std::move(subject)), precision_(precision) {}

  execute::Parameters& get();
  void release() { parameters_.reset(); }
  /// Frees what was folded for programs that are gone, down to `most_bytes` in all.
  void release_unused(std::size_t most_bytes = 0);

 private:
  std::shared_ptr<const Subject> subject_;
  execute::Precision precision_;
  std::optional<execute::Parameters> parameters_;
};

}  // namespace gainsweep::pipeline
