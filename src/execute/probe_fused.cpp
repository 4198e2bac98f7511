// Probes on the fused kernels of `format`, over host memory.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <span>

#include "execute/probe_elements.hpp"
#include "execute/probe_kernels.hpp"

namespace gainsweep::execute {
namespace {

/// The sums of one piece, kept apart so that they are added in piece order.
struct PieceSums {
  double sensitivity = 0;
  std::vector<double> signed_error;
  std::vector<double> square_error;
  std::vector<double> step_norm;
};

/// The formats whose scales are those of rows or of the whole operand, with their places.
struct Chosen {
  std::vector<std::size_t> places;
  std::vector<format::ScaledGrid> grids;
  std::vector<std::span<const float>> scales;
};

Chosen chosen(const OperandFormats& formats) {
  Chosen result;
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const auto& own = formats[f];
    if (own.number == nullptr || own.in_blocks()) continue;
    result.places.push_back(f);
    result.grids.push_back({.grid = own.number->grid});
    result.scales.push_back(own.scales);
  }
  return result;
}

/// The elements of z and their gradients in one walk, each row at its own scales.
template <class T>
struct Walk {
  std::span<const T> z;
  std::span<const T> g;
  std::size_t row_elements;
  std::size_t first_row;
  const std::vector<std::span<const float>>& scales;

  PieceSums sums(std::size_t begin, std::size_t end, std::vector<format::ScaledGrid> grids) const {
    PieceSums piece{0, {}, {}, std::vector<double>(grids.size())};
    format::ProbeSums sums;
    sums.signed_error.resize(grids.size());
    sums.square_error.resize(grids.size());
    while (begin < end) {
      const std::size_t row = begin / row_elements;
      const std::size_t count = std::min(end, (row + 1) * row_elements) - begin;
      for (std::size_t f = 0; f < grids.size(); ++f) {
        grids[f].scale = scales[f].size() > 1 ? scales[f][first_row + row] : scales[f][0];
      }
      sums.square_gradient = 0;
      format::probe_span<T>(grids, z.subspan(begin, count), g.subspan(begin, count), sums);
      for (std::size_t f = 0; f < grids.size(); ++f) {
        if (grids[f].grid.kind != format::Kind::integer) continue;
        const double step = grids[f].scale;
        piece.step_norm[f] += step * step * sums.square_gradient;
      }
      begin += count;
    }
    piece.sensitivity = sums.weighted_square;
    piece.signed_error = std::move(sums.signed_error);
    piece.square_error = std::move(sums.square_error);
    return piece;
  }
};

void add(const PieceSums& piece, const std::vector<std::size_t>& places, OperandProbe& probe) {
  probe.sensitivity += piece.sensitivity;
  for (std::size_t f = 0; f < places.size(); ++f) {
    probe.signed_error[places[f]] += piece.signed_error[f];
    probe.square_error[places[f]] += piece.square_error[f];
    probe.step_norm[places[f]] += piece.step_norm[f];
  }
}

/// Pieces of whole rows where rows have their own scales: a cut row would be prepared twice.
std::size_t piece_size(std::size_t row_elements, bool rows_differ) {
  constexpr auto wanted = static_cast<std::size_t>(piece_elements);
  if (!rows_differ || row_elements >= wanted) return wanted;
  return wanted / row_elements * row_elements;
}

/// Both tensors with equal strides and no gaps: as they are where they agree, else contiguous.
std::pair<at::Tensor, at::Tensor> in_step(const at::Tensor& z, const at::Tensor& g, bool rows) {
  const bool dense = z.is_non_overlapping_and_dense() && z.strides() == g.strides();
  if (dense && (!rows || z.is_contiguous())) return {z, g};
  return {z.contiguous(), g.contiguous()};
}

void add_plain_scales(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
                      const at::Tensor& g, OperandProbe& probe) {
  const auto own = chosen(formats);
  const bool rows_differ = by_row(formats);
  const auto in_memory = in_step(z, g, rows_differ);
  const auto &values = in_memory.first, &gradients = in_memory.second;
  const auto num_elements = static_cast<std::size_t>(z.numel());
  const std::size_t row_elements =
      rows_differ ? num_elements / static_cast<std::size_t>(z.size(0)) : num_elements;
  const std::size_t size = piece_size(row_elements, rows_differ);
  std::vector<PieceSums> pieces((num_elements + size - 1) / size);
  with_element_type(z.scalar_type(), [&]<class T>() {
    const Walk<T> walk{elements<T>(values), elements<T>(gradients), row_elements,
                       static_cast<std::size_t>(part.first_row), own.scales};
    at::parallel_for(
        0, static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t begin, std::int64_t end) {
          for (auto p = static_cast<std::size_t>(begin); p < static_cast<std::size_t>(end); ++p) {
            pieces[p] = walk.sums(p * size, std::min(num_elements, (p + 1) * size), own.grids);
          }
        });
  });
  for (const PieceSums& piece : pieces) add(piece, own.places, probe);
}

void add_fused(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
               const at::Tensor& g, OperandProbe& probe) {
  if (z.numel() == 0) return;
  add_plain_scales(formats, part, z, g, probe);
  add_in_blocks(formats, part, z, g, probe);
}

}  // namespace

const ProbeKernels& fused_probes() {
  static const ProbeKernels kernels{largest_magnitude, largest_magnitude_of_rows, add_fused};
  return kernels;
}

}  // namespace gainsweep::execute
