#pragma once

#include <functional>
#include <string>

namespace gainsweep::execute {

/// What oneDNN prints about the primitives it makes and runs during `work`.
std::string onednn_log(const std::function<void()>& work);

/// The instruction set that oneDNN uses, in its own words.
const std::string& onednn_instruction_set();

}  // namespace gainsweep::execute
