#include "execute/row_scales.hpp"

#include <ATen/Parallel.h>

#include "execute/probe_elements.hpp"
#include "format/range.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {

std::vector<float> row_scales(const format::NumberFormat& number, const at::Tensor& w) {
  const auto values = w.detach().to(at::kCPU, at::kFloat).contiguous();
  const auto all = elements<float>(values);
  std::vector<float> scales(static_cast<std::size_t>(w.size(0)));
  if (scales.empty()) return scales;
  const auto columns = all.size() / scales.size();
  const auto& range = format::ranges().at(number.range);
  at::parallel_for(0, w.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row)
      scales[row] =
          format::scale_of(number, range.covered(number, all.subspan(row * columns, columns)));
  });
  return scales;
}

}  // namespace gainsweep::execute
