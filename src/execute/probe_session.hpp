#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <vector>

#include "execute/probe.hpp"
#include "execute/probe_kernels.hpp"

/// What the probed operators of one prober share. Operators find the session of the pass that they
/// run in through ActiveSession; their backward functions keep a reference.
namespace gainsweep::execute {

class ProbeSession final : public torch::CustomClassHolder {
 public:
  ProbeSession(std::vector<format::Format> formats, std::vector<std::vector<float>> maxima,
               std::vector<graph::Op> ops, const ProbeKernels& kernels);

  /// Empties the record for the next sample.
  void begin();

  /// Probes an activation, whose scales are static or those of this sample.
  /// Blocks begin anew after `restart` elements, if it is not 0.
  void add_activation(std::size_t op, std::size_t operand, const at::Tensor& z, const at::Tensor& g,
                      std::int64_t restart = 0);

  /// The formats of an activation that is given in parts.
  OperandFormats activation_formats(std::size_t op, std::size_t operand,
                                    const std::vector<at::Tensor>& parts) const;
  /// Probes a part of an activation, from element `first` of the dimension that is summed over.
  void add_part(std::size_t op, std::size_t operand, const OperandFormats& formats,
                std::int64_t first, const at::Tensor& z, const at::Tensor& g);

  /// Probes rows [first_row, …) of a weight; `g` is their gradient, `w` the whole weight.
  void add_weight_rows(std::size_t op, std::size_t operand, const at::Tensor& w,
                       std::int64_t first_row, const at::Tensor& g);

  /// During a search: remembers the first op whose output is not finite.
  void search(std::size_t op, const at::Tensor& output);

  const std::vector<graph::Op>& ops() const { return ops_; }
  /// A scalar that requires a gradient nobody reads: it makes the outputs of probed operators
  /// differentiable though no parameter is, and nothing before the first of them.
  const at::Tensor& tap() const { return tap_; }

  ProbeRecord record;
  bool searching = false;
  std::optional<std::size_t> first_not_finite;

 private:
  OperandPart part_of(std::size_t op, std::size_t operand) const;
  const OperandFormats& weight_formats(std::size_t op, std::size_t operand, const at::Tensor& w);

  const ProbeKernels& kernels_;
  std::vector<format::Format> formats_;
  std::vector<std::vector<float>> maxima_;
  std::vector<graph::Op> ops_;
  std::vector<std::vector<OperandFormats>> weights_;  ///< [op][operand], empty until first use
  at::Tensor tap_;
};

/// Makes a session the one of this thread's forward pass for as long as it lives.
class ActiveSession {
 public:
  explicit ActiveSession(c10::intrusive_ptr<ProbeSession> session);
  ActiveSession(const ActiveSession&) = delete;
  ActiveSession& operator=(const ActiveSession&) = delete;
  ~ActiveSession();

  /// Null outside a probing pass.
  static const c10::intrusive_ptr<ProbeSession>& current();
};

}  // namespace gainsweep::execute
