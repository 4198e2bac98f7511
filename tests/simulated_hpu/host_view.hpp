#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "simulated_hpu/card.hpp"

namespace simulated_hpu {

bool on_card(const at::Tensor& tensor);

/// The same memory as a tensor of the host; others as they are.
at::Tensor host_view(const at::Tensor& tensor);
/// The same memory as a tensor of the card; others as they are.
at::Tensor card_view(const at::Tensor& tensor);

double bytes_of(const at::Tensor& tensor);
/// Adds a tensor's type and shape to a signature.
void describe(std::string& signature, const at::Tensor& tensor);

}  // namespace simulated_hpu
