#include <gtest/gtest.h>

#include <iostream>
#include <memory>

#include "base/log.hpp"
#include "parallel/comm.hpp"

namespace {

// Every rank tells its own failures with its number; the root tells the rest.
class RankPrinter : public testing::EmptyTestEventListener {
 public:
  explicit RankPrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::cerr << "[rank " << rank_ << "] " << result.file_name() << ":" << result.line_number()
              << ": " << result.summary() << std::endl;
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const gainsweep::parallel::Session session(argc, argv);
  const auto comm = gainsweep::parallel::Comm::world();
  gainsweep::set_log_rank(comm.rank(), comm.size());
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (!comm.is_root()) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new RankPrinter(comm.rank()));
  const bool passed = RUN_ALL_TESTS() == 0;
  return comm.all_of(passed) ? 0 : 1;
}
