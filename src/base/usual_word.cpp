#include "base/usual_word.hpp"

#include <map>

namespace gainsweep {

std::string usual_word(const std::string& word) {
  static const std::map<std::string, std::string> usual{
      {"gpu", "cuda"},      {"nvidia", "cuda"},          {"gaudi", "hpu"},
      {"habana", "hpu"},    {"bfloat16", "bf16"},        {"brain_float", "bf16"},
      {"float32", "fp32"},  {"float", "fp32"},           {"f32", "fp32"},
      {"e4m3", "fp8_e4m3"}, {"e4m3fn", "fp8_e4m3"},      {"float8_e4m3fn", "fp8_e4m3"},
      {"e5m2", "fp8_e5m2"}, {"float8_e5m2", "fp8_e5m2"}, {"latency", "time"},
      {"speed", "time"},    {"optimal", "ip"},           {"integer_program", "ip"},
  };
  const auto found = usual.find(word);
  return found == usual.end() ? "" : found->second;
}

}  // namespace gainsweep
