#include "conformance/check.hpp"

#include "base/exception.hpp"
#include "conformance/behaviour.hpp"
#include "conformance/values.hpp"
#include "format/format.hpp"

namespace gainsweep::conformance {
namespace {

using execute::Device, execute::Precision;

Finding tried(const Check& check, const Device& device) {
  try {
    return check.run(device);
  } catch (const std::exception& error) {
    return {Verdict::failed, message_of(error)};
  }
}

// No target has kernels of formats in blocks.
bool may_have_kernels(const std::string& format) {
  return format != "bf16" &&
         format::by_name(format).weight.granularity != format::Granularity::block;
}

}  // namespace

std::vector<Check> checks() {
  std::vector<Check> all{
      {"card", card},
      {"operators", operators},
      {"values in fp32", [](const Device& d) { return high_values(d, Precision::fp32); }},
      {"values in bf16", [](const Device& d) { return high_values(d, Precision::bf16); }},
      {"scores", scores}};
  for (const auto& name : format::names())
    if (may_have_kernels(name))
      all.push_back({"values in " + name, [name](const Device& d) { return low_values(d, name); }});
  for (auto& check : std::vector<Check>{{"configurations", configurations},
                                        {"host", host},
                                        {"waiting", waiting},
                                        {"compilations", compilations},
                                        {"kernels", kernels},
                                        {"state", state}})
    all.push_back(std::move(check));
  return all;
}

std::vector<Result> run(const Device& device, const std::function<void(const Result&)>& told) {
  std::vector<Result> results;
  for (const auto& check : checks()) {
    results.push_back({check.name, tried(check, device)});
    told(results.back());
  }
  return results;
}

}  // namespace gainsweep::conformance
