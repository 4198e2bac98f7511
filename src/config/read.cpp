#include "config/read.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "config/check.hpp"
#include "config/description.hpp"
#include "config/document.hpp"
#include "config/reader.hpp"
#include "config/sweep.hpp"
#include "config/value_text.hpp"

namespace gainsweep::config {
namespace {

Draft read_draft(const Node& document, const std::vector<Axis>& axes, Problems& problems) {
  Draft draft = make_draft();
  const Section root = describe(draft);
  Reader reader(root, problems);
  reader.read(root, document, "", document.line);
  const bool formats_vary = std::any_of(axes.begin(), axes.end(), [](const Axis& axis) {
    return std::any_of(axis.begin(), axis.end(),
                       [](const auto& variation) { return variation.path == "formats.low"; });
  });
  check(draft, reader.lines(), formats_vary, problems);
  return draft;
}

Parameters parameters_of(Draft& draft, const std::vector<Axis>& axes) {
  Parameters parameters;
  const Section root = describe(draft);
  const auto known = leaves(root);
  for (const auto& axis : axes) {
    for (const auto& variation : axis) {
      const auto leaf = std::find_if(known.begin(), known.end(), [&](const auto& candidate) {
        return candidate.first == variation.path;
      });
      parameters.emplace_back(variation.path, value_text(leaf->second->value));
    }
  }
  return parameters;
}

/// A large spec at many points would take memory and minutes.
void refuse_large(const std::string& text, std::vector<Axis>& axes, Problems& problems) {
  const std::size_t points = count_combinations(axes);
  if (points * text.size() <= most_swept_bytes) return;
  problems.add(axes.front().front().line, "sweep",
               std::to_string(points) + " points of a spec of " + std::to_string(text.size()) +
                   " bytes (together at most " + std::to_string(most_swept_bytes) +
                   "). Write fewer values or a shorter spec.");
  axes.clear();
}

void refuse_equal(const std::vector<Point>& points, const std::vector<Axis>& axes,
                  Problems& problems) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto [first, is_new] = seen.try_emplace(resolved(points[i].spec), i);
    if (is_new) continue;
    problems.add(axes.front().front().line, "sweep",
                 "points " + std::to_string(first->second) + " and " + std::to_string(i) +
                     " are equal (" + text_of(points[i].parameters) +
                     "). Remove one of the values.");
    return;
  }
}

}  // namespace

std::vector<Point> read_points(const std::string& text, const std::string& file) {
  Problems problems(file);
  std::vector<Axis> axes;
  std::vector<Draft> drafts;
  if (auto document = parse_document(text, problems)) {
    Draft any = make_draft();
    axes = take_sweep(*document, describe(any), problems);
    refuse_large(text, axes, problems);
    // Without its sweep a spec is whole, too: its problems are not repeated for every point.
    drafts.push_back(read_draft(*document, axes, problems));
    if (!axes.empty()) drafts.clear();
    const std::size_t count = axes.empty() ? 0 : count_combinations(axes);
    for (std::size_t i = 0; i < count && !problems.are_many(); ++i) {
      drafts.push_back(read_draft(substitute(*document, axes, i), axes, problems));
    }
  }
  problems.throw_if_any();
  std::vector<Point> points;
  for (auto& draft : drafts) points.push_back({parameters_of(draft, axes), assemble(draft)});
  refuse_equal(points, axes, problems);
  problems.throw_if_any();
  return points;
}

Spec read(const std::string& text, const std::string& file) {
  auto points = read_points(text, file);
  if (points.size() == 1) return std::move(points.front().spec);
  throw Error(ErrorKind::config, file + ": a sweep of " + std::to_string(points.size()) +
                                     " points where one spec is wanted. Remove 'sweep'.");
}

std::string text_of(const Parameters& parameters) {
  std::string text;
  for (const auto& [path, value] : parameters) {
    text += (text.empty() ? "" : ", ") + path + " = " + value;
  }
  return text;
}

std::string load_text(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::config, path.string() + ": " + why + ". Name the YAML file of a spec.");
  };
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) refuse("no such file (or no permission to look)");
  // A pipe or device might never end.
  if (!std::filesystem::is_regular_file(status)) refuse("no regular file (a folder or a device)");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) refuse("the file cannot be opened (no permission to read)");
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) refuse("the file cannot be read (the disk reports an error)");
  return text;
}

std::vector<Point> load_points(const std::filesystem::path& path) {
  return read_points(load_text(path), path.string());
}

}  // namespace gainsweep::config
