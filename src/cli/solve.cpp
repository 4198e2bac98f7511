#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

#include "archive/archive.hpp"
#include "base/error.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "config/read.hpp"
#include "digest/digest.hpp"
#include "pipeline/assemble.hpp"

namespace gainsweep::cli {
namespace {

// Lines of a resolved spec, each with the section it stands in.
std::vector<std::string> keyed_lines(const config::Spec& spec) {
  std::istringstream text(config::resolved(spec));
  std::vector<std::string> lines;
  std::string section;
  for (std::string line; std::getline(text, line);) {
    const auto indent = line.find_first_not_of(' ');
    if (indent == 0) section = line.substr(0, line.find(':'));
    lines.push_back(indent == 0 ? line : section + ": " + line.substr(indent));
  }
  return lines;
}

std::string only_in(const std::vector<std::string>& a, const std::vector<std::string>& b,
                    const std::string& title) {
  std::string text;
  for (const auto& line : a)
    if (std::find(b.begin(), b.end(), line) == b.end()) text += "\n  " + title + line;
  return text;
}

// Lines that a new spec changes in what was measured; solve, evaluate, target and name may differ.
std::string measured_changes(const config::Spec& measured, config::Spec wanted) {
  wanted.name = measured.name;
  wanted.solve = measured.solve;
  wanted.evaluate = measured.evaluate;
  wanted.target = measured.target;
  const auto before = keyed_lines(measured), after = keyed_lines(wanted);
  return only_in(before, after, "archive: ") + only_in(after, before, "spec:    ");
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

int solve(const std::filesystem::path& archive, const std::filesystem::path& spec_path,
          const std::filesystem::path& output) {
  auto spec = config::load(spec_path);
  if (std::filesystem::exists(output))
    throw Error(ErrorKind::config, output.string() +
                                       " is there already (solve never writes into "
                                       "an old archive). Give another --out.");
  auto contents = archive::read(archive);
  const auto measured_spec =
      config::read(contents.provenance.at("spec_resolved"), archive.string() + ":spec_resolved");
  const auto changes = measured_changes(measured_spec, spec);
  if (!changes.empty())
    throw Error(ErrorKind::config, spec_path.string() + " differs from what " + archive.string() +
                                       " measured:" + changes +
                                       "\nChange these back, or run the spec anew.");
  const auto layout = pipeline::to_layout(contents, spec.formats.formats, spec.calibration.length);
  const auto decision =
      pipeline::decide(layout, spec, pipeline::to_measured(contents, layout, spec));
  std::vector<archive::Record> plans;
  for (const auto& unit : pipeline::plan_units(spec, decision))
    plans.push_back(pipeline::run_plan_unit(unit, layout, spec, decision));
  const auto num_plans = plans.size();

  const auto resolved = config::resolved(spec);
  contents.tables = pipeline::assemble(contents, layout, spec, decision, std::move(plans));
  contents.provenance["name"] = spec.name;
  contents.provenance["spec_written"] = text_of(spec_path);
  contents.provenance["spec_resolved"] = resolved;
  contents.provenance["spec_digest"] = digest::of_text(resolved);
  contents.provenance["program_version"] = program_version;
  contents.provenance["program_commit"] = program_commit;
  archive::write(output, contents);
  std::cout << output.string() << ": " << num_plans << " plans and frontiers from "
            << decision.errors.samples << " scored samples\n";
  return 0;
}

int diff(const std::filesystem::path& a, const std::filesystem::path& b, bool measured) {
  const auto first = archive::read(a);
  const auto second = archive::read(b);
  auto found = archive::differences(first, second);
  if (measured)
    for (auto& difference : archive::measured_differences(first, second))
      found.push_back(std::move(difference));
  for (const auto& difference : found) std::cout << difference << "\n";
  if (found.empty())
    std::cout << "bit-identical " << (measured ? "in everything" : "outside what was measured")
              << "\n";
  return found.empty() ? 0 : 1;
}

}  // namespace gainsweep::cli
