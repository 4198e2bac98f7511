#pragma once

#include <ATen/core/Tensor.h>

#include <string>

/// Whether a card runs 8-bit products, asked of the operators themselves.
namespace gainsweep::execute {

/// Why a card does not run a low format's product (the first line of its error, or a wrong result);
/// empty where it does, and for formats of which it has none.
std::string why_not_run(const std::string& format, at::Device place);

}  // namespace gainsweep::execute
