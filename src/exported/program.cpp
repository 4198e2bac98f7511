#include "exported/program.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "exported/checks.hpp"
#include "exported/graph.hpp"
#include "exported/located.hpp"
#include "exported/refusal.hpp"
#include "exported/stored.hpp"
#include "exported/zip.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::exported {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t schema_major = 8;
constexpr std::size_t longest_graph = 64 << 20;  // bytes; a graph of 1,000 nodes has about one MiB

/// Archives that other functions of PyTorch write, by a member that each has.
struct Other {
  const char* member;
  const char* what;
};
constexpr Other others[] = {
    {"data.pkl", "a file of torch.save or torch.jit.save, not of torch.export.save"},
    {"serialized_exported_program.json",
     "in the older layout of torch.export.save, whose weights are a pickle"}};

/// Refuses what is not the container of a program.
void check_container(const Zip& zip) {
  for (const auto& other : others)
    if (zip.contains(other.member))
      refuse(zip.file(), std::string("it is ") + other.what, export_again);
  const auto check = [&](const char* member, const char* wanted, const char* advice) {
    auto found = std::string(zip.text(member));
    while (found.ends_with('\n')) found.pop_back();
    if (found != wanted)
      refuse(zip.file(),
             std::string(member) + " is " + quote(found) + ", and only '" + wanted + "' is read",
             advice);
  };
  check("archive_format", "pt2", export_again);
  check("archive_version", "0",
        "Export the model with a version of PyTorch that docs/exported_models.md names");
  check("byteorder", "little", "Save the program on a little-endian machine");
}

/// The name of the one model in an archive.
std::string model_of(const Zip& zip) {
  constexpr std::string_view folder = "models/", ending = ".json";
  std::vector<std::string> models;
  for (const auto& name : zip.names())
    if (name.starts_with(folder) && name.ends_with(ending) &&
        name.size() > folder.size() + ending.size())
      models.push_back(name.substr(folder.size(), name.size() - folder.size() - ending.size()));
  if (models.empty())
    refuse(zip.file(), "no exported program in it (no models/*.json)", export_again);
  if (models.size() > 1)
    refuse(zip.file(), "several programs in it (" + one_line(join(models)) + ")",
           "Save each into a file of its own");
  return models.front();
}

void check_schema(const Located& top) {
  const auto torch = top.has("torch_version") ? top.at("torch_version").text() : "";
  const auto version = top.at("schema_version").at("major");
  if (version.integer() != schema_major)
    version.refuse("is " + std::to_string(version.integer()) + ", and " +
                       std::to_string(schema_major) + " is what is read (PyTorch " + quote(torch) +
                       " wrote it)",
                   "Export the model with a version of PyTorch that docs/exported_models.md names");
}

bool read_dialect(const Located& top) {
  const auto dialects = top.at("verifiers");
  const auto listed = dialects.list();
  const auto dialect = listed.size() == 1 ? listed.front().text() : "";
  if (dialect != "TRAINING" && dialect != "ATEN")
    dialects.refuse("is neither [\"TRAINING\"] nor [\"ATEN\"] (the operators of another compiler)",
                    export_again);
  return dialect == "ATEN";
}

std::map<std::string, Range> read_ranges(const Located& constraints) {
  std::map<std::string, Range> ranges;
  for (const auto& [symbol, bounds] : constraints.entries()) {
    Range range;
    if (bounds.has("min_val")) range.least = bounds.at("min_val").integer();
    if (bounds.has("max_val")) range.most = bounds.at("max_val").integer();
    if (range.least && range.most && *range.least > *range.most)
      bounds.refuse("has a least value above the most");
    ranges.emplace(symbol, range);
  }
  return ranges;
}

}  // namespace

Program parse(std::span<const std::byte> bytes, const fs::path& file) {
  const Zip zip(bytes, file);
  check_container(zip);
  const auto model = model_of(zip);
  const auto member = "models/" + model + ".json";
  const auto text = zip.text(member);
  if (text.size() > longest_graph)
    refuse(file, member + " is " + std::to_string(text.size()) + " bytes long (at most " +
                     std::to_string(longest_graph) + " are read)");
  const auto json = model::parse_json(text, file.string() + ": " + member);
  const Located top(json, file, member);
  check_schema(top);
  Program program;
  program.torch_version = top.at("torch_version").text();
  program.is_functional = read_dialect(top);
  program.ranges = read_ranges(top.at("range_constraints"));
  read_graph(top.at("graph_module"), program);
  check_is_inference(program, file);
  program.tensors = read_stored(zip, model);
  check_stored(program, file);
  return program;
}

ProgramFile open(const fs::path& path) {
  auto file = disk::MappedFile::open(path);
  auto program = parse(file.bytes(), path);
  return {std::move(file), std::move(program)};
}

}  // namespace gainsweep::exported
