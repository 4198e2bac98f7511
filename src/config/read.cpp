#include "config/read.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "config/document.hpp"
#include "config/print.hpp"
#include "config/scalar.hpp"
#include "config/settings.hpp"
#include "config/sweep.hpp"
#include "config/value_text.hpp"

namespace gainsweep::config {
namespace {

/// Says of a spec of an earlier layout just that, once; its keys are read all the same, so that
/// those that moved are named.
void refuse_earlier(Node& document, Problems& problems) {
  for (auto& entry : document.entries) {
    if (entry.key != "schema" || entry.value.kind != Node::Kind::scalar) continue;
    const auto written = parse_integer(entry.value.text).value;
    if (entry.value.quoted || !written || *written < 1 || *written >= schema_version) continue;
    const auto version = std::to_string(schema_version);
    problems.add(entry.value.line, "schema",
                 shown(entry.value) + " is an earlier layout of specs (this program reads " +
                     version + "). Write " + version +
                     ", and move or remove the keys named beside this one.");
    entry.value.kind = Node::Kind::refused;
  }
}

/// The kind that a document asks for; none, and a problem, where there is no such kind.
const Kind* chosen_kind(const Node& document, const Kinds& kinds, Problems& problems) {
  Heading heading;
  const Section keys = describe(heading, kinds);
  Node only{.kind = Node::Kind::mapping, .line = document.line};
  for (const auto& entry : document.entries) {
    if (entry.key == "experiment") only.entries.push_back(entry);
  }
  Section experiment{{keys.keys.back()}};
  Reader(experiment, {}, problems).read(experiment, only, "", document.line);
  if (problems.touch("experiment")) return nullptr;
  return &*std::find_if(kinds.begin(), kinds.end(),
                        [&](const Kind& kind) { return kind.name == heading.experiment; });
}

/// Reads one kind of specs.
class PointReader {
 public:
  PointReader(const Kind& kind, const Kinds& kinds, const std::filesystem::path& folder,
              Problems& problems)
      : kind_(kind), kinds_(kinds), folder_(folder), problems_(problems) {}

  std::vector<Axis> take_sweep(Node& document) {
    const auto any = kind_.make_draft();
    Heading heading;
    return config::take_sweep(document, describe(heading, *any, kinds_), kind_.moved, problems_);
  }

  std::unique_ptr<Draft> read(const Node& document, const std::vector<Axis>& axes) {
    auto draft = kind_.make_draft();
    Heading heading;
    const Section root = describe(heading, *draft, kinds_);
    Reader reader(root, kind_.moved, problems_, folder_, {"sweep"});
    reader.read(root, document, "", document.line);
    draft->settle({reader.lines(), paths_of(axes)});
    draft->check({reader.lines(), paths_of(axes)}, problems_);
    return draft;
  }

  /// The values that the swept leaves of a draft have.
  Parameters parameters_of(Draft& draft, const std::vector<Axis>& axes) const {
    Parameters parameters;
    Heading heading;
    const Section root = describe(heading, draft, kinds_);
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

 private:
  const Kind& kind_;
  const Kinds& kinds_;
  const std::filesystem::path& folder_;
  Problems& problems_;
};

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

void refuse_equal(const std::vector<Reading>& readings, const Kinds& kinds, int line,
                  Problems& problems) {
  std::map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    const auto& reading = readings[i];
    const auto [first, is_new] =
        seen.try_emplace(resolved(*reading.kind, *reading.draft, kinds), i);
    if (is_new) continue;
    problems.add(line, "sweep",
                 "points " + std::to_string(first->second) + " and " + std::to_string(i) +
                     " are equal (" + text_of(reading.parameters) + "). Remove one of the values.");
    return;
  }
}

}  // namespace

std::vector<Reading> read_points(const Source& source, const Kinds& kinds) {
  Problems problems(source.name, source.settings);
  auto document = parse_document(source.text, problems);
  if (document) apply(source.settings, *document, problems);
  const Kind* kind = document ? chosen_kind(*document, kinds, problems) : nullptr;
  if (kind == nullptr) {
    problems.throw_if_any();
    return {};
  }
  refuse_earlier(*document, problems);
  PointReader reader(*kind, kinds, source.folder, problems);
  auto axes = reader.take_sweep(*document);
  refuse_large(source.text, axes, problems);
  refuse_swept(source.settings, axes, problems);
  std::vector<std::unique_ptr<Draft>> drafts;
  // Without its sweep a spec is whole, too: its problems are not repeated for every point.
  drafts.push_back(reader.read(*document, axes));
  if (!axes.empty()) drafts.clear();
  const std::size_t count = axes.empty() ? 0 : count_combinations(axes);
  for (std::size_t i = 0; i < count && !problems.are_many(); ++i) {
    drafts.push_back(reader.read(substitute(*document, axes, i), axes));
  }
  problems.throw_if_any();
  std::vector<Reading> readings;
  for (auto& draft : drafts) {
    auto parameters = reader.parameters_of(*draft, axes);
    readings.push_back({kind, std::move(parameters), std::move(draft)});
  }
  if (!axes.empty()) refuse_equal(readings, kinds, axes.front().front().line, problems);
  problems.throw_if_any();
  return readings;
}

std::string text_of(const Parameters& parameters) {
  std::string text;
  for (const auto& [path, value] : parameters) {
    text += (text.empty() ? "" : ", ") + path + " = " + value;
  }
  return text;
}

}  // namespace gainsweep::config
