#pragma once

#include "conformance/check.hpp"
#include "execute/precision.hpp"

/// Checks of what a device computes. Private to this folder.
namespace gainsweep::conformance {

/// A Llama's logits beside the CPU's.
Finding high_values(const execute::Device& device, execute::Precision precision);

/// A Llama's loss and sensitivities beside the CPU's: forward and backward.
Finding scores(const execute::Device& device);

/// A linear layer and a product in a low format beside the project's own rounding.
Finding low_values(const execute::Device& device, const std::string& format);

/// Every configuration of an attention sub-graph beside the project's own rounding.
Finding configurations(const execute::Device& device);

}  // namespace gainsweep::conformance
