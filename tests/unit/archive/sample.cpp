#include "sample.hpp"

#include <stdlib.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <stdexcept>

#include "archive/archive.hpp"
#include "digest/digest.hpp"

namespace gainsweep::archive::sample {
namespace {

using Generator = std::mt19937_64;

std::uint64_t below(Generator& generator, std::uint64_t bound) {
  return generator() % bound;
}

std::string random_text(Generator& generator) {
  static const std::vector<std::string> pieces{"a", "q_proj", " ", "\n", "τ", "漢字", "🙂", "0"};
  std::string text;
  const std::uint64_t count = below(generator, 20) == 0 ? 3000 : below(generator, 6);
  for (std::uint64_t i = 0; i < count; ++i) text += pieces[below(generator, pieces.size())];
  return text;
}

Array random_values(Generator& generator, std::size_t count) {
  switch (below(generator, 3)) {
    case 0: {
      std::vector<double> numbers(count);  // all bit patterns: subnormals, infinities, NaNs
      for (double& number : numbers) number = std::bit_cast<double>(generator());
      return numbers;
    }
    case 1: {
      std::vector<std::int64_t> integers(count);
      for (std::int64_t& integer : integers) integer = static_cast<std::int64_t>(generator());
      return integers;
    }
    default: {
      std::vector<std::string> texts(count);
      for (std::string& text : texts) text = random_text(generator);
      return texts;
    }
  }
}

Field random_field(Generator& generator, const std::string& name) {
  static const std::vector<std::string> axes{"op", "format", "sample", "größe"};
  Field field{name, {}, {}, random_text(generator), random_text(generator), {}};
  std::size_t count = 1;
  const std::uint64_t rank = below(generator, 5);
  for (std::uint64_t d = 0; d < rank; ++d) {
    field.shape.push_back(below(generator, 7));
    field.axes.push_back(axes[below(generator, axes.size())]);
    count *= field.shape.back();
  }
  field.values = random_values(generator, count);
  return field;
}

std::map<std::string, std::string> random_texts(Generator& generator) {
  std::map<std::string, std::string> texts;
  for (std::uint64_t i = below(generator, 5); i-- > 0;) {
    texts["entry " + std::to_string(i)] = random_text(generator);
  }
  return texts;
}

}  // namespace

Contents small() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double odd_nan = std::bit_cast<double>(std::uint64_t{0x7ff8000000000123});
  Contents contents;
  contents.provenance = {{"spec", "schema: 2\n# τ ≤ 0.1\n" + std::string(2000, 'x')},
                         {"model_digest", std::string(64, 'a')},
                         {"empty", ""}};
  contents.machine = {{"host", "node-7"}, {"started", "2026-01-02T03:04:05Z"}};
  contents.tables.push_back(
      {"ops",
       "Quantizable operations in IR order",
       Nature::deterministic,
       {{"op", std::vector<std::string>{"layers.0.q", "", "größe"}, {3}, "", "Path", {"op"}},
        {"macs", std::vector<std::int64_t>{1, -2, INT64_MAX}, {3}, "1", "MACs", {"op"}}}});
  contents.tables.push_back(
      {"scores",
       "Scores per sample",
       Nature::deterministic,
       {{"unit_key", std::vector<std::string>{key(1), key(2)}, {2}, "", "Key", {"unit"}},
        {"unit_order", std::vector<std::int64_t>{0, 1}, {2}, "1", "Order", {"unit"}},
        {"signed_error",
         std::vector<double>{1.25, -0.0, infinity, -infinity, odd_nan, 5e-324},
         {2, 3},
         "nat",
         "Signed error of the loss",
         {"unit", "op"}}}});
  contents.tables.push_back({"empty", "", Nature::deterministic, {}});
  contents.tables.push_back(
      {"edge/cases",
       "Scalars and empty arrays",
       Nature::deterministic,
       {{"scalar", std::vector<double>{0.1}, {}, "1", "A scalar", {}},
        {"text", std::vector<std::string>{"long τ " + std::string(500, 'y')}, {}, "", "Text", {}},
        {"none", std::vector<double>{}, {0}, "s", "Nothing", {"op"}},
        {"no_texts", std::vector<std::string>{}, {2, 0}, "", "Nothing", {"op", "format"}}}});
  contents.tables.push_back({"latency/class_0",
                             "Raw timings",
                             Nature::measured,
                             {{"time",
                               std::vector<double>{1e-3, 2e-3, 3e-3, 4e-3},
                               {2, 2},
                               "s",
                               "Time of one run",
                               {"configuration", "repetition"}}}});
  return contents;
}

Contents random(std::uint64_t seed) {
  Generator generator(seed);
  Contents contents{random_texts(generator), random_texts(generator), {}};
  const std::uint64_t num_tables = below(generator, 5);
  for (std::uint64_t t = 0; t < num_tables; ++t) {
    // Reading gives the deterministic tables first, those of one group together.
    const bool measured = t >= num_tables / 2;
    std::string path = "table_" + std::to_string(t);
    if (below(generator, 2) == 0) path += "/größe/" + std::to_string(t);
    Table table{
        path, random_text(generator), measured ? Nature::measured : Nature::deterministic, {}};
    for (std::uint64_t f = below(generator, 5); f-- > 0;) {
      table.fields.push_back(random_field(generator, "field " + std::to_string(f)));
    }
    contents.tables.push_back(std::move(table));
  }
  return contents;
}

Record record(std::uint64_t order) {
  const auto number = static_cast<double>(order);
  return {
      "scores",
      Nature::deterministic,
      key(order),
      order,
      {{"loss", std::vector<double>{number, number / 3, -number}, {3}, "nat", "Loss", {"op"}},
       {"note", std::vector<std::string>{"unit " + std::to_string(order)}, {}, "", "Note", {}}}};
}

std::string key(std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(64 - digits.size(), '0') + digits;
}

Folder::Folder() {
  std::string name = (std::filesystem::temp_directory_path() / "gainsweep-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}

Folder::~Folder() {
  std::error_code code;
  std::filesystem::remove_all(path_, code);
}

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void put_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

void put_byte(const std::filesystem::path& path, std::size_t place, char byte) {
  std::fstream stream(path, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekp(static_cast<std::streamoff>(place));
  stream.put(byte);
}

std::string sealed(const std::string& image) {
  std::string seal = "gainsweep archive\nbytes " + std::to_string(image.size()) + "\nsha256 " +
                     digest::of_text(image) + "\n";
  seal.resize(seal_size, '\0');
  return seal + image;
}

std::string all_differences(const Contents& a, const Contents& b) {
  std::string all;
  for (const std::string& message : differences(a, b)) all += message + "\n";
  for (const std::string& message : measured_differences(a, b)) all += message + "\n";
  return all;
}

}  // namespace gainsweep::archive::sample
