#include "cli/provenance.hpp"

#include <thread>

#include "cli/build_info.hpp"
#include "cli/ledger.hpp"
#include "config/read.hpp"
#include "digest/digest.hpp"
#include "disk/host.hpp"

namespace gainsweep::cli {
namespace {

std::string tokens_digest(const std::vector<execute::Batch>& samples) {
  digest::Builder builder;
  for (const auto& sample : samples)
    builder.add("tokens", digest::of_bytes(std::as_bytes(std::span(sample.tokens))))
        .add("last", sample.labels.back());
  return builder.finish();
}

}  // namespace

archive::Contents describe(const pipeline::Experiment& experiment, const std::string& spec_text,
                           const std::string& started, int num_ranks) {
  archive::Contents contents;
  contents.provenance = describe(experiment.spec.name, spec_text);
  contents.machine = {{"host", disk::host_name()},
                      {"device", experiment.environment.device_name},
                      {"instruction_set", experiment.environment.instruction_set},
                      {"torch_version", experiment.environment.torch_version},
                      {"threads", std::to_string(experiment.environment.threads)},
                      {"processors", std::to_string(std::thread::hardware_concurrency())},
                      {"ranks", std::to_string(num_ranks)},
                      {"started", started},
                      {"finished", utc_now()}};
  return contents;
}

std::map<std::string, std::string> describe(const std::string& name, const std::string& spec_text) {
  return {{"name", name},
          {"spec_written", spec_text},
          {"program_version", program_version},
          {"program_commit", program_commit}};
}

std::map<std::string, std::string> describe(const pipeline::Experiment& experiment) {
  auto texts = describe(experiment.spec);
  texts["model_digest"] = experiment.model_digest;
  texts["calibration_digest"] = tokens_digest(experiment.calibration);
  texts["evaluation_digest"] = tokens_digest(experiment.evaluation);
  return texts;
}

std::map<std::string, std::string> describe(const config::Spec& spec) {
  const auto resolved = config::resolved(spec);
  return {{"spec_resolved", resolved}, {"spec_digest", digest::of_text(resolved)}};
}

}  // namespace gainsweep::cli
