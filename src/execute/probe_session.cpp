#include "execute/probe_session.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

bool is_dynamic(const format::Format& format) {
  return format.activation_scale == format::ScaleRule::dynamic_max;
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
  add_part(op, operand, activation_scales(op, operand, {z}), z, g);
}

void ProbeSession::add_part(std::size_t op, std::size_t operand, const OperandScales& scales,
                            const at::Tensor& z, const at::Tensor& g) {
  kernels_.add(formats_, scales, 0, z, g, record.operands[op][operand]);
}

void ProbeSession::add_weight_rows(std::size_t op, std::size_t operand, const at::Tensor& w,
                                   std::int64_t first_row, const at::Tensor& g) {
  kernels_.add(formats_, weight_scales(op, operand, w), first_row,
               w.narrow(0, first_row, g.size(0)), g, record.operands[op][operand]);
}

void ProbeSession::search(std::size_t op, const at::Tensor& output) {
  if (!searching || first_not_finite) return;
  if (!at::isfinite(output).all().item<bool>()) first_not_finite = op;
}

OperandScales ProbeSession::activation_scales(std::size_t op, std::size_t operand,
                                              const std::vector<at::Tensor>& parts) const {
  const bool dynamic = std::any_of(formats_.begin(), formats_.end(), is_dynamic);
  float of_sample = 0;
  for (const auto& part : parts) {
    const float largest = dynamic ? kernels_.largest(part) : 0;
    if (std::isnan(largest) || largest > of_sample) of_sample = largest;
  }
  OperandScales scales;
  for (const format::Format& format : formats_) {
    float amax = of_sample;
    if (format.activation_scale == format::ScaleRule::static_max) amax = maxima_[op][operand];
    scales.push_back({format::scale_of(format, amax, format.activation_backoff)});
  }
  return scales;
}

const OperandScales& ProbeSession::weight_scales(std::size_t op, std::size_t operand,
                                                 const at::Tensor& w) {
  OperandScales& scales = weight_scales_[op][operand];
  if (!scales.empty()) return scales;
  std::vector<float> rows;
  for (const format::Format& format : formats_) {
    const bool by_channel = format.weight_granularity == format::Granularity::channel;
    if (by_channel && rows.empty()) rows = kernels_.largest_of_rows(w);
    const float largest = format::shares_weight_scale(format) ? maxima_[op][operand] : 0;
    auto& of_format = scales.emplace_back(by_channel ? rows : std::vector<float>{largest});
    for (float& s : of_format) s = format::scale_of(format, s, format.weight_backoff);
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
