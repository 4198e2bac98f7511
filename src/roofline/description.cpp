#include "roofline/description.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/reader.hpp"
#include "config/source.hpp"

namespace gainsweep::roofline {
namespace {

using config::Choice, config::ChoiceList, config::Integer, config::Name, config::NamedNumbers,
    config::Patterns, config::Real, config::Section;

constexpr double tera = 1e12, giga = 1e9, mega = 1e6, micro = 1e-6;
constexpr double most = 1e9;  // of any number, in its unit

const std::vector<std::string> types{"bf16", "fp8", "int8", "fp32", "fp6", "fp4"};
const std::vector<std::string> fusions{"both", "graph", "none"};

// A description in the units of its file.
struct Draft {
  std::int64_t schema = 1;
  std::string device;
  std::map<std::string, double> rates, reached;
  double bandwidth = 0, reached_bandwidth = 1;
  double cache = 0, cache_bandwidth = 0;
  double vector = 0;
  Tile tile;
  double launch = 0, fused_launch = 0;
  std::string fusion = "both";
  std::map<std::string, std::string> formats;  // low formats, "" where not written
  std::vector<std::string> assumed, sources;
};

Real above_zero(double& value) {
  return {&value, 0, most};
}

Real share(double& value) {
  return {&value, 0, 1};
}

Section describe_formats(Draft& draft) {
  Section section;
  for (const auto& name : format::names())
    section.keys.push_back(
        {name, "type whose rate the format runs at",
         Choice{types, [&draft, name] { return draft.formats[name]; },
                [&draft, name](const std::string& type) { draft.formats[name] = type; }}});
  return section;
}

// Keys whose values may be assumptions.
const std::vector<std::string>& numbers() {
  static const std::vector<std::string> keys{"rates_tflops",  "reached", "memory",   "cache",
                                             "vector_tflops", "tile",    "launch_us"};
  return keys;
}

Section describe(Draft& draft) {
  return {{
      {"schema", "layout of the file", Integer{&draft.schema, 1, 1}, "", "1"},
      {"device", "name of the device", Name{&draft.device}, "", "gaudi2"},
      {"rates_tflops",
       "published dense rates by type of numbers, multiply-accumulates counted as two",
       NamedNumbers{&draft.rates, types, {nullptr, 0, most}}, "", "{bf16: 432, fp8: 865}"},
      {"reached", "shares of the rates that large matrix products reach; 1 where left out",
       NamedNumbers{&draft.reached, types, {nullptr, 0, 1}}},
      {"memory", "the device's memory",
       Section{{{"bandwidth_gb_s", "published bandwidth", above_zero(draft.bandwidth), "GB/s",
                 "2457.6"},
                {"reached", "share of it that is reached", share(draft.reached_bandwidth)}}}},
      {"cache", "what a tensor between two kernels may stay in, if it takes half of it at most",
       Section{{{"mb", "size", above_zero(draft.cache), "MB"},
                {"bandwidth_gb_s", "bandwidth", above_zero(draft.cache_bandwidth), "GB/s"}}}},
      {"vector_tflops", "rate of element-wise arithmetic", above_zero(draft.vector), "", "11"},
      {"tile", "part of a product that is computed at once",
       Section{{{"rows", "its rows", Integer{&draft.tile.rows, 1, 65536}, "", "256"},
                {"columns", "its columns", Integer{&draft.tile.columns, 1, 65536}, "", "256"}}}},
      {"launch_us", "time to start a kernel",
       Section{{{"none", "launched one by one", Real{&draft.launch, 0, most, false}, "us", "5"},
                {"graph", "as a part of a graph", Real{&draft.fused_launch, 0, most, false}, "us",
                 "1"}}}},
      {"fusion", "which fusion stands for both, or the middle of the two",
       Choice{fusions, [&draft] { return draft.fusion; },
              [&draft](const std::string& name) { draft.fusion = name; }}},
      {"formats", "low formats that the device runs", describe_formats(draft)},
      {"assumed", "keys whose values nobody published",
       ChoiceList{numbers(), 0, [&draft] { return draft.assumed; },
                  [&draft](const std::vector<std::string>& keys) { draft.assumed = keys; }}},
      {"sources", "where the numbers come from", Patterns{&draft.sources, "texts"}, "",
       "[a white paper]"},
  }};
}

// What keys say of each other; lines are those of the keys that are written.
void check(const Draft& draft, const config::Lines& lines, config::Problems& problems) {
  const auto line = [&](const std::string& key) {
    const auto found = lines.find(key);
    return found == lines.end() ? 1 : found->second;
  };
  for (const auto& [type, share] : draft.reached)
    if (!draft.rates.contains(type) && !problems.touch("rates_tflops"))
      problems.add(line("reached"), "reached." + type,
                   "a share of no rate (rates_tflops lacks " + type +
                       "). Add the rate there, or remove the share.");
  for (const auto& [format, type] : draft.formats)
    if (!type.empty() && !draft.rates.contains(type) && !problems.touch("rates_tflops"))
      problems.add(line("formats." + format), "formats." + format,
                   "the rate of " + type +
                       " is not there (rates_tflops lacks it). Add it, or remove the format.");
  if (lines.contains("cache.mb") != lines.contains("cache.bandwidth_gb_s"))
    problems.add(line("cache"), "cache",
                 "half a cache (it needs mb and bandwidth_gb_s). Write both, or neither.");
  if (draft.sources.empty() && lines.contains("sources") && !problems.touch("sources"))
    problems.add(line("sources"), "sources",
                 "an empty list (nobody could look the numbers up). Say where they come from.");
}

Description finished(const Draft& draft) {
  Description made;
  made.device = draft.device;
  for (const auto& [type, rate] : draft.rates) {
    const auto reached = draft.reached.find(type);
    made.rates[type] = {rate * tera, reached == draft.reached.end() ? 1 : reached->second};
  }
  for (const auto& [format, type] : draft.formats)
    if (!type.empty()) made.formats[format] = type;
  made.memory = {draft.bandwidth * giga * draft.reached_bandwidth, 0};
  if (draft.cache > 0) made.cache = {draft.cache_bandwidth * giga, draft.cache * mega};
  made.vector_rate = draft.vector * tera;
  made.tile = draft.tile;
  made.launch = {{Fusion::graph, draft.fused_launch * micro}, {Fusion::none, draft.launch * micro}};
  const double graph = draft.fusion == "both" ? 0.5 : draft.fusion == "graph" ? 1 : 0;
  made.weight = {{Fusion::graph, graph}, {Fusion::none, 1 - graph}};
  made.assumed = draft.assumed;
  made.sources = draft.sources;
  return made;
}

}  // namespace

Description parse(const std::string& text, const std::string& name) {
  config::Problems problems(name, {}, {"a description of a device", "configs/devices/gaudi2.yaml"});
  Draft draft;
  const auto document = config::parse_document(text, problems);
  if (document) {
    const auto root = describe(draft);
    config::Reader reader(root, {}, problems);
    reader.read(root, *document, "", document->line);
    check(draft, reader.lines(), problems);
  }
  problems.throw_if_any();
  auto description = finished(draft);
  description.text = text;
  return description;
}

Description read(const std::filesystem::path& path) {
  const auto source = config::load(path, {}, "a description of a device");
  return parse(source.text, source.name);
}

const Rate* rate_of(const Description& description, const format::Format& format) {
  const auto type = description.formats.find(format.name);
  const auto rate =
      description.rates.find(type == description.formats.end() ? format.name : type->second);
  return rate == description.rates.end() ? nullptr : &rate->second;
}

}  // namespace gainsweep::roofline
