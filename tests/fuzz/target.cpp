#include "target.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <utility>

#include "archive/decoder.hpp"

/// The library loses 72 bytes with each file in memory that it opens.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:H5LTopen_file_image";
}

/// libFuzzer calls it before it looks at the arguments, and so does replay.cpp.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  gainsweep::archive::serve_if_decoder(*argc, *argv);
  return 0;
}

namespace gainsweep::fuzz {
namespace {

std::string last_reason;

}  // namespace

void finding(const std::string& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

void note_refusal(std::string_view message) {
  if (message.empty()) finding("an error without a message");
  for (const char letter : message) {
    const auto byte = static_cast<unsigned char>(letter);
    if ((byte < 0x20 && letter != '\n') || byte == 0x7f) {
      finding("a message with control characters: " + std::string(message));
    }
  }
  last_reason = message.substr(message.rfind(": ") + 1);
  std::erase_if(last_reason, [](char letter) { return letter >= '0' && letter <= '9'; });
}

std::size_t reason_of_refusal() {
  return std::hash<std::string>{}(std::exchange(last_reason, ""));
}

MemoryFile::MemoryFile(const void* bytes, std::size_t size)
    : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
  if (descriptor_ < 0 || ::write(descriptor_, bytes, size) != static_cast<ssize_t>(size)) {
    std::perror("memfd");
    std::exit(1);
  }
}

MemoryFile::~MemoryFile() {
  ::close(descriptor_);
}

std::string MemoryFile::path() const {
  // Not /proc/self: another process reads it, too.
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
}

}  // namespace gainsweep::fuzz
