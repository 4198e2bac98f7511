#include "spec/read.hpp"

#include "base/error.hpp"
#include "config/print.hpp"
#include "config/reference.hpp"
#include "config/schema.hpp"
#include "spec/kinds.hpp"
#include "spec/plan_draft.hpp"

namespace gainsweep::spec {

std::vector<Point> read_points(const Source& source) {
  std::vector<Point> points;
  for (const auto& [kind, parameters, draft] : config::read_points(source, kinds()))
    points.push_back({parameters, dynamic_cast<const PlanDraft&>(*draft).assemble()});
  return points;
}

std::vector<Point> read_points(const std::string& text, const std::string& file) {
  return read_points(Source{text, file});
}

std::vector<Point> load_points(const std::filesystem::path& path,
                               std::vector<std::string> settings) {
  return read_points(load(path, std::move(settings)));
}

Spec read(const std::string& text, const std::string& file) {
  auto points = read_points(text, file);
  if (points.size() == 1) return std::move(points.front().spec);
  throw Error(ErrorKind::config, file + ": a sweep of " + std::to_string(points.size()) +
                                     " points where one spec is wanted. Remove 'sweep'.");
}

std::string resolved(const Spec& spec) {
  PlanDraft draft(spec);
  return config::resolved(kinds().front(), draft, kinds());
}

std::string json_schema() {
  return config::json_schema(kinds());
}

std::string reference() {
  return config::reference(kinds());
}

}  // namespace gainsweep::spec
