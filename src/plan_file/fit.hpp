#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "plan_file/plan_file.hpp"

namespace gainsweep::plan_file {

/// What a plan has to fit: a run's ops and formats.
struct Frame {
  struct Op {
    std::string path;
    std::string module;  ///< the checkpoint's name of its weight without ".weight"; may be empty
  };
  std::vector<Op> ops;
  std::vector<std::string> formats;              ///< the high one first
  std::vector<std::vector<std::size_t>> ties{};  ///< places of ops that share a format
  std::vector<Numbers> numbers{};                ///< of each format; none of the high one
};

/// The place of each op's format in a frame. Ops of the file are found by path, or else by module:
/// what the file's `modules` says of them, or their own name. Error(input) naming file and key for
/// an op, module or format that the frame does not have, an op that is named twice or not at all
/// (absent never means a default), and for tied ops in different formats. What another tool's file
/// says of an op is looked up by its numbers; there an op that it does not name stays high.
std::vector<std::size_t> fit(const PlanFile& plan, const Frame& frame);

}  // namespace gainsweep::plan_file
