#include <iostream>

#include "archive/archive.hpp"
#include "cli/command.hpp"

namespace gainsweep::cli {

int diff(const std::filesystem::path& a, const std::filesystem::path& b, bool measured) {
  const auto first = archive::read(a);
  const auto second = archive::read(b);
  auto found = archive::differences(first, second);
  if (measured)
    for (auto& difference : archive::measured_differences(first, second))
      found.push_back(std::move(difference));
  for (const auto& difference : found) std::cout << difference << "\n";
  if (found.empty())
    std::cout << "bit-identical " << (measured ? "in everything" : "outside what was measured")
              << "\n";
  return found.empty() ? 0 : 1;
}

}  // namespace gainsweep::cli
