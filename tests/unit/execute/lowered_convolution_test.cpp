// Lowered convolutions against exact integer arithmetic and against fake-quantised numerics.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "execute/kernels.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"

namespace gainsweep::execute {
namespace {

using fixture::inputs_of;
using graph::ElementType;
using graph::Graph;
using graph::Shape;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

struct Case {
  std::string name;
  Shape images;
  Shape weight;
  std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
  bool bias = false;
  bool dynamic = false;
  bool per_channel = true;
  std::string format = "int8";
};

void PrintTo(const Case& which, std::ostream* out) {
  *out << which.name;
}

at::Tensor numbers(const Shape& shape, unsigned seed) {
  const auto count = static_cast<std::size_t>(graph::num_elements(shape));
  return at::tensor(fixture::numbers(count, seed)).view(shape);
}

fixture::Stored stored_as(const Shape& shape, unsigned seed) {
  return {shape, fixture::numbers(static_cast<std::size_t>(graph::num_elements(shape)), seed)};
}

/// A convolution with the model that has its weight, and what it reads.
struct Convolution {
  explicit Convolution(const Case& given)
      : formats{format::by_name("bf16"), format::by_name(given.format)},
        which(given),
        stored({{"w", stored_as(given.weight, 1)}, {"b", stored_as({given.weight[0]}, 2)}}),
        x(numbers(given.images, 7) * 3) {
    graph.name = "convolution";
    const auto images = graph.add_input("x", ElementType::real, which.images);
    const auto weight = graph.add_parameter("w", which.weight);
    graph::Argument bias;
    if (which.bias) bias = graph.add_parameter("b", {which.weight[0]});
    const auto space = which.weight.size() - 2;
    const Ints stride(space, which.stride), padding(space, which.padding),
        dilation(space, which.dilation);
    graph.outputs = {graph.add_node("aten::conv" + std::to_string(space) + "d",
                                    {images, weight, bias, stride, padding, dilation, which.groups},
                                    at::IntArrayRef(by_torch(x, w()).sizes()).vec(), "layer")};
    partition = graph::partition(graph, {}, 2);
    formats[1].activation->scale =
        which.dynamic ? format::ScaleRule::dynamic_max : format::ScaleRule::static_max;
    formats[1].weight.granularity =
        which.per_channel ? format::Granularity::channel : format::Granularity::tensor;
  }

  at::Tensor w() const { return numbers(which.weight, 1); }

  at::Tensor by_torch(const at::Tensor& images, const at::Tensor& weight) const {
    const auto space = which.weight.size() - 2;
    const Ints stride(space, which.stride), padding(space, which.padding),
        dilation(space, which.dilation), none(space, 0);
    const bool is_batch = images.dim() == weight.dim();
    const auto result = at::convolution(is_batch ? images : images.unsqueeze(0), weight, {}, stride,
                                        padding, dilation, false, none, which.groups);
    return is_batch ? result : result.squeeze(0);
  }

  /// A number an output channel, over images.
  at::Tensor by_channel(const at::Tensor& values) const {
    Ints shape(which.weight.size() - 1, 1);
    shape[0] = -1;
    return values.to(at::kDouble).view(shape);
  }

  Graph lowered(FormatId format) const {
    auto parameters = stored.parameters();
    const auto maxima = fixture::with_weights(graph, parameters, {{3.0F, 0.0F}});
    return lower::lower(graph, partition, {format}, formats, maxima, lower::targets().at("onednn"));
  }

  Graph emulated() const {
    auto parameters = stored.parameters();
    const auto maxima = fixture::with_weights(graph, parameters, {{3.0F, 0.0F}});
    return lower::fake_quantize(graph, partition.ops, {FormatId{1}}, formats, maxima);
  }

  at::Tensor run(const Graph& program, Precision precision) const {
    auto parameters = stored.parameters(precision);
    const auto out = Program(program, parameters).run(inputs_of({x.to(to_scalar_type(precision))}));
    return at::tensor(out, at::kDouble).view(graph.value(graph.outputs[0]).shape);
  }

  std::vector<format::Format> formats;
  Case which;
  fixture::StoredModel stored;
  at::Tensor x;
  Graph graph;
  graph::Partition partition;
};

double worst(const at::Tensor& found, const at::Tensor& expected) {
  return (found - expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

class LoweredConvolution : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!fixture::multiplies_int8_exactly())
      GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  }
};

TEST_P(LoweredConvolution, EqualsFakeQuantisedNumerics) {
  const Convolution one(GetParam());
  const auto real = one.lowered(FormatId{1}), emulated = one.emulated();
  // In the same precision both take the same codes: what remains is the order of a sum.
  for (const auto& [precision, tolerance] :
       {std::pair{Precision::fp32, 2e-6}, std::pair{Precision::bf16, 0.02}})
    EXPECT_LT(worst(one.run(real, precision), one.run(emulated, precision)), tolerance);
  EXPECT_GT(worst(one.run(real, Precision::fp32), one.run(one.graph, Precision::fp64)), 1e-4)
      << "nothing was quantised";
}

/// Codes and scales multiplied out in fp64.
TEST_P(LoweredConvolution, EqualsExactIntegerArithmetic) {
  const Convolution one(GetParam());
  const auto w = one.w();
  const auto rows = w.view({w.size(0), -1});
  const auto amax = one.which.per_channel ? rows.abs().amax(1) : rows.abs().max().view({1});
  const auto w_scale = amax / 127;
  const auto& grid = one.formats[1].activation->grid;
  const auto largest = static_cast<float>(grid.max);
  const float x_scale = (one.which.dynamic ? one.x.abs().max().item<float>() : 3.0F) / largest;
  const auto w_codes = at::round(rows / w_scale.view({-1, 1})).view_as(w).to(at::kDouble);
  const auto x_codes =
      at::clamp(at::round(one.x / x_scale), grid.is_unsigned ? 0 : -largest, largest)
          .to(at::kDouble);
  auto exact = one.by_torch(x_codes, w_codes) * x_scale * one.by_channel(w_scale);
  if (one.which.bias) exact += one.by_channel(numbers({one.which.weight[0]}, 2));
  const auto found = one.run(one.lowered(FormatId{1}), Precision::fp32);
  // One code of an element on a rounding boundary may differ from torch's division.
  const auto errors = (found - exact).abs() / exact.abs().max();
  EXPECT_LT(errors.median().item<double>(), 1e-7);
  EXPECT_LT(errors.max().item<double>(), 3e-3);
}

TEST_P(LoweredConvolution, EqualsThePlainProgramInHigh) {
  if (!fixture::processor_has("avx512bw"))
    GTEST_SKIP() << "this processor has no bf16 kernels of convolutions";
  const Convolution one(GetParam());
  const auto packed = one.lowered(high_format);
  for (const auto& [precision, tolerance] :
       {std::pair{Precision::fp32, 2e-6}, std::pair{Precision::bf16, 0.01}})
    EXPECT_LT(worst(one.run(packed, precision), one.run(one.graph, precision)), tolerance);
}

/// LibTorch packs weights anew in each call where they are not as the kernel wants them.
TEST_P(LoweredConvolution, PacksWeightsOnce) {
  const Convolution one(GetParam());
  for (const auto format : {high_format, FormatId{1}}) {
    auto parameters = one.stored.parameters();
    Program program(one.lowered(format), parameters);
    const auto inputs = inputs_of({one.x});
    program.run(inputs);
    const auto log = onednn_log([&] { program.run(inputs); });
    EXPECT_NE(log.find(",convolution,"), std::string::npos);
    EXPECT_EQ(log.find(",reorder,"), std::string::npos) << log;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LoweredConvolution,
    ::testing::Values(
        Case{.name = "stem",
             .images = {1, 3, 32, 32},
             .weight = {64, 3, 7, 7},
             .stride = 2,
             .padding = 3,
             .bias = true},
        Case{.name = "3x3", .images = {2, 16, 10, 12}, .weight = {24, 16, 3, 3}, .padding = 1},
        Case{.name = "3x3 by tensor",
             .images = {1, 16, 10, 10},
             .weight = {24, 16, 3, 3},
             .padding = 1,
             .bias = true,
             .per_channel = false},
        Case{.name = "3x3 dynamic",
             .images = {1, 16, 10, 10},
             .weight = {24, 16, 3, 3},
             .padding = 1,
             .dynamic = true},
        // Of the shapes of others in int8: PyTorch must not take what it packed for those.
        Case{.name = "3x3 unsigned",
             .images = {2, 16, 10, 12},
             .weight = {24, 16, 3, 3},
             .padding = 1,
             .format = "uint8"},
        Case{.name = "3x3 dynamic unsigned",
             .images = {1, 16, 10, 10},
             .weight = {24, 16, 3, 3},
             .padding = 1,
             .bias = true,
             .dynamic = true,
             .format = "uint8"},
        Case{.name = "1x1", .images = {1, 32, 9, 9}, .weight = {64, 32, 1, 1}, .bias = true},
        Case{.name = "1x1 strided", .images = {1, 32, 9, 9}, .weight = {48, 32, 1, 1}, .stride = 2},
        Case{.name = "dilated",
             .images = {1, 16, 12, 12},
             .weight = {16, 16, 3, 3},
             .padding = 2,
             .dilation = 2},
        Case{.name = "grouped",
             .images = {1, 32, 8, 8},
             .weight = {32, 8, 3, 3},
             .padding = 1,
             .groups = 4,
             .bias = true},
        Case{.name = "one channel", .images = {1, 1, 9, 9}, .weight = {8, 1, 3, 3}, .padding = 1},
        Case{.name = "a row",
             .images = {2, 16, 40},
             .weight = {24, 16, 5},
             .stride = 2,
             .padding = 2,
             .bias = true},
        Case{.name = "a volume",
             .images = {1, 16, 6, 7, 8},
             .weight = {24, 16, 3, 3, 3},
             .padding = 1}),
    [](const auto& each) {
      auto name = each.param.name;
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

TEST(LoweredConvolutions, TakeImagesWithoutABatch) {
  if (!fixture::multiplies_int8_exactly())
    GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  const Convolution one({.name = "image",
                         .images = {16, 10, 12},
                         .weight = {24, 16, 3, 3},
                         .padding = 1,
                         .bias = true});
  EXPECT_LT(worst(one.run(one.lowered(FormatId{1}), Precision::fp32),
                  one.run(one.emulated(), Precision::fp32)),
            2e-6);
  EXPECT_LT(worst(one.run(one.lowered(high_format), Precision::fp32),
                  one.run(one.graph, Precision::fp32)),
            2e-6);
}

/// conv → relu → add → conv → view, as blocks of image networks are.
struct Block {
  Graph graph;
  std::vector<ValueId> values;  ///< between the convolutions

  Block() {
    graph.name = "block";
    const Shape shape{1, 16, 8, 8};
    const auto convolve = [&](ValueId x, const std::string& path) {
      return graph.add_node(
          "aten::conv2d",
          {x, graph.add_parameter("w", {16, 16, 3, 3}), std::monostate{}, Ints{1, 1}, Ints{1, 1}},
          shape, path);
    };
    const auto first = convolve(graph.add_input("x", ElementType::real, shape), "first");
    const auto positive = graph.add_node("aten::relu", {first}, shape, "relu");
    const auto sum = graph.add_node("aten::add.Tensor", {positive, first}, shape, "sum");
    const auto second = convolve(sum, "second");
    values = {first, positive, sum, second};
    graph.outputs = {graph.add_node("aten::view", {second, Ints{1, 1024}}, {1, 1024}, "flat")};
  }
};

TEST(LoweredConvolutions, KeepImagesInChannelsLast) {
  if (!fixture::multiplies_int8_exactly())
    GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  const Block block;
  const fixture::StoredModel stored({{"w", stored_as({16, 16, 3, 3}, 1)}});
  const auto partition = graph::partition(block.graph, {}, 2);
  const auto inputs = inputs_of({numbers({1, 16, 8, 8}, 3)});
  auto parameters = stored.parameters();
  const auto plain = at::tensor(Program(block.graph, parameters).run(inputs));
  for (const graph::Assignment& assignment :
       {graph::Assignment{high_format, high_format}, {FormatId{1}, FormatId{1}}}) {
    const lower::Maxima maxima{{1.0F, 1.0F}, {20.0F, 1.0F}};
    Program program(lower::lower(block.graph, partition, assignment,
                                 {format::by_name("bf16"), format::by_name("int8")}, maxima,
                                 lower::targets().at("onednn")),
                    parameters);
    const auto captured = program.capture(inputs, block.values);
    for (const auto& value : captured.state().tensors)
      EXPECT_TRUE(value.is_contiguous(at::MemoryFormat::ChannelsLast)) << value.strides();
    EXPECT_LT(worst(at::tensor(program.run(inputs)), plain), 0.05);
  }
}

TEST(LoweredConvolutions, HaveAKernelOrAreLackedByName) {
  const auto lacking =
      devices().at("cpu").lacks(graph::OpKind::convolution, format::by_name("int8"));
  EXPECT_EQ(lacking.empty(), fixture::multiplies_int8_exactly()) << lacking;
  if (!lacking.empty()) {
    EXPECT_TRUE(lacking.starts_with("int8 convolutions run on the kernel ")) << lacking;
    return;
  }
  const ConvolutionShape shape{{1, 64, 14, 14}, {128, 64, 1, 1}, {{2, 2}, {0, 0}, {1, 1}, 1}};
  const auto kernels = convolution_kernels(shape, Precision::fp32);
  EXPECT_NE(kernels.high.find(':'), std::string::npos) << kernels.high;
  EXPECT_EQ(devices().at("cpu").convolution_kernels(shape, Precision::fp32),
            std::vector<std::string>{"int8 " + kernels.int8});
  const ConvolutionShape row{{1, 64, 14}, {128, 64, 1}, {{2}, {0}, {1}, 1}};
  EXPECT_TRUE(devices().at("hpu").convolution_kernels(shape, Precision::bf16).empty());
  EXPECT_EQ(convolution_kernels(row, Precision::fp32).int8.find("ref"), std::string::npos);
}

}  // namespace
}  // namespace gainsweep::execute
