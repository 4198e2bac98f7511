#include "fixture.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <random>

#include "lower/pass.hpp"

namespace gainsweep::execute::fixture {
namespace {

std::string header_of(const std::map<std::string, Stored>& tensors) {
  std::string header = "{";
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    std::string shape;
    for (const auto size : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(size);
    const auto end = offset + tensor.elements.size() * sizeof(float);
    if (offset > 0) header += ',';
    header.append("\"").append(name).append("\":{\"dtype\":\"F32\",\"shape\":[").append(shape);
    header.append("],\"data_offsets\":[").append(std::to_string(offset)).append(",");
    header.append(std::to_string(end)).append("]}");
    offset = end;
  }
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  return header;
}

/// Small models gain nothing from threads and lose much where other tests run beside them.
class OneThread : public ::testing::Environment {
  void SetUp() override { at::set_num_threads(1); }
};
[[maybe_unused]] const auto* const one_thread = ::testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace

StoredModel::StoredModel(const std::map<std::string, Stored>& tensors) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = "gainsweep_execute_";
  name.append(test->test_suite_name()).append("_").append(test->name());
  name.append("_").append(std::to_string(::getpid()));
  std::replace(name.begin(), name.end(), '/', '_');  // of suites with parameters
  folder_ = std::filesystem::temp_directory_path() / name;
  std::filesystem::create_directories(folder_);
  {
    std::ofstream file(folder_ / "model.safetensors", std::ios::binary);
    const auto header = header_of(tensors);
    const std::uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << header;
    for (const auto& [key, tensor] : tensors) {
      file.write(reinterpret_cast<const char*>(tensor.elements.data()),
                 static_cast<std::streamsize>(tensor.elements.size() * sizeof(float)));
    }
  }
  model_.name = "stored";
  model_.parameters = std::make_shared<const model::Checkpoint>(model::Checkpoint::open(folder_));
}

StoredModel::~StoredModel() {
  std::filesystem::remove_all(folder_);
}

execute::Device toy_device() {
  auto toy = devices().at("cpu");
  toy.name = "toy";
  toy.visible = [] { return std::vector<std::string>{"4", "5"}; };
  toy.identity = [] {
    return Identity{.card = "Toy 2", .software = "driver 1.0", .mode = "eager"};
  };
  toy.fused_probes = false;
  toy.shared_by_ranks = false;
  return toy;
}

Inputs inputs_of(std::vector<at::Tensor> tensors) {
  auto state = std::make_unique<Inputs::State>();
  state->tensors = std::move(tensors);
  return Inputs(std::move(state));
}

std::vector<std::vector<float>> with_weights(const graph::Graph& graph, Parameters& parameters,
                                             std::vector<std::vector<float>> maxima) {
  const auto ops = graph::quantizable_ops(graph);
  const auto all = std::numeric_limits<std::int64_t>::max();
  Program program(lower::weight_maxima(graph, ops, all), parameters);
  if (maxima.empty())
    for (const auto& op : ops) maxima.emplace_back(op.operands.size());
  std::size_t output = 0;
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (std::size_t k = 0; k < ops[op].operands.size(); ++k) {
      if (ops[op].operands[k].role != graph::OperandRole::weight) continue;
      const auto rows = program.run(inputs_of({}), output++);
      maxima[op][k] = static_cast<float>(*std::max_element(rows.begin(), rows.end()));
    }
  return maxima;
}

std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<float> result(count);
  for (auto& number : result) {
    number = static_cast<float>(static_cast<double>(engine()) / 2147483648.0 - 1.0);
  }
  return result;
}

std::string message_of(ErrorKind kind, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

bool processor_has(const std::string& flag) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("flags")) return (line + " ").find(" " + flag + " ") != std::string::npos;
  return false;
}

bool multiplies_int8_exactly() {
  return processor_has("avx512_vnni") || processor_has("avx_vnni") || processor_has("amx_int8");
}

std::filesystem::path development_data() {
  return GAINSWEEP_SOURCE_DIR "/../shared/data";
}

std::vector<std::int64_t> read_tokens(const std::filesystem::path& file, std::size_t count) {
  std::ifstream stream(file, std::ios::binary);
  std::uint16_t header_length = 0;
  stream.seekg(8);
  stream.read(reinterpret_cast<char*>(&header_length), sizeof header_length);
  stream.seekg(10 + header_length);
  std::vector<std::uint16_t> ids(count);
  stream.read(reinterpret_cast<char*>(ids.data()), static_cast<std::streamsize>(count * 2));
  EXPECT_TRUE(stream.good()) << file;
  return {ids.begin(), ids.end()};
}

model::Sample window(const std::vector<std::int64_t>& tokens, std::size_t sample,
                     std::int64_t length) {
  const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(sample) * length;
  const auto sequence = [&](auto first) {
    return model::Tensor{{1, length}, std::vector<std::int64_t>(first, first + length)};
  };
  return {.inputs = {{"tokens", sequence(begin)}}, .targets = sequence(begin + 1)};
}

}  // namespace gainsweep::execute::fixture
