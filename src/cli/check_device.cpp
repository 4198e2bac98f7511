#include <algorithm>
#include <iomanip>
#include <iostream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "conformance/check.hpp"
#include "execute/hpu_settings.hpp"
#include "execute/program.hpp"

namespace gainsweep::cli {
namespace {

using conformance::Result, conformance::Verdict;

constexpr int not_here = 2, some_failed = 3;

void drive(const CheckDeviceOptions& options) {
  if (options.device != "hpu") {
    if (!options.plugin && !options.mode) return;
    throw Error(ErrorKind::config, "--plugin and --mode are of an hpu (the device is " +
                                       options.device + "). Leave them out");
  }
  execute::HpuSettings settings{.plugin = options.plugin};
  if (options.mode) settings.mode = enumerator<execute::HpuMode>(*options.mode);
  execute::drive_hpu(settings);
}

void tell(const Result& result) {
  std::cout << std::left << std::setw(10) << spelling(result.finding.verdict) << std::setw(26)
            << result.check << one_line(result.finding.detail) << std::endl;
}

std::string counted(const std::vector<Result>& results, Verdict verdict) {
  const auto count = std::count_if(results.begin(), results.end(), [&](const auto& result) {
    return result.finding.verdict == verdict;
  });
  return std::to_string(count);
}

}  // namespace

int check_device(const CheckDeviceOptions& options) {
  const auto& device = execute::devices().at(options.device);
  drive(options);
  try {
    execute::start(device, 1);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::environment) throw;
    log_line(std::string("gainsweep: ") + error.what(), LogLevel::error);
    return not_here;
  }
  const auto results = conformance::run(device, tell);
  const auto failed = counted(results, Verdict::failed);
  std::cout << device.name << ": " << counted(results, Verdict::passed) << " checks passed, "
            << failed << " failed, " << counted(results, Verdict::untried)
            << " could not be tried here\n";
  return failed == "0" ? 0 : some_failed;
}

}  // namespace gainsweep::cli
