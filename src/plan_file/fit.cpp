#include "plan_file/fit.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::plan_file {
namespace {

constexpr std::size_t most_listed = 4;

[[noreturn]] void refuse(const PlanFile& plan, const std::string& what, const std::string& advice) {
  throw Error(ErrorKind::input, plan.path.string() + ": " + what + ". " + advice +
                                    (advice.ends_with('?') ? "" : "."));
}

std::string key_of(const std::string& op) {
  return "assignment." + one_line(op);
}

/// Ops by path and module.
class Finder {
 public:
  Finder(const PlanFile& plan, const Frame& frame) : plan_(plan), frame_(frame) {}

  std::size_t find(const std::string& op) const {
    const auto by_path = place_of([&](const auto& known) { return known.path == op; });
    const auto named = plan_.modules.find(op);
    const bool has_module = named != plan_.modules.end();
    if (by_path) {
      const auto& own = frame_.ops[*by_path].module;
      if (has_module && !own.empty() && own != named->second)
        refuse(plan_,
               "modules." + one_line(op) + " is " + quote(named->second) +
                   ", and in this model it is " + quote(own),
               "Name a plan of this model");
      return *by_path;
    }
    const auto& module = has_module ? named->second : op;
    const auto of_module = [&](const auto& known) { return known.module == module; };
    const auto count = std::count_if(frame_.ops.begin(), frame_.ops.end(), of_module);
    if (module.empty() || count == 0) refuse_unknown(op);
    if (count > 1)
      refuse(plan_,
             key_of(op) + " is of the module " + quote(module) + ", which " +
                 std::to_string(count) + " ops read",
             "Name these by their paths (`gainsweep show` lists them)");
    return *place_of(of_module);
  }

 private:
  template <class Is>
  std::optional<std::size_t> place_of(const Is& is) const {
    const auto found = std::find_if(frame_.ops.begin(), frame_.ops.end(), is);
    if (found == frame_.ops.end()) return std::nullopt;
    return static_cast<std::size_t>(found - frame_.ops.begin());
  }

  [[noreturn]] void refuse_unknown(const std::string& op) const {
    std::vector<std::string> known;
    for (const auto& [path, module] : frame_.ops) {
      known.push_back(path);
      if (!module.empty()) known.push_back(module);
    }
    const auto meant = closest(op, known);
    refuse(plan_, key_of(op) + " is no op of this model and no module of its checkpoint",
           meant.empty() ? "Name ops by their paths (`gainsweep show` lists them)"
                         : "Did you mean '" + meant + "'?");
  }

  const PlanFile& plan_;
  const Frame& frame_;
};

std::size_t format_of(const PlanFile& plan, const Frame& frame, const std::string& op,
                      const std::string& name) {
  const auto found = std::find(frame.formats.begin(), frame.formats.end(), name);
  if (found != frame.formats.end()) return static_cast<std::size_t>(found - frame.formats.begin());
  const auto meant = closest(name, frame.formats);
  refuse(plan,
         key_of(op) + " is " + quote(name) +
             ", which is no format of this run (formats.high and "
             "formats.low have " +
             join(frame.formats) + ")",
         meant.empty() ? "Write one of these, or add it to formats.low"
                       : "Did you mean '" + meant + "'?");
}

void check_whole(const PlanFile& plan, const Frame& frame,
                 const std::vector<std::optional<std::string>>& names) {
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i]) missing.push_back(frame.ops[i].path);
  if (missing.empty()) return;
  const auto count = missing.size();
  missing.resize(std::min(count, most_listed));
  refuse(plan,
         "assignment lacks " + join(missing) +
             (count > most_listed ? " and " + std::to_string(count - most_listed) + " more" : "") +
             " of the model's " + std::to_string(names.size()) +
             " ops (an absent op never means a default)",
         "Name every op, with " + frame.formats.front() + " what is not lowered");
}

// `shown` says what the file calls an op, by its place.
template <class Shown>
void check_ties(const PlanFile& plan, const Frame& frame, const Shown& shown,
                const std::vector<std::size_t>& formats) {
  for (const auto& tie : frame.ties)
    for (const auto place : tie) {
      if (formats[place] == formats[tie.front()]) continue;
      refuse(plan,
             shown(tie.front()) + " is " + frame.formats[formats[tie.front()]] + " and " +
                 shown(place) + " is " + frame.formats[formats[place]] +
                 ", and these ops share one format (partition.tie or partition.fused holds them "
                 "together)",
             "Give them one, or run without that key");
    }
}

// A file that names modules of another model would lower little here, without a word.
void check_modules(const PlanFile& plan, const Frame& frame) {
  std::vector<std::string> known;
  for (const auto& op : frame.ops)
    if (!op.module.empty()) known.push_back(op.module);
  for (const auto& module : plan.tool->lowered) {
    if (std::find(known.begin(), known.end(), module) != known.end()) continue;
    const auto meant = closest(module, known);
    refuse(plan, "it lowers " + quote(module) + ", which is no module of this model's checkpoint",
           meant.empty() ? "Name a plan of this model" : "Did you mean '" + meant + "'?");
  }
}

// The module of the attention that a product is in: that of a layer beside it.
std::string attention_of(const Frame& frame, const std::string& path) {
  const auto section = path.substr(0, path.rfind('.') + 1);
  for (const auto& op : frame.ops)
    if (!op.module.empty() && op.path.substr(0, op.path.rfind('.') + 1) == section)
      return op.module.substr(0, op.module.rfind('.'));
  return "";
}

// The place of the format with such numbers: of a product, whose operands are both activations, by
// these, one whose weights are the same first.
std::optional<std::size_t> place_of(const Frame& frame, const Numbers& numbers, bool is_product) {
  for (const bool is_exact : {true, false})
    for (std::size_t i = 1; i < frame.numbers.size(); ++i) {
      const auto& known = frame.numbers[i];
      const auto wanted =
          is_product ? Numbers{is_exact ? numbers.activation : known.weight, numbers.activation}
                     : numbers;
      if (known == wanted) return i;
    }
  return std::nullopt;
}

std::vector<std::size_t> fit_tool(const PlanFile& plan, const Frame& frame) {
  check_modules(plan, frame);
  std::vector<std::size_t> formats(frame.ops.size(), 0);
  for (std::size_t i = 0; i < frame.ops.size(); ++i) {
    const auto& [path, module] = frame.ops[i];
    const auto attention = module.empty() ? attention_of(frame, path) : "";
    if (module.empty() && attention.empty()) continue;
    const auto numbers = module.empty()
                             ? plan.tool->product(attention, path.substr(path.rfind('.') + 1))
                             : plan.tool->layer(module);
    if (numbers == Numbers{}) continue;
    const auto place = place_of(frame, numbers, module.empty());
    if (!place)
      refuse(plan,
             path + " has " +
                 (module.empty()
                      ? "both operands in " + numbers.activation
                      : "weights in " + numbers.weight + " and activations " +
                            (numbers.activation.empty() ? "high" : "in " + numbers.activation)) +
                 ", which no format of this run is (formats.low has " +
                 join(std::vector(frame.formats.begin() + 1, frame.formats.end())) + ")",
             "Add it to formats.low");
    formats[i] = *place;
  }
  check_ties(
      plan, frame, [&](auto place) { return one_line(frame.ops[place].path); }, formats);
  return formats;
}

}  // namespace

std::vector<std::size_t> fit(const PlanFile& plan, const Frame& frame) {
  if (plan.tool) return fit_tool(plan, frame);
  const Finder finder(plan, frame);
  std::vector<std::size_t> formats(frame.ops.size(), 0);
  std::vector<std::optional<std::string>> names(frame.ops.size());  // as the file calls them
  for (const auto& [op, format] : plan.assignment) {
    const auto place = finder.find(op);
    if (names[place])
      refuse(plan,
             key_of(*names[place]) + " and " + key_of(op) + " are both the op " +
                 frame.ops[place].path,
             "Remove one of the two");
    names[place] = op;
    formats[place] = format_of(plan, frame, op, format);
  }
  check_whole(plan, frame, names);
  check_ties(
      plan, frame, [&](auto place) { return key_of(*names[place]); }, formats);
  return formats;
}

}  // namespace gainsweep::plan_file
