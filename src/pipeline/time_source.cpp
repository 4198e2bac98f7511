#include "pipeline/time_source.hpp"

#include "archive/field.hpp"

namespace gainsweep::pipeline {

using archive::reals, archive::texts;

archive::Table to_table(const TimeSource& source) {
  const archive::Axes row{{"row", 1}};
  return {
      "time_source",
      "Where times come from that were not measured here",
      archive::Nature::deterministic,
      {texts("source", {source.kind}, row, "Kind of source"),
       texts("device", {source.device}, row, "Device that the times are of"),
       texts("digest", {source.digest}, row, "Digest of the file that says so"),
       texts("assumed", {source.assumed}, row, "Keys of the file whose values nobody published"),
       texts("sources", {source.sources}, row, "Where the others come from"),
       reals("baseline", {source.baseline}, row, "s", "Time of an all-high run"),
       reals("baseline_low", {source.baseline_low}, row, "s", "Lower end of its interval"),
       reals("baseline_high", {source.baseline_high}, row, "s", "Upper end")}};
}

}  // namespace gainsweep::pipeline
