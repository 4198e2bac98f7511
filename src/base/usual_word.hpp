#pragma once

#include <string>

namespace gainsweep {

/// What gainsweep calls something that other programs call `word`: "cuda" for "gpu", "bf16" for
/// "bfloat16"; empty where nothing is known.
std::string usual_word(const std::string& word);

}  // namespace gainsweep
