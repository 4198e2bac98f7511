#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/table.hpp"
#include "graph/graph.hpp"
#include "model/checkpoint.hpp"

namespace gainsweep::model {

/// What a graph gives, in an order that is asked for.
enum class Output {
  mean_loss,               ///< mean cross entropy over the targets, a scalar
  target_log_likelihoods,  ///< logarithm of each target's probability, in the targets' shape
  /// 1 for each target that the model holds for likeliest (the first of equal classes), 0 for the
  /// others, in the targets' shape.
  targets_are_likeliest,
  class_scores,  ///< logits: the targets' shape and the classes
};

/// What a graph of a model is made for.
struct Workload {
  std::int64_t batch = 1;
  std::int64_t length = 0;        ///< of a sequence; read by models of sequences alone
  std::vector<Output> outputs{};  ///< none: the whole forward pass, of which nothing is kept
  bool weighted = false;          ///< a mean loss reads weights of the targets
  std::int64_t scored = 0;        ///< last tokens of a sequence that outputs are of; 0: all of them
  /// Sequences that begin alike stand in one, the beginning once: inputs say where each token
  /// stands in its own (`positions`), which one that is (`parts`, 0: the beginning of all), and
  /// which tokens the `scored` outputs are of (`rows`).
  bool packed = false;
  auto operator<=>(const Workload&) const = default;
};

/// What stands in an input's shape for a size of the workload.
constexpr std::int64_t batch_size = -1;
constexpr std::int64_t sequence_length = -2;

/// An input that graphs of a model may have.
struct Input {
  std::string name;
  graph::ElementType type = graph::ElementType::real;
  graph::Shape shape{};    ///< sizes, `batch_size` and `sequence_length`
  std::int64_t bound = 0;  ///< of indices: all are in [0, bound), such as a vocabulary
};

/// What a tensor that no graph of a model reads is to the model.
struct Unread {
  enum class Kind {
    silent,   ///< it says nothing that the graph does not compute itself
    listed,   ///< it is no part of the function, and users are told of it
    refused,  ///< the function that was trained has it
  };
  Kind kind = Kind::listed;
  std::string why{};  ///< of a refusal, with what to do, without a full stop
};

/// What was found on opening a model that users should know.
struct Note {
  std::string text;                  ///< a sentence without its full stop
  std::vector<std::string> names{};  ///< of the tensors or keys that it is about, if of any
};

/// A note as one line, with its first few names.
std::string to_line(const Note& note);

/// Whether a folder's weights have to be there: without them sizes are known and values are not.
enum class Weights { needed, if_there };

/// A trained model of any family.
struct Model {
  std::string name;  ///< of the family
  /// The forward pass; inputs and parameters by name. Error(input) for a workload that the model
  /// cannot run.
  std::function<graph::Graph(const Workload&)> build;
  std::vector<Input> inputs;                    ///< those of all its graphs
  std::vector<std::filesystem::path> digested;  ///< the files that a digest of the model covers
  std::shared_ptr<const Checkpoint> parameters;
  /// The checkpoint's name of a graph's parameter.
  std::function<std::string(const std::string&)> checkpoint_name = [](const std::string& value) {
    return value;
  };

  /// Judges a tensor of the checkpoint that the graph does not read.
  std::function<Unread(const std::string& tensor, const MappedTensor&)> judge =
      [](const std::string&, const MappedTensor&) { return Unread{}; };
  std::vector<Note> notes{};
  /// Patterns of ops that take one format in a sub-graph, where a spec says nothing of it
  /// (graph::PartitionSpec::tie): without them a layer of experts has too many configurations.
  std::vector<std::string> ties{};
  /// Most tokens of a sequence.
  std::int64_t longest = std::numeric_limits<std::int64_t>::max();
  /// Most tokens of sequences that may be packed: a token is embedded by its
  /// position alone. 0: none may.
  std::int64_t longest_packed = 0;

  /// By name; null where there is none.
  const Input* input(const std::string& name) const;
};

/// A family of models that Hugging Face folders hold.
struct Reader {
  std::string name;  ///< `model_type` of config.json
  /// The model of a folder with its checkpoint, which is blank where weights need not be there.
  /// Error(input) naming file and key or tensor for anything wrong.
  std::function<Model(const std::filesystem::path& folder,
                      std::shared_ptr<const Checkpoint> checkpoint)>
      open;
};

/// The known families.
Table<Reader>& readers();

/// The reader that the text of a config.json asks for by its `model_type`; `file` is what messages
/// name. Error(input) with the known ones when there is none.
const Reader& reader_of(std::string_view config, const std::filesystem::path& file);

/// Opens a Hugging Face folder by its family's reader and checks parameters against tensors, and
/// tensors that no parameter reads by `Model::judge`: Error(input) for the first that it refuses, a
/// note for those that it lists. Where there are no weights and none are needed, parameters are
/// zeros, with a note.
Model open(const std::filesystem::path& folder, Weights weights = Weights::needed);

/// Checks that the checkpoint has every parameter of a graph of the model in its shape and a
/// floating type. Error(input) naming file, tensor, found and wanted.
void check(const graph::Graph& graph, const Model& model);

/// The files of a Hugging Face folder that a digest covers: config.json, then all mapped ones.
std::vector<std::filesystem::path> files_of(const Checkpoint& checkpoint);

/// The model's digest, of its files' (digest::of_file, by path). Error(internal) when one is
/// missing.
std::string digest(const Model& model, const std::map<std::filesystem::path, std::string>& files);

}  // namespace gainsweep::model
