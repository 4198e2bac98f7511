#include "execute/probe_session.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <span>

#include "execute/probe_elements.hpp"

namespace gainsweep::execute {
namespace {

/// The sums of one piece, kept apart so that they are added in piece order.
struct PieceSums {
  double sensitivity = 0;
  std::vector<double> signed_error;
  std::vector<double> step_norm;
};

std::vector<format::ScaledGrid> scaled(const std::vector<format::Format>& formats) {
  std::vector<format::ScaledGrid> grids;
  for (const format::Format& format : formats) grids.push_back({.grid = format.grid});
  return grids;
}

/// The elements of z and their gradients in one walk, each row at its own scales.
template <class T>
struct Walk {
  std::span<const T> z;
  std::span<const T> g;
  std::size_t row_elements;
  std::size_t first_row;
  const OperandScales& scales;

  PieceSums sums(std::size_t begin, std::size_t end, std::vector<format::ScaledGrid> grids) const {
    PieceSums piece{0, {}, std::vector<double>(grids.size())};
    format::ProbeSums sums;
    sums.signed_error.resize(grids.size());
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
    return piece;
  }
};

void add(const PieceSums& piece, OperandProbe& probe) {
  probe.sensitivity += piece.sensitivity;
  for (std::size_t f = 0; f < piece.signed_error.size(); ++f) {
    probe.signed_error[f] += piece.signed_error[f];
    probe.step_norm[f] += piece.step_norm[f];
  }
}

bool by_row(const OperandScales& scales) {
  return std::any_of(scales.begin(), scales.end(), [](const auto& s) { return s.size() > 1; });
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

bool is_dynamic(const format::Format& format) {
  return format.activation_scale == format::ScaleRule::dynamic_max;
}

thread_local c10::intrusive_ptr<ProbeSession> active;

}  // namespace

void add_probe(const std::vector<format::Format>& formats, const OperandScales& scales,
               std::int64_t first_row, const at::Tensor& z, const at::Tensor& g,
               OperandProbe& probe) {
  if (z.numel() == 0) return;
  const bool rows_differ = by_row(scales);
  const auto [values, gradients] = in_step(z, g, rows_differ);
  const auto num_elements = static_cast<std::size_t>(z.numel());
  const std::size_t row_elements =
      rows_differ ? num_elements / static_cast<std::size_t>(z.size(0)) : num_elements;
  const std::size_t size = piece_size(row_elements, rows_differ);
  std::vector<PieceSums> pieces((num_elements + size - 1) / size);
  const auto grids = scaled(formats);
  with_element_type(z.scalar_type(), [&]<class T>() {
    const Walk<T> walk{elements<T>(values), elements<T>(gradients), row_elements,
                       static_cast<std::size_t>(first_row), scales};
    at::parallel_for(
        0, static_cast<std::int64_t>(pieces.size()), 1, [&](std::int64_t begin, std::int64_t end) {
          for (auto p = static_cast<std::size_t>(begin); p < static_cast<std::size_t>(end); ++p) {
            pieces[p] = walk.sums(p * size, std::min(num_elements, (p + 1) * size), grids);
          }
        });
  });
  for (const PieceSums& piece : pieces) add(piece, probe);
}

ProbeSession::ProbeSession(std::vector<format::Format> formats,
                           std::vector<std::vector<float>> maxima, std::vector<graph::Op> ops)
    : formats_(std::move(formats)),
      maxima_(std::move(maxima)),
      ops_(std::move(ops)),
      tap_(at::zeros({}).requires_grad_()) {
  for (const graph::Op& op : ops_) weight_scales_.emplace_back(op.operands.size());
}

void ProbeSession::begin() {
  const std::vector<double> zeros(formats_.size());
  const OperandProbe empty{0, zeros, zeros};
  record = {};
  for (const graph::Op& op : ops_) record.operands.emplace_back(op.operands.size(), empty);
  first_not_finite.reset();
}

void ProbeSession::add_activation(std::size_t op, std::size_t operand, const at::Tensor& z,
                                  const at::Tensor& g) {
  add_probe(formats_, activation_scales(op, operand, z), 0, z, g, record.operands[op][operand]);
}

void ProbeSession::add_weight_rows(std::size_t op, std::size_t operand, const at::Tensor& w,
                                   std::int64_t first_row, const at::Tensor& g) {
  add_probe(formats_, weight_scales(op, operand, w), first_row, w.narrow(0, first_row, g.size(0)),
            g, record.operands[op][operand]);
}

void ProbeSession::search(std::size_t op, const at::Tensor& output) {
  if (!searching || first_not_finite) return;
  if (!at::isfinite(output).all().item<bool>()) first_not_finite = op;
}

OperandScales ProbeSession::activation_scales(std::size_t op, std::size_t operand,
                                              const at::Tensor& z) const {
  const bool dynamic = std::any_of(formats_.begin(), formats_.end(), is_dynamic);
  const float of_sample = dynamic ? largest_magnitude(z) : 0;
  OperandScales scales;
  for (const format::Format& format : formats_) {
    float amax = of_sample;
    if (format.activation_scale == format::ScaleRule::static_max) amax = maxima_[op][operand];
    scales.push_back({format::scale_of(format.grid, amax, format.activation_backoff)});
  }
  return scales;
}

const OperandScales& ProbeSession::weight_scales(std::size_t op, std::size_t operand,
                                                 const at::Tensor& w) {
  OperandScales& scales = weight_scales_[op][operand];
  if (!scales.empty()) return scales;
  const std::vector<float> rows = largest_magnitude_of_rows(w);
  const float largest = *std::max_element(rows.begin(), rows.end());
  for (const format::Format& format : formats_) {
    const bool by_channel = format.weight_granularity == format::Granularity::channel;
    auto& of_format = scales.emplace_back(by_channel ? rows : std::vector<float>{largest});
    for (float& s : of_format) s = format::scale_of(format.grid, s, format.weight_backoff);
  }
  return scales;
}

ActiveSession::ActiveSession(c10::intrusive_ptr<ProbeSession> session) {
  active = std::move(session);
}

ActiveSession::~ActiveSession() {
  active.reset();
}

const c10::intrusive_ptr<ProbeSession>& ActiveSession::current() {
  return active;
}

}  // namespace gainsweep::execute
