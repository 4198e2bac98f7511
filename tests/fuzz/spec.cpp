#include <string>
#include <vector>

#include "spec/read.hpp"
#include "target.hpp"

namespace {

using gainsweep::ErrorKind;
namespace spec = gainsweep::spec;
namespace fuzz = gainsweep::fuzz;

void check(const spec::Spec& spec) {
  const std::string resolved = spec::resolved(spec);
  const auto again =
      fuzz::accepted(ErrorKind::config, [&] { return spec::read(resolved, "resolved"); });
  if (!again) fuzz::finding("a resolved spec is refused:\n" + resolved);
  if (spec::resolved(*again) != resolved) fuzz::finding("a resolved spec reads as another");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const auto points =
      fuzz::accepted(ErrorKind::config, [&] { return spec::read_points(text, "spec.yaml"); });
  if (!points) return 0;
  if (points->empty()) fuzz::finding("a spec without points");
  // Points in between differ from these by values alone, and a spec may have a thousand.
  check(points->front().spec);
  check(points->back().spec);
  for (const auto& point : *points)
    fuzz::note_refusal("a point: " + spec::text_of(point.parameters));
  return 0;
}
