#include <utility>

#include "base/error.hpp"
#include "config/problems.hpp"
#include "config/spec.hpp"

namespace gainsweep::config {
namespace {

template <class Enum>
using Spellings = std::vector<std::pair<Enum, const char*>>;

/// The YAML spellings of an enum, in the order of declaration.
template <class Enum>
const Spellings<Enum>& spellings();

template <>
const Spellings<Noise>& spellings<Noise>() {
  static const Spellings<Noise> table{{Noise::empirical, "empirical"},
                                      {Noise::paper, "paper"},
                                      {Noise::log_uniform, "log_uniform"}};
  return table;
}

template <>
const Spellings<Precision>& spellings<Precision>() {
  static const Spellings<Precision> table{{Precision::fp32, "fp32"}, {Precision::bf16, "bf16"}};
  return table;
}

template <>
const Spellings<Device>& spellings<Device>() {
  static const Spellings<Device> table{
      {Device::cpu, "cpu"}, {Device::cuda, "cuda"}, {Device::hpu, "hpu"}};
  return table;
}

template <>
const Spellings<LatencyScope>& spellings<LatencyScope>() {
  static const Spellings<LatencyScope> table{{LatencyScope::model, "model"},
                                             {LatencyScope::subgraph, "subgraph"}};
  return table;
}

template <>
const Spellings<LossModel>& spellings<LossModel>() {
  static const Spellings<LossModel> table{{LossModel::first_order, "first_order"},
                                          {LossModel::bias, "bias"}};
  return table;
}

template <>
const Spellings<Objective>& spellings<Objective>() {
  static const Spellings<Objective> table{
      {Objective::time, "time"}, {Objective::macs, "macs"}, {Objective::memory, "memory"}};
  return table;
}

template <>
const Spellings<Strategy>& spellings<Strategy>() {
  static const Spellings<Strategy> table{
      {Strategy::ip, "ip"}, {Strategy::prefix, "prefix"}, {Strategy::random, "random"}};
  return table;
}

template <>
const Spellings<graph::PartitionRule>& spellings<graph::PartitionRule>() {
  static const Spellings<graph::PartitionRule> table{
      {graph::PartitionRule::sequential, "sequential"}, {graph::PartitionRule::single, "single"}};
  return table;
}

template <>
const Spellings<format::ScaleRule>& spellings<format::ScaleRule>() {
  static const Spellings<format::ScaleRule> table{{format::ScaleRule::fixed, "fixed"},
                                                  {format::ScaleRule::static_max, "static"},
                                                  {format::ScaleRule::dynamic_max, "dynamic"}};
  return table;
}

template <>
const Spellings<format::Granularity>& spellings<format::Granularity>() {
  static const Spellings<format::Granularity> table{{format::Granularity::tensor, "tensor"},
                                                    {format::Granularity::channel, "channel"}};
  return table;
}

}  // namespace

template <class Enum>
const char* spelling(Enum value) {
  for (const auto& [enumerator, text] : spellings<Enum>()) {
    if (enumerator == value) return text;
  }
  throw Error(ErrorKind::internal, "an enumerator without a spelling (value " +
                                       std::to_string(static_cast<int>(value)) + "). Report this.");
}

template <class Enum>
std::vector<Enum> enumerators() {
  std::vector<Enum> values;
  for (const auto& entry : spellings<Enum>()) values.push_back(entry.first);
  return values;
}

template <class Enum>
Enum enumerator(const std::string& text) {
  std::vector<std::string> names;
  for (const auto& [value, name] : spellings<Enum>()) {
    if (text == name) return value;
    names.emplace_back(name);
  }
  throw Error(ErrorKind::config, unknown_choice(text, names, ""));
}

#define GAINSWEEP_SPELL(Enum)                     \
  template const char* spelling<Enum>(Enum);      \
  template std::vector<Enum> enumerators<Enum>(); \
  template Enum enumerator<Enum>(const std::string&)

GAINSWEEP_SPELL(Noise);
GAINSWEEP_SPELL(Precision);
GAINSWEEP_SPELL(Device);
GAINSWEEP_SPELL(LatencyScope);
GAINSWEEP_SPELL(LossModel);
GAINSWEEP_SPELL(Objective);
GAINSWEEP_SPELL(Strategy);
GAINSWEEP_SPELL(graph::PartitionRule);
GAINSWEEP_SPELL(format::ScaleRule);
GAINSWEEP_SPELL(format::Granularity);

#undef GAINSWEEP_SPELL

}  // namespace gainsweep::config
