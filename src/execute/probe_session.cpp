#include "execute/probe_session.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "execute/row_scales.hpp"
#include "format/block.hpp"
#include "format/range.hpp"
#include "format/scale.hpp"
#include "graph/ops.hpp"

namespace gainsweep::execute {
namespace {

/// Whether the largest magnitude of a sample's activation counts.
bool is_dynamic(const format::Format& format) {
  return format.activation && format.activation->scale == format::ScaleRule::dynamic_max &&
         format::has_operand_scale(*format.activation);
}

float operand_scale(const format::NumberFormat& number, float amax) {
  if (number.granularity != format::Granularity::block) return format::scale_of(number, amax);
  return format::global_scale(number, amax);
}

thread_local c10::intrusive_ptr<ProbeSession> active;

}  // namespace

ProbeSession::ProbeSession(std::vector<format::Format> formats,
                           std::vector<std::vector<float>> maxima, std::vector<graph::Op> ops,
                           const ProbeKernels& kernels)
    : kernels_(kernels),
      formats_(std::move(formats)),
      maxima_(std::move(maxima)),
      ops_(std::move(ops)),
      tap_(at::zeros({}).requires_grad_()) {
  for (const graph::Op& op : ops_) weights_.emplace_back(op.operands.size());
}

void ProbeSession::begin() {
  const std::vector<double> zeros(formats_.size());
  const OperandProbe empty{0, zeros, zeros, zeros};
  record = {};
  for (const graph::Op& op : ops_) record.operands.emplace_back(op.operands.size(), empty);
  first_not_finite.reset();
}

OperandPart ProbeSession::part_of(std::size_t op, std::size_t operand) const {
  OperandPart part;
  part.dimension = graph::reduction_dimension(ops_[op].kind, operand);
  return part;
}

void ProbeSession::add_activation(std::size_t op, std::size_t operand, const at::Tensor& z,
                                  const at::Tensor& g, std::int64_t restart) {
  auto part = part_of(op, operand);
  part.restart = restart;
  kernels_.add(activation_formats(op, operand, {z}), part, z, g, record.operands[op][operand]);
}

void ProbeSession::add_part(std::size_t op, std::size_t operand, const OperandFormats& formats,
                            std::int64_t first, const at::Tensor& z, const at::Tensor& g) {
  auto part = part_of(op, operand);
  part.first = first;
  kernels_.add(formats, part, z, g, record.operands[op][operand]);
}

void ProbeSession::add_weight_rows(std::size_t op, std::size_t operand, const at::Tensor& w,
                                   std::int64_t first_row, const at::Tensor& g) {
  auto part = part_of(op, operand);
  part.first_row = first_row;
  kernels_.add(weight_formats(op, operand, w), part, w.narrow(0, first_row, g.size(0)), g,
               record.operands[op][operand]);
}

void ProbeSession::search(std::size_t op, const at::Tensor& output) {
  if (!searching || first_not_finite) return;
  if (!at::isfinite(output).all().item<bool>()) first_not_finite = op;
}

OperandFormats ProbeSession::activation_formats(std::size_t op, std::size_t operand,
                                                const std::vector<at::Tensor>& parts) const {
  const bool dynamic = std::any_of(formats_.begin(), formats_.end(), is_dynamic);
  float of_sample = 0;
  for (const auto& part : parts) {
    const float largest = dynamic ? kernels_.largest(part) : 0;
    if (std::isnan(largest) || largest > of_sample) of_sample = largest;
  }
  OperandFormats formats;
  for (const format::Format& format : formats_) {
    auto& own = formats.emplace_back();
    if (!format.activation) continue;
    own.number = &*format.activation;
    const float amax = format::has_static_scale(format) ? maxima_[op][operand] : of_sample;
    own.scales = {operand_scale(*own.number, amax)};
  }
  return formats;
}

const OperandFormats& ProbeSession::weight_formats(std::size_t op, std::size_t operand,
                                                   const at::Tensor& w) {
  OperandFormats& formats = weights_[op][operand];
  if (!formats.empty()) return formats;
  std::vector<float> rows;
  for (const format::Format& format : formats_) {
    const bool by_channel = format.weight.granularity == format::Granularity::channel;
    auto& own = formats.emplace_back();
    own.number = &format.weight;
    if (by_channel && !format::covers_all(format.weight)) {
      own.scales = row_scales(format.weight, w);
      continue;
    }
    if (by_channel && rows.empty()) rows = kernels_.largest_of_rows(w);
    const float largest = format::shares_weight_scale(format) ? maxima_[op][operand] : 0;
    own.scales = by_channel ? rows : std::vector<float>{largest};
    for (float& s : own.scales) s = operand_scale(format.weight, s);
  }
  return formats;
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
