#include "archive/samples.hpp"

#include <cmath>
#include <functional>
#include <numeric>
#include <span>
#include <string>

#include "target.hpp"

namespace {

namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

std::size_t count(const archive::Rows& rows) {
  if (const auto* reals = std::get_if<std::vector<float>>(&rows.values)) {
    for (const float real : *reals)
      if (!std::isfinite(real)) fuzz::finding("a real that is not finite");
    return reals->size();
  }
  return std::get<std::vector<std::int64_t>>(rows.values).size();
}

/// Refuses values that are not as many as rows of their shape have.
void check_shape(const archive::Rows& rows, std::int64_t num_rows) {
  const auto wanted =
      std::accumulate(rows.shape.begin(), rows.shape.end(), num_rows, std::multiplies{});
  if (wanted <= 0 || static_cast<std::size_t>(wanted) != count(rows))
    fuzz::finding("rows of another shape");
}

void check_offsets(const archive::SampleRows& samples) {
  const auto& offsets = samples.offsets;
  if (offsets.empty()) return;
  if (offsets.front() != 0 || offsets.back() != samples.num_rows())
    fuzz::finding("samples outside the rows");
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] - offsets[i - 1] < 2) fuzz::finding("a group without a candidate");
}

void check_labels(const archive::SampleRows& samples) {
  check_shape(*samples.labels, samples.num_samples());
  const auto& labels = std::get<std::vector<std::int64_t>>(samples.labels->values);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 && (samples.labels->shape.empty() || labels[i] != -100))
      fuzz::finding("a label below 0");
    if (!samples.offsets.empty() && labels[i] >= samples.offsets[i + 1] - samples.offsets[i] - 1)
      fuzz::finding("a label of no candidate");
  }
}

struct Format {
  static archive::SampleRows decode(std::span<const std::byte> file) {
    return archive::decode_samples(file);
  }
  static archive::SampleRows read(const std::string& path) {
    return archive::read_samples({path}).front();
  }
  static void check(const archive::SampleRows& samples) {
    if (samples.inputs.empty()) fuzz::finding("no inputs");
    for (const auto& input : samples.inputs) check_shape(input, samples.num_rows());
    check_offsets(samples);
    if (samples.labels) check_labels(samples);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::try_foreign_file<Format>(bytes, size);
  return 0;
}
