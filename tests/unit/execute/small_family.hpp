#pragma once

#include <map>
#include <string>

#include "fixture.hpp"

/// Small decoders of each family with random weights: their configurations are the seeds of a fuzz
/// target.
namespace gainsweep::execute::small_family {

inline constexpr std::int64_t length = 12;
inline constexpr const char* families[] = {"gemma", "gemma2", "gemma3_text", "granite",
                                           "gpt2",  "olmo2",  "opt",         "phi3"};

/// The mean loss of `length` tokens.
graph::Graph graph_of(const std::string& family);

/// A random tensor for each parameter: matrices small, vectors (norms, biases) around 1.
std::map<std::string, fixture::Stored> random_tensors(const graph::Graph& graph);

/// Tokens and labels.
Inputs sample(const graph::Graph& graph);

}  // namespace gainsweep::execute::small_family
