#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "execute/probe_session.hpp"
#include "execute/program.hpp"
#include "graph/segments.hpp"

namespace gainsweep::execute {

/// Passes of samples through a probed graph, stretch by stretch (execute/stretches.hpp). Numbers do
/// not depend on where it is cut.
class ProbePass {
 public:
  ProbePass(const graph::Graph& probed, const std::vector<graph::Segment>& pieces,
            Parameters& parameters, c10::intrusive_ptr<ProbeSession> session);

  /// The loss; with gradients in the last stretch alone. Keeps what enters the others.
  at::Tensor forward(const Inputs& inputs);
  /// After `forward` of the same inputs: fills the session's record.
  void backward(const Inputs& inputs);
  /// Forward without gradients, for the session to search.
  void search(const Inputs& inputs);

  /// As Program::spoilt_parameter, for the whole graph.
  std::string spoilt_parameter() const;
  bool is_narrow() const;

 private:
  struct Part {
    Program program;
    bool is_entered = false;          ///< by a value of the part before
    bool takes_gradient = false;      ///< ops before it are scored
    std::vector<std::size_t> inputs;  ///< that it reads, among the graph's
  };

  /// The first output of a part, under the caller's autograd mode.
  at::Tensor run(std::size_t part, const Inputs& inputs);

  c10::intrusive_ptr<ProbeSession> session_;
  std::vector<Part> parts_;
  std::vector<at::Tensor> entering_;  ///< by part, of the sample at work
  at::Tensor loss_;
};

}  // namespace gainsweep::execute
