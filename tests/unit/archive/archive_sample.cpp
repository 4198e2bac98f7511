#include <exception>
#include <iostream>
#include <string>

#include "archive/archive.hpp"
#include "sample.hpp"

/// For the tests in Python. `write PATH` writes the small sample; `compare PATH` reads an archive
/// and prints what differs from the small sample, or why it is refused.
int main(int argc, char** argv) {
  using namespace gainsweep::archive;
  if (argc != 3) return 2;
  try {
    if (argv[1] == std::string("write")) {
      write(argv[2], sample::small());
    } else {
      std::cout << sample::all_differences(sample::small(), read(argv[2]));
    }
  } catch (const std::exception& error) {
    std::cout << error.what() << "\n";
  }
}
