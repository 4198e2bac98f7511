#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>

#include "exported/program.hpp"
#include "model/safetensors.hpp"

namespace gainsweep::exported {
namespace {

namespace fs = std::filesystem;

fs::path development_file(const std::string& name) {
  return fs::path(GAINSWEEP_SOURCE_DIR "/../shared/data/exported") / name;
}

std::map<std::string, int> counts_of(const Program& program) {
  std::map<std::string, int> counts;
  for (const auto& node : program.nodes) ++counts[node.target];
  return counts;
}

std::int64_t elements_of(const Program& program, Input::Kind kind) {
  std::int64_t sum = 0;
  for (const auto& input : program.inputs) {
    if (input.kind != kind) continue;
    std::int64_t elements = 1;
    for (const auto size : program.tensors.at(input.stored).sizes) elements *= size;
    sum += elements;
  }
  return sum;
}

struct Known {
  const char* file;
  bool is_functional;
  std::size_t nodes, parameters, buffers;
  std::map<std::string, int> targets;  ///< some of them
};

/// What Python's zipfile and json say of the development files.
const Known known[] = {{"fashion_mobile.pt2",
                        false,
                        68,
                        71,
                        69,
                        {{"aten::conv2d.default", 23},
                         {"aten::batch_norm.default", 23},
                         {"aten::hardtanh.default", 16},
                         {"aten::add.Tensor", 4},
                         {"aten::linear.default", 1}}},
                       {"resnet20_cifar.pt2",
                        false,
                        76,
                        59,
                        57,
                        {{"aten::conv2d.default", 19},
                         {"aten::batch_norm.default", 19},
                         {"aten::add_.Tensor", 9},
                         {"aten::slice.Tensor", 4},
                         {"aten::sym_size.int", 1}}},
                       {"resnet20_cifar_functional.pt2",
                        true,
                        76,
                        59,
                        57,
                        {{"aten::conv2d.default", 19},
                         {"aten::add.Tensor", 9},
                         {"aten::_native_batch_norm_legit_no_training.default", 19}}}};

TEST(Development, FilesAreRead) {
  for (const auto& expected : known) {
    const auto path = development_file(expected.file);
    if (!fs::exists(path)) GTEST_SKIP() << "no " << path;
    SCOPED_TRACE(expected.file);
    const auto opened = open(path);
    const auto& program = opened.program;
    EXPECT_EQ(program.is_functional, expected.is_functional);
    EXPECT_EQ(program.torch_version, "2.13.0+cpu");
    EXPECT_EQ(program.nodes.size(), expected.nodes);
    const auto count = [&](Input::Kind kind) {
      return static_cast<std::size_t>(std::ranges::count(program.inputs, kind, &Input::kind));
    };
    EXPECT_EQ(count(Input::Kind::parameter), expected.parameters);
    EXPECT_EQ(count(Input::Kind::buffer), expected.buffers);
    EXPECT_EQ(count(Input::Kind::user), 1u);
    const auto counts = counts_of(program);
    for (const auto& [target, number] : expected.targets) EXPECT_EQ(counts.at(target), number);
    EXPECT_EQ(program.ranges.at("s77").least, 1);
    EXPECT_EQ(program.ranges.at("s77").most, 1024);
    for (const auto& node : program.nodes)
      if (node.target == "aten::conv2d.default") {
        EXPECT_NE(node.module, "") << node.name;
      }
  }
}

/// A dense tensor of this test's own, plain interpreter.
struct Dense {
  std::vector<std::int64_t> sizes;
  std::vector<double> values;
};

/// One stored tensor of fp32 by its strides.
Dense dense(const StoredTensor& tensor) {
  Dense result{tensor.sizes, {}};
  std::int64_t elements = 1;
  for (const auto size : tensor.sizes) elements *= size;
  for (std::int64_t i = 0; i < elements; ++i) {
    std::int64_t place = tensor.offset, rest = i;
    for (std::size_t d = tensor.sizes.size(); d-- > 0; rest /= tensor.sizes[d])
      place += rest % tensor.sizes[d] * tensor.strides[d];
    float value = 0;
    std::memcpy(&value, tensor.storage.data() + place * 4, sizeof value);
    result.values.push_back(value);
  }
  return result;
}

/// Runs what fashion_mobile.pt2 is made of, in double, one sample at a time.
class Interpreter {
 public:
  explicit Interpreter(const Program& program) : program_(program) {}

  std::vector<double> run(const Dense& x) {
    values_.clear();
    for (const auto& input : program_.inputs) {
      if (input.kind == Input::Kind::user)
        values_[input.name] = x;
      else if (program_.tensors.at(input.stored).type == ElementType::fp32)
        values_[input.name] = dense(program_.tensors.at(input.stored));
    }
    for (const auto& node : program_.nodes)
      values_[std::get<TensorName>(node.results.at(0)).name] = result_of(node);
    return values_.at(std::get<TensorName>(program_.outputs.at(0)).name).values;
  }

 private:
  template <class Value>
  static Value argument(const Node& node, const std::string& name, const Value& otherwise) {
    for (const auto& argument : node.arguments)
      if (argument.name == name) return std::get<Value>(argument.value);
    return otherwise;
  }
  const Dense& tensor(const Node& node, const std::string& name) const {
    return values_.at(argument(node, name, TensorName{}).name);
  }

  Dense result_of(const Node& node) const {
    if (node.target == "aten::conv2d.default") return convolved(node);
    if (node.target == "aten::batch_norm.default") return normalised(node);
    if (node.target == "aten::linear.default") return linear(node);
    if (node.target == "aten::mean.dim") {
      Dense mean{{1, tensor(node, "self").sizes[1]}, {}};
      const auto& x = tensor(node, "self");
      const auto area = x.sizes[2] * x.sizes[3];
      for (std::int64_t c = 0; c < x.sizes[1]; ++c) {
        double sum = 0;
        for (std::int64_t i = 0; i < area; ++i) sum += x.values.at(c * area + i);
        mean.values.push_back(sum / static_cast<double>(area));
      }
      return mean;
    }
    auto x = tensor(node, "self");
    if (node.target == "aten::hardtanh.default") {
      const double low = argument(node, "min_val", -1.0), high = argument(node, "max_val", 1.0);
      for (auto& value : x.values) value = std::clamp(value, low, high);
    } else if (node.target == "aten::add.Tensor") {
      const auto& y = tensor(node, "other");
      for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values.at(i);
    } else {
      ADD_FAILURE() << node.target;
    }
    return x;
  }

  Dense convolved(const Node& node) const {
    using Ints = std::vector<std::int64_t>;
    const auto &x = tensor(node, "input"), &w = tensor(node, "weight");
    const auto stride = argument(node, "stride", Ints{1, 1}),
               padding = argument(node, "padding", Ints{0, 0});
    const auto groups = argument(node, "groups", std::int64_t{1});
    const auto height = (x.sizes[2] + 2 * padding[0] - w.sizes[2]) / stride[0] + 1,
               width = (x.sizes[3] + 2 * padding[1] - w.sizes[3]) / stride[1] + 1;
    Dense result{{1, w.sizes[0], height, width}, {}};
    for (std::int64_t o = 0; o < w.sizes[0]; ++o)
      for (std::int64_t i = 0; i < height; ++i)
        for (std::int64_t j = 0; j < width; ++j) {
          double sum = 0;
          for (std::int64_t c = 0; c < w.sizes[1]; ++c)
            for (std::int64_t u = 0; u < w.sizes[2]; ++u)
              for (std::int64_t v = 0; v < w.sizes[3]; ++v) {
                const auto channel = o / (w.sizes[0] / groups) * w.sizes[1] + c;
                const auto row = i * stride[0] + u - padding[0],
                           column = j * stride[1] + v - padding[1];
                if (row < 0 || row >= x.sizes[2] || column < 0 || column >= x.sizes[3]) continue;
                sum += x.values[(channel * x.sizes[2] + row) * x.sizes[3] + column] *
                       w.values[((o * w.sizes[1] + c) * w.sizes[2] + u) * w.sizes[3] + v];
              }
          result.values.push_back(sum);
        }
    return result;
  }

  Dense normalised(const Node& node) const {
    auto x = tensor(node, "input");
    const auto &weight = tensor(node, "weight"), &bias = tensor(node, "bias"),
               &mean = tensor(node, "running_mean"), &variance = tensor(node, "running_var");
    const auto area = x.values.size() / weight.values.size();
    for (std::size_t i = 0; i < x.values.size(); ++i) {
      const auto c = i / area;
      x.values[i] = (x.values[i] - mean.values[c]) /
                        std::sqrt(variance.values[c] + argument(node, "eps", 1e-5)) *
                        weight.values[c] +
                    bias.values[c];
    }
    return x;
  }

  Dense linear(const Node& node) const {
    const auto &x = tensor(node, "input"), &w = tensor(node, "weight");
    Dense result{{1, w.sizes[0]}, tensor(node, "bias").values};
    for (std::int64_t o = 0; o < w.sizes[0]; ++o)
      for (std::int64_t i = 0; i < w.sizes[1]; ++i)
        result.values[o] += w.values[o * w.sizes[1] + i] * x.values[i];
    return result;
  }

  const Program& program_;
  std::map<std::string, Dense> values_;
};

std::vector<float> floats(const model::MappedTensor& tensor, std::size_t sample) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float) /
                            static_cast<std::size_t>(tensor.shape[0]));
  std::memcpy(values.data(), tensor.bytes.data() + sample * values.size() * sizeof(float),
              values.size() * sizeof(float));
  return values;
}

TEST(Development, AProgramGivesTheLogitsOfPyTorch) {
  const auto path = development_file("fashion_mobile.pt2");
  if (!fs::exists(path)) GTEST_SKIP() << "no " << path;
  const auto opened = open(path);
  EXPECT_EQ(elements_of(opened.program, Input::Kind::parameter), 85'570);
  const auto golden = disk::MappedFile::open(development_file("fashion_mobile.golden.safetensors"));
  const auto tensors = model::parse_safetensors(golden.bytes(), golden.path());
  Interpreter interpreter(opened.program);
  double largest = 0;
  for (std::size_t sample = 0; sample < 4; ++sample) {
    const auto input = floats(tensors.at("input"), sample),
               logits = floats(tensors.at("logits"), sample);
    const auto found = interpreter.run({{1, 1, 28, 28}, {input.begin(), input.end()}});
    ASSERT_EQ(found.size(), logits.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      largest = std::max(largest, std::abs(found[i] - logits[i]));
  }
  EXPECT_LT(largest, 1e-4) << "in fp32, of logits of about 10";
  RecordProperty("largest_difference", std::to_string(largest));
}

}  // namespace
}  // namespace gainsweep::exported
