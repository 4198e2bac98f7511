#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

#include "parallel/comm.hpp"

namespace {

/// Prints a rank's own failures, tagged with the rank; the default printer stays on the root.
class TaggedFailures : public ::testing::EmptyTestEventListener {
 public:
  explicit TaggedFailures(int rank) : rank_(rank) {}

  void OnTestStart(const ::testing::TestInfo& test) override {
    test_ = std::string(test.test_suite_name()) + "." + test.name();
  }

  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::ostringstream text;
    text << "[rank " << rank_ << "] " << (result.file_name() ? result.file_name() : "?") << ":"
         << result.line_number() << ": " << test_ << "\n"
         << result.message() << "\n";
    std::cerr << text.str() << std::flush;
  }

 private:
  int rank_;
  std::string test_;
};

}  // namespace

/// Every rank runs the same tests in the same order and all return the common verdict.
int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const gainsweep::parallel::Session session(argc, argv);
  const auto comm = gainsweep::parallel::Comm::world();
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (!comm.is_root()) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new TaggedFailures(comm.rank()));
  const bool passed = RUN_ALL_TESTS() == 0;
  return comm.all_of(passed) ? 0 : 1;
}
