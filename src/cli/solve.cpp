#include <algorithm>
#include <iostream>

#include "archive/archive.hpp"
#include "archive/field.hpp"
#include "archive/sweep.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/provenance.hpp"
#include "disk/file.hpp"
#include "pipeline/archived.hpp"
#include "pipeline/experiment.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

// Lines of a resolved spec, each with the section it stands in.
std::vector<std::string> keyed_lines(const spec::Spec& spec) {
  std::vector<std::string> lines;
  std::string section;
  for (const auto& line : split(spec::resolved(spec), '\n')) {
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

// Lines that a new spec changes in what was measured; solve, evaluate, target, memory
// and name may differ.
std::string measured_changes(const spec::Spec& measured, spec::Spec wanted) {
  wanted.name = measured.name;
  wanted.memory_limit = measured.memory_limit;
  wanted.solve = measured.solve;
  wanted.evaluate = measured.evaluate;
  wanted.target = measured.target;
  const auto before = keyed_lines(measured), after = keyed_lines(wanted);
  return only_in(before, after, "archive: ") + only_in(after, before, "spec:    ");
}

std::vector<spec::Spec> measured_specs(const archive::Contents& contents,
                                       const std::filesystem::path& archive) {
  std::vector<spec::Spec> specs;
  for (const auto& text :
       archive::texts(archive::table(contents, "points").fields, "spec_resolved"))
    specs.push_back(spec::read(text, archive.string() + ":spec_resolved"));
  return specs;
}

// The archive's point that measured what a spec's point asks for; where there are several, the one
// with the same plans, whose evaluations go with it.
std::size_t matching(const std::vector<spec::Spec>& measured, const spec::Point& wanted,
                     const std::filesystem::path& archive, const std::string& spec_name) {
  const auto same = std::find_if(measured.begin(), measured.end(), [&](const auto& spec) {
    return spec::resolved(spec) == spec::resolved(wanted.spec);
  });
  if (same != measured.end()) return static_cast<std::size_t>(same - measured.begin());
  std::string nearest;
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const auto changes = measured_changes(measured[i], wanted.spec);
    if (changes.empty()) return i;
    if (nearest.empty() || changes.size() < nearest.size()) nearest = changes;
  }
  const auto where =
      wanted.parameters.empty() ? "" : " at the point " + spec::text_of(wanted.parameters);
  throw Error(ErrorKind::config, spec_name + where + " differs from what " + archive.string() +
                                     " measured" +
                                     (measured.size() > 1 ? ", at its nearest point:" : ":") +
                                     nearest + "\nChange these back, or run the spec anew.");
}

// New plans on what one point of an archive measured.
archive::SweepPoint solved(const archive::Contents& old, const spec::Point& point) {
  auto provenance = pipeline::describe(spec::resolved(point.spec));
  for (const auto* digest : {"model_digest", "calibration_digest", "evaluation_digest"})
    provenance[digest] = old.provenance.at(digest);
  return {point.parameters, std::move(provenance), pipeline::plan_archived(old, point.spec)};
}

void tell(const std::filesystem::path& output, const archive::Contents& contents,
          std::size_t num_points) {
  std::size_t plans = 0, samples = 0;
  for (const auto& table : contents.tables) {
    for (const auto* of_plans : {"plans/", "budgets/"})
      if (table.path.find(of_plans) != std::string::npos) plans += table.fields.front().shape.at(0);
    if (table.path.find("frontier/") != std::string::npos) ++plans;
    if (table.path.ends_with("scores")) samples += table.fields.front().shape.at(0);
  }
  std::cout << output.string() << ": " << plans << " plans and frontiers from " << samples
            << " scored samples";
  if (num_points > 1) std::cout << ", " << num_points << " points";
  std::cout << "\n";
}

}  // namespace

int solve(const std::filesystem::path& archive, const SpecChoice& spec,
          const std::filesystem::path& output) {
  const auto source = spec::load(spec.path, spec.settings);
  const auto points = spec::read_points(source);
  if (disk::is_there(output))
    throw Error(ErrorKind::config, output.string() +
                                       " is there already (solve never writes into "
                                       "an old archive). Give another --out.");
  auto contents = archive::read(archive);
  const auto measured = measured_specs(contents, archive);
  archive::Gathering gathering;
  for (const auto& point : points)
    gathering.add(
        solved(archive::select(contents, matching(measured, point, archive, source.name)), point));
  contents.tables = std::move(gathering).finish();
  for (auto& [name, text] : describe(points.front().spec.name, spec::written(source)))
    contents.provenance[name] = text;
  archive::write(output, contents);
  tell(output, contents, points.size());
  return 0;
}

}  // namespace gainsweep::cli
