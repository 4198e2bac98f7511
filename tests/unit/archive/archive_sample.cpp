#include <bit>
#include <exception>
#include <iostream>
#include <span>
#include <string>

#include "archive/archive.hpp"
#include "archive/samples.hpp"
#include "sample.hpp"

namespace {

std::int64_t bits_of(std::int64_t value) {
  return value;
}
std::int64_t bits_of(float value) {
  return std::bit_cast<std::int32_t>(value);
}

void print_samples(const std::string& path) {
  using namespace gainsweep::archive;
  const std::string bytes = sample::file_bytes(path);
  for (const auto& input : decode_samples(std::as_bytes(std::span(bytes))).inputs) {
    std::cout << input.name;
    for (const auto extent : input.shape) std::cout << " x" << extent;
    const auto print = [](const auto& values) {
      for (const auto value : values) std::cout << " " << bits_of(value);
    };
    std::visit(print, input.values);
    std::cout << "\n";
  }
}

}  // namespace

/// For the tests in Python. `write PATH` writes the small sample; `compare PATH` reads an archive
/// and prints what differs from the small sample, or why it is refused; `samples PATH` prints the
/// inputs of a sample file, reals as their bits.
int main(int argc, char** argv) {
  using namespace gainsweep::archive;
  if (argc != 3) return 2;
  try {
    if (argv[1] == std::string("write")) {
      write(argv[2], sample::small());
    } else if (argv[1] == std::string("samples")) {
      print_samples(argv[2]);
    } else {
      std::cout << sample::all_differences(sample::small(), read(argv[2]));
    }
  } catch (const std::exception& error) {
    std::cout << error.what() << "\n";
  }
}
