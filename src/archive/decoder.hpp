#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "archive/tokens.hpp"

/// Token files are decoded in a child process: this program once more, which answers through a
/// pipe (docs/decisions/0016-token-files-in-a-started-process.md).
namespace gainsweep::archive {

/// To be called first in `main` of every program that reads token files. Does nothing, unless the
/// program was started to decode: then it decodes and ends the process.
void serve_if_decoder(int argc, char** argv);

/// The program that decodes, and for how long it may be silent.
struct Decoder {
  std::filesystem::path program = "/proc/self/exe";
  std::chrono::milliseconds patience = std::chrono::minutes(30);
};

/// `read_tokens` by another program or with another patience.
std::vector<TokenStream> read_tokens(const std::vector<TokenFile>& files, const Decoder& decoder);

}  // namespace gainsweep::archive
