#include <gmock/gmock.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "disk/process.hpp"

namespace {

/// What the tests' child processes do: `disk_test child PARENT WORK`.
int be_child(pid_t parent, std::string_view work) {
  namespace disk = gainsweep::disk;
  disk::settle_as_child(parent);
  if (work == "spin") {
    disk::limit_processor_time(std::chrono::seconds(1));
    for (std::atomic<int> turns = 0;; ++turns) continue;
  }
  if (work == "sleep") {
    const disk::WallClockLimit limit(std::chrono::seconds(1));
    for (;;) ::pause();
  }
  if (work == "late") {
    { const disk::WallClockLimit limit(std::chrono::seconds(1)); }
    ::sleep(2);
    return 0;
  }
  if (work == "print") {
    const std::string text(3'000'000, 'x');  // more than a pipe holds
    return disk::answer(std::as_bytes(std::span(text))) ? 0 : 1;
  }
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && argv[1] == std::string_view("child"))
    return be_child(std::stoi(argv[2]), argv[3]);
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
