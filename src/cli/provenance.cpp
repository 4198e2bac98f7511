#include "cli/provenance.hpp"

#include <thread>

#include "cli/build_info.hpp"

namespace gainsweep::cli {

archive::Contents describe(const job::Ledger& ledger, const std::string& spec_text,
                           const std::map<std::string, std::string>& machine, int num_ranks) {
  archive::Contents contents;
  contents.provenance = describe(ledger.name, spec_text);
  contents.machine = machine;
  contents.machine["processors"] = std::to_string(std::thread::hardware_concurrency());
  contents.machine["ranks"] = std::to_string(num_ranks);
  contents.machine["started"] = ledger.started;
  return contents;
}

std::map<std::string, std::string> describe(const std::string& name, const std::string& spec_text) {
  return {{"name", name},
          {"spec_written", spec_text},
          {"program_version", program_version},
          {"program_commit", program_commit}};
}

}  // namespace gainsweep::cli
