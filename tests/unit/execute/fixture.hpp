#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "execute/state.hpp"

/// Small checkpoints, graphs and inputs that the tests of this folder share.
namespace gainsweep::execute::fixture {

struct Stored {
  graph::Shape shape;
  std::vector<float> elements;
};

/// A checkpoint of fp32 tensors in a folder of its own, removed with it.
class StoredModel {
 public:
  explicit StoredModel(const std::map<std::string, Stored>& tensors);
  StoredModel(const StoredModel&) = delete;
  StoredModel& operator=(const StoredModel&) = delete;
  ~StoredModel();

  const model::Checkpoint& checkpoint() const { return *model_.parameters; }
  const model::Model& model() const { return model_; }
  Parameters parameters(execute::Precision precision = execute::Precision::fp32) const {
    return {model_, execute::devices().at("cpu"), precision};
  }

 private:
  std::filesystem::path folder_;
  model::Model model_;
};

/// The CPU under the name `toy`, as a device that is one rank's alone: a card with two places,
/// whose memory the fused kernels cannot read.
execute::Device toy_device();

Inputs inputs_of(std::vector<at::Tensor> tensors);

/// The largest magnitudes of a graph's weights, beside those of its activations where they are
/// given.
std::vector<std::vector<float>> with_weights(const graph::Graph& graph, Parameters& parameters,
                                             std::vector<std::vector<float>> maxima = {});

/// Reproducible numbers in [-1, 1).
std::vector<float> numbers(std::size_t count, unsigned seed);

/// The message of the Error of a kind that a call throws; a failure of the test for anything else.
std::string message_of(ErrorKind kind, const std::function<void()>& call);

/// Whether this processor has a feature, as /proc/cpuinfo spells it.
bool processor_has(const std::string& flag);
/// Whether oneDNN multiplies int8 without saturating 16-bit sums here.
bool multiplies_int8_exactly();

std::filesystem::path development_data();

/// The first `count` ids of a .npy file of unsigned 16-bit integers.
std::vector<std::int64_t> read_tokens(const std::filesystem::path& file, std::size_t count);

/// Tokens and targets of window `sample` of `length` tokens.
model::Sample window(const std::vector<std::int64_t>& tokens, std::size_t sample,
                     std::int64_t length);

}  // namespace gainsweep::execute::fixture
