#include <iostream>
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

// Lines that a new spec changes in what was measured; solve, evaluate, target and name may differ.
std::string measured_changes(const config::Spec& measured, config::Spec wanted) {
  wanted.name = measured.name;
  wanted.solve = measured.solve;
  wanted.evaluate = measured.evaluate;
  wanted.target = measured.target;
  std::istringstream before(config::resolved(measured)), after(config::resolved(wanted));
  std::string changes, old_line, new_line;
  while (std::getline(before, old_line) && std::getline(after, new_line))
    if (old_line != new_line) changes += "\n  archive: " + old_line + "\n  spec:    " + new_line;
  return changes;
}

}  // namespace

int solve(const std::filesystem::path& archive, const std::filesystem::path& spec_path,
          const std::filesystem::path& output) {
  auto spec = config::load(spec_path);
  if (std::filesystem::exists(output))
    throw Error(ErrorKind::config, output.string() + " is there already (solve never writes into "
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
  contents.provenance["spec_written"] = resolved;
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
