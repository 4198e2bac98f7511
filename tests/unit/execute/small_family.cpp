#include "small_family.hpp"

#include <fstream>
#include <iterator>

#include "model/decoder.hpp"

namespace gainsweep::execute::small_family {

graph::Graph graph_of(const std::string& family) {
  std::ifstream file(GAINSWEEP_SOURCE_DIR "/tests/fuzz/model_config/seeds/" + family + ".json");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return model::build(model::parse_decoder(family, text, family + ".json"),
                      {.length = length, .outputs = {model::Output::mean_loss}});
}

std::map<std::string, fixture::Stored> random_tensors(const graph::Graph& graph) {
  std::map<std::string, fixture::Stored> tensors;
  for (const auto& value : graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    const auto count = static_cast<std::size_t>(graph::num_elements(value.shape));
    auto elements = fixture::numbers(count, static_cast<unsigned>(tensors.size()));
    for (auto& element : elements) element = value.shape.size() > 1 ? element / 2 : 1 + element / 2;
    tensors[value.name] = {value.shape, std::move(elements)};
  }
  return tensors;
}

Inputs sample(const graph::Graph& graph) {
  const std::vector<std::int64_t> ids{5, 1, 7, 30, 2, 2, 11, 40, 3, 8, 0, 63, 9};
  const graph::Shape shape{model::batch_size, model::sequence_length};
  const std::vector<model::Input> inputs{{"tokens", graph::ElementType::index, shape, 64},
                                         {"labels", graph::ElementType::index, shape, 64}};
  return make_inputs(graph, fixture::window(ids, 0, length), inputs, devices().at("cpu"));
}

}  // namespace gainsweep::execute::small_family
