#include "config/kind.hpp"

namespace gainsweep::config {

Section describe(Heading& heading, const Kinds& kinds) {
  if (heading.experiment.empty()) heading.experiment = kinds.front().name;
  std::vector<std::string> names;
  for (const auto& kind : kinds) names.push_back(kind.name);
  return {{
      {.name = "schema",
       .help = "version of the layout of specs",
       .value = Integer{&heading.schema, schema_version, schema_version},
       .example = std::to_string(schema_version),
       .fixed = true},
      {.name = "experiment",
       .help = "kind of experiment",
       .value = Choice{names, [&heading] { return heading.experiment; },
                       [&heading](const std::string& name) { heading.experiment = name; }},
       .fixed = true},
  }};
}

Section describe(Heading& heading, Draft& draft, const Kinds& kinds) {
  Section root = describe(heading, kinds);
  for (const Section& part : {draft.common(), draft.own()}) {
    root.keys.insert(root.keys.end(), part.keys.begin(), part.keys.end());
  }
  return root;
}

}  // namespace gainsweep::config
