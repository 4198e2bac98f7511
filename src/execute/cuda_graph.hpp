#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "execute/capture.hpp"

/// CUDA graphs: through LibTorch's registry of such things where it has an entry for CUDA, else
/// through the project's own library. Private to this folder.
namespace gainsweep::execute {

/// Why no CUDA graph can be captured; empty where one can.
std::string missing_cuda_graph();

/// Captures what `work` gives a card, after it was done a few times: libraries make their
/// workspaces then. What it reads and writes has to stay where it is. Its memory is the graph's
/// own.
Captured capture_cuda(at::Device place, const std::function<void()>& work);

}  // namespace gainsweep::execute
