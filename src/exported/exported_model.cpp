#include "exported/exported_model.hpp"

#include <algorithm>
#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "exported/in_place.hpp"
#include "exported/program.hpp"
#include "exported/refusal.hpp"
#include "exported/translation.hpp"
#include "graph/print.hpp"
#include "model/outputs.hpp"
#include "model/sample.hpp"

namespace gainsweep::exported {
namespace {

/// A model with all that its graphs are made from.
struct Source {
  std::filesystem::path path;
  ProgramFile file;
  Loss loss;
  RowShapes samples;
  Symbols symbols;         ///< those of rows' sizes
  std::string batch;       ///< symbol of the batch; empty where that is fixed
  std::int64_t fixed = 0;  ///< batch
};

std::vector<const exported::Input*> user_inputs(const Program& program) {
  std::vector<const exported::Input*> inputs;
  for (const auto& input : program.inputs)
    if (input.kind == exported::Input::Kind::user) inputs.push_back(&input);
  return inputs;
}

std::string form_of(const std::vector<Size>& sizes) {
  return "[" +
         join(sizes,
              [](const Size& size) {
                if (size.value && size.expression.empty()) return std::to_string(*size.value);
                const auto symbol = symbol_of(size.expression);
                return symbol.empty() ? std::string("…") : symbol;
              }) +
         "]";
}

/// Takes the size that one of an input's places has.
void bind_size(Source& source, const std::string& input, const Size& size, std::int64_t given) {
  const auto refuse_size = [&] {
    refuse(source.path,
           "input " + quote(input) + " is exported for sizes " +
               form_of(source.file.program.values.at(input).sizes) + ", and rows of samples have " +
               graph::to_text(source.samples.at(input)),
           "Make samples of the model's sizes, or export the model for those of the samples");
  };
  const auto symbol = symbol_of(size.expression);
  if (symbol.empty()) {
    if (!size.value || *size.value != given) refuse_size();
    return;
  }
  if (symbol == source.batch)
    refuse(source.path, "input " + quote(input) + " has the batch as another size than its first",
           "Export a model whose batch is the first size of every input, and no other");
  const auto range = source.file.program.ranges.find(symbol);
  const bool known = range != source.file.program.ranges.end();
  if (known && ((range->second.least && given < *range->second.least) ||
                (range->second.most && given > *range->second.most)))
    refuse_size();
  if (source.symbols.emplace(symbol, given).first->second != given) refuse_size();
}

void bind_batch(Source& source, const std::string& input, const Size& size, bool is_first) {
  const auto symbol = symbol_of(size.expression);
  if (symbol.empty() && !size.value)
    refuse(source.path, "input " + quote(input) + " has a batch that is neither a number nor free",
           export_again);
  const auto fixed = symbol.empty() ? *size.value : 0;
  if (is_first) {
    source.batch = symbol;
    source.fixed = fixed;
  } else if (source.batch != symbol || source.fixed != fixed) {
    refuse(source.path, "input " + quote(input) + " has another first size than the inputs before",
           "Export a model whose batch is the first size of every input");
  }
}

void bind_inputs(Source& source) {
  const auto& program = source.file.program;
  const auto inputs = user_inputs(program);
  if (inputs.empty()) refuse(source.path, "the model has no input", export_again);
  for (const auto* input : inputs) {
    const auto& sizes = program.values.at(input->name).sizes;
    if (sizes.empty())
      refuse(source.path, "input " + quote(input->name) + " is a single number",
             "Make it a constant of the model, and export again");
    bind_batch(source, input->name, sizes.front(), input == inputs.front());
  }
  for (const auto* input : inputs) {
    const auto& sizes = program.values.at(input->name).sizes;
    const auto given = source.samples.find(input->name);
    if (given == source.samples.end()) {
      const auto names = join(source.samples, [](const auto& entry) { return quote(entry.first); });
      refuse(source.path,
             "the model takes an input " + quote(input->name) + ", and samples have " + names,
             "Name the samples' inputs as the model's `forward` does");
    }
    if (given->second.size() + 1 != sizes.size())
      refuse(source.path,
             "input " + quote(input->name) + " is exported for sizes " + form_of(sizes) +
                 ", and rows of samples have " + graph::to_text(given->second),
             "Make samples of the model's sizes, or export the model for those of the samples");
    for (std::size_t i = 0; i < given->second.size(); ++i)
      bind_size(source, input->name, sizes[i + 1], given->second[i]);
  }
  for (const auto& [name, shape] : source.samples)
    if (std::ranges::none_of(inputs,
                             [&known = name](const auto* input) { return input->name == known; }))
      refuse(source.path,
             "samples have an input " + quote(name) + ", which the model does not take (it takes " +
                 join(inputs, [](const auto* input) { return quote(input->name); }) + ")",
             "Leave it out of the samples, or name it as the model's `forward` does");
}

Symbols symbols_for(const Source& source, std::int64_t rows) {
  auto symbols = source.symbols;
  if (source.batch.empty()) {
    if (rows != source.fixed)
      refuse(source.path,
             "the model is exported for a batch of " + std::to_string(source.fixed) + ", and " +
                 std::to_string(rows) + " is needed",
             "Export it with a free batch: python -m gainsweep_analysis export-model, or an "
             "example batch of 2 with torch.export.Dim");
    return symbols;
  }
  const auto range = source.file.program.ranges.find(source.batch);
  const bool known = range != source.file.program.ranges.end();
  if (known && range->second.most && rows > *range->second.most)
    refuse(source.path,
           "the model takes batches of at most " + std::to_string(*range->second.most) + ", and " +
               std::to_string(rows) + " is asked for",
           "Export it with a larger bound (export-model --most)");
  symbols[source.batch] = rows;
  return symbols;
}

graph::Graph build(const Source& source, const model::Workload& workload) {
  const auto rows = workload.batch * workload.length;
  auto [graph, output] = translate(source.file.program, symbols_for(source, rows), source.path);
  const auto scores_alone = std::ranges::all_of(
      workload.outputs, [](model::Output wanted) { return wanted == model::Output::class_scores; });
  if (scores_alone) {
    // What is timed is the model, whatever its loss.
    graph.outputs.assign(workload.outputs.size(), output);
    return graph;
  }
  try {
    const auto scored = source.loss.score(graph, output, rows);
    model::add_outputs(graph, scored.scores, workload, scored.targets);
  } catch (const Error& error) {
    throw with_context(error, source.path.string());
  }
  return graph;
}

/// One more than the largest index that a lookup takes from an input: rows of the table.
std::int64_t bound_of(const graph::Graph& graph, graph::ValueId input) {
  for (const auto& node : graph.nodes) {
    if (node.op != "aten::embedding" || std::get<graph::ValueId>(node.arguments[1]) != input)
      continue;
    return graph.value(std::get<graph::ValueId>(node.arguments[0])).shape.front();
  }
  return 0;
}

/// Labels have the bound of classes, unless these are a sample's own.
std::vector<model::Input> inputs_of(const graph::Graph& graph, const Loss& loss) {
  std::vector<model::Input> inputs;
  for (const auto id : graph.inputs) {
    const auto& value = graph.value(id);
    auto shape = value.shape;
    const bool is_targets = value.name == model::targets_input;
    if (!shape.empty()) shape.front() = model::batch_size;
    auto bound = bound_of(graph, id);
    if (is_targets) bound = loss.of_groups ? 0 : graph.value(graph.outputs.back()).shape.back();
    inputs.push_back({value.name, value.type, shape, bound});
  }
  return inputs;
}

/// From the first element of a tensor to its last, in its storage.
std::span<const std::byte> bytes_of(const StoredTensor& stored) {
  std::int64_t elements = 1;
  for (std::size_t i = 0; i < stored.sizes.size(); ++i) {
    if (stored.sizes[i] == 0) return {};
    elements += (stored.sizes[i] - 1) * stored.strides[i];
  }
  const auto size = model::size_of(stored.type);
  return stored.storage.subspan(static_cast<std::size_t>(stored.offset) * size,
                                static_cast<std::size_t>(elements) * size);
}

std::map<std::string, model::MappedTensor> mapped(const Source& source) {
  std::map<std::string, model::MappedTensor> tensors;
  for (const auto& [name, stored] : source.file.program.tensors) {
    tensors[name] = {.type = stored.type,
                     .shape = stored.sizes,
                     .bytes = bytes_of(stored),
                     .file = source.path,
                     .strides = stored.strides};
  }
  return tensors;
}

}  // namespace

model::Model open_model(const std::filesystem::path& path, const Loss& loss,
                        const RowShapes& samples) {
  const auto source = std::make_shared<Source>(Source{.path = path,
                                                      .file = open(path),
                                                      .loss = loss,
                                                      .samples = samples,
                                                      .symbols = {},
                                                      .batch = {}});
  check_in_place(source->file.program, path);
  bind_inputs(*source);
  model::Model model;
  model.name = "exported";
  model.digested = {path};
  model.build = [source](const model::Workload& workload) { return build(*source, workload); };
  model.parameters = std::make_shared<const model::Checkpoint>(
      model::Checkpoint::of(path, mapped(*source), source));
  const std::int64_t rows = source->batch.empty() ? source->fixed : loss.of_groups ? 3 : 1;
  model.inputs = inputs_of(
      build(*source, {.batch = 1,
                      .length = rows,
                      .outputs = {model::Output::mean_loss, model::Output::class_scores}}),
      loss);
  return model;
}

}  // namespace gainsweep::exported
