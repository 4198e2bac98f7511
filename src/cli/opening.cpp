#include "cli/opening.hpp"

#include "base/error.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {

pipeline::Experiment open(const spec::Point& point, const pipeline::Experiment& other,
                          std::size_t device) {
  try {
    execute::start(point.spec.device, point.spec.threads, device);
    return pipeline::open(point.spec, other.model ? &other : nullptr);
  } catch (const Error& error) {
    if (point.parameters.empty()) throw;
    throw with_context(error, "at the point " + spec::text_of(point.parameters));
  }
}

}  // namespace gainsweep::cli
