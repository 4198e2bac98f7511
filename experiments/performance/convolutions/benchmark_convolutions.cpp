// Times convolutions of image networks at batch 1 on one thread, as programs are lowered: in fp32,
// in bf16 as PyTorch's operator (`plain`) and over a packed weight, in int8 with its quantise pass,
// and that pass alone. Images are in channels_last. Each round times every program once, in turn;
// the ratio is taken within a round. Prints a row of a table for each shape.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <random>

#include "base/error.hpp"
#include "execute/device.hpp"
#include "execute/kernels.hpp"
#include "execute/program.hpp"
#include "graph/window.hpp"
#include "lower/pass.hpp"

namespace {

using namespace gainsweep;
using execute::Precision;
using graph::ElementType;

constexpr int rounds = 61;
constexpr std::int64_t channels_last = 2;  // LibTorch's number of the memory format

struct Layer {
  std::int64_t inputs, outputs, kernel, stride, groups, size;
};

// Of ResNet50 and MobileNetV2 at 224.
constexpr Layer layers[] = {
    {3, 64, 7, 2, 1, 224},   {64, 64, 3, 1, 1, 56},    {64, 64, 1, 1, 1, 56},
    {64, 256, 1, 1, 1, 56},  {128, 128, 3, 1, 1, 28},  {512, 128, 1, 1, 1, 28},
    {256, 256, 3, 1, 1, 14}, {1024, 256, 1, 1, 1, 14}, {512, 512, 3, 1, 1, 7},
    {512, 2048, 1, 1, 1, 7}, {24, 144, 1, 1, 1, 56},   {144, 144, 3, 1, 144, 56},
};

std::vector<double> numbers(const graph::Shape& shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<double> result(static_cast<std::size_t>(graph::num_elements(shape)));
  for (auto& number : result) number = static_cast<double>(generator()) / 0x1p31 - 1;
  return result;
}

graph::Shape images_of(const Layer& layer) {
  return {1, layer.inputs, layer.size, layer.size};
}

graph::Graph convolution(const Layer& layer) {
  graph::Graph graph;
  graph.name = "convolution";
  const auto x = graph.add_input("x", ElementType::real, images_of(layer));
  const graph::Shape weight{layer.outputs, layer.inputs / layer.groups, layer.kernel, layer.kernel};
  const auto w = graph.add_constant("w", weight, numbers(weight, 1));
  const std::vector<std::int64_t> stride(2, layer.stride), padding(2, layer.kernel / 2), ones(2, 1);
  const auto size = (layer.size - 1) / layer.stride + 1;
  graph.outputs = {graph.add_node("aten::conv2d",
                                  {x, w, std::monostate{}, stride, padding, ones, layer.groups},
                                  {1, layer.outputs, size, size}, "layer")};
  return graph;
}

/// One call on an image.
graph::Graph call(const Layer& layer, const std::string& op, ElementType type,
                  const std::function<std::vector<graph::Argument>(graph::Graph&)>& further) {
  graph::Graph graph;
  graph.name = op;
  const auto x = graph.add_input("x", ElementType::real, images_of(layer));
  std::vector<graph::Argument> arguments{x};
  for (auto& argument : further(graph)) arguments.push_back(std::move(argument));
  graph.outputs = {graph.add_node(op, std::move(arguments), images_of(layer), op, type)};
  return graph;
}

execute::Inputs images(const Layer& layer, execute::Parameters& parameters) {
  auto graph = call(layer, "aten::contiguous", ElementType::real,
                    [](graph::Graph&) { return std::vector<graph::Argument>{channels_last}; });
  model::Sample sample;
  const auto values = numbers(images_of(layer), 2);
  sample.inputs["x"] = {images_of(layer), std::vector<float>(values.begin(), values.end())};
  const auto given = execute::make_inputs(graph, sample, {}, execute::devices().at("cpu"));
  const auto outputs = graph.outputs;
  return execute::Program(std::move(graph), parameters).capture(given, outputs);
}

struct Timed {
  std::string name;
  execute::Program program;
  const execute::Inputs* inputs;
  std::vector<double> milliseconds{};
};

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

std::string text(double number, int digits) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, number);
  return buffer;
}

void time(std::vector<Timed>& programs) {
  for (auto& timed : programs)
    for (int i = 0; i < 5; ++i) timed.program.time(*timed.inputs);
  for (int round = 0; round < rounds; ++round)
    for (auto& timed : programs)
      timed.milliseconds.push_back(1e3 * timed.program.time(*timed.inputs));
}

std::string name_of(const Layer& layer) {
  const auto kernel = std::to_string(layer.kernel);
  return (layer.groups > 1 ? "depthwise " : "") + kernel + "×" + kernel +
         (layer.stride > 1 ? "/" + std::to_string(layer.stride) : "") + " " +
         std::to_string(layer.inputs) + "→" + std::to_string(layer.outputs) + " @" +
         std::to_string(layer.size);
}

void report(const Layer& layer) {
  const auto& device = execute::devices().at("cpu");
  const model::Model none;
  execute::Parameters fp32(none, device, Precision::fp32), bf16(none, device, Precision::bf16);
  const auto wide = images(layer, fp32), narrow = images(layer, bf16);
  const auto graph = convolution(layer);
  const auto partition = graph::partition(graph, {}, 2);
  const std::vector<format::Format> formats{format::by_name("bf16"), format::by_name("int8")};
  const auto& target = lower::targets().at(device.target());
  const auto lowered = [&](FormatId format) {
    return lower::lower(graph, partition, {format}, formats, {{1.0F, 1.0F}}, target);
  };
  const bool is_real = target.runs(partition.ops[0], formats[1]);
  std::vector<Timed> programs;
  programs.push_back({"fp32", {lowered(high_format), fp32}, &wide});
  programs.push_back({"plain", {graph, bf16}, &narrow});
  programs.push_back({"bf16", {lowered(high_format), bf16}, &narrow});
  if (is_real) {
    programs.push_back({"int8", {lowered(FormatId{1}), bf16}, &narrow});
    const auto quantise = call(layer, "gainsweep::quantize", ElementType::byte, [](auto& call) {
      return std::vector<graph::Argument>{
          call.add_constant("s", {1}, {1.0 / 127}, ElementType::fp32), std::string("int8"),
          std::int64_t{128}};
    });
    programs.push_back({"quantise", {quantise, bf16}, &narrow});
  }
  time(programs);
  std::cout << "| " << name_of(layer);
  for (const auto& timed : programs)
    std::cout << " | " << text(quantile(timed.milliseconds, 0.5), 3);
  if (!is_real) {
    std::cout << " | – | – | – | – |" << std::endl;
    return;
  }
  std::vector<double> ratios;
  for (std::size_t i = 0; i < rounds; ++i)
    ratios.push_back(programs[2].milliseconds[i] / programs[3].milliseconds[i]);
  const auto kernels = execute::convolution_kernels(
      {images_of(layer), graph.values[1].shape, graph::window_of(graph, graph.nodes[0])},
      Precision::bf16);
  std::cout << " | " << text(quantile(ratios, 0.5), 2) << " (" << text(quantile(ratios, 0.25), 2)
            << "–" << text(quantile(ratios, 0.75), 2) << ") | " << kernels.high << ", "
            << kernels.int8 << " |" << std::endl;
}

}  // namespace

int main() try {
  execute::start(execute::devices().at("cpu"), 1);
  std::cout
      << "| shape | fp32 | bf16, plain | bf16, packed | int8 | quantise alone | bf16 / int8 | "
         "kernels of bf16 and int8 |\n|---|---|---|---|---|---|---|---|\n";
  for (const auto& layer : layers) report(layer);
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
