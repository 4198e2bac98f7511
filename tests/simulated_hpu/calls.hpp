#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <functional>
#include <string>
#include <vector>

namespace simulated_hpu {

inline const at::Device card(at::kHPU, 0);

/// Calls an operator by name, as a program that knows no header of the plug-in does.
std::vector<c10::IValue> call(const char* name, const char* overload,
                              std::vector<c10::IValue> stack);

/// What the plug-in counts under a name.
std::int64_t count(const char* what);

/// Waits for the card by an event, which is the only way.
void finish();

/// The first line of what `work` throws; empty when it does not.
std::string error_of(const std::function<void()>& work);

}  // namespace simulated_hpu
