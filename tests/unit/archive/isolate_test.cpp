#include "archive/isolate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>

#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using Values = std::vector<std::int64_t>;

struct Outcome {
  ErrorKind kind;
  std::string message;
};

Outcome refusal_of(const std::function<Values()>& work, seconds limit = seconds(20)) {
  try {
    isolated(work, limit);
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  return {ErrorKind::internal, "no error"};
}

TEST(Isolated, GivesWhatTheWorkGives) {
  EXPECT_EQ(isolated([] { return Values{}; }, seconds(20)), Values{});
  Values many(3'000'000);  // more than a pipe holds
  std::iota(many.begin(), many.end(), -5);
  EXPECT_EQ(isolated([&] { return many; }, seconds(20)), many);
}

TEST(Isolated, LeavesTheMemoryOfThisProcessAlone) {
  int touched = 0;
  isolated([&] { return Values{++touched}; }, seconds(20));
  EXPECT_EQ(touched, 0);
}

TEST(Isolated, ErrorsComeBackWithKindAndMessage) {
  for (const auto kind : {ErrorKind::input, ErrorKind::environment, ErrorKind::internal}) {
    const auto refusal = refusal_of([&]() -> Values { throw Error(kind, "what (why). Do this."); });
    EXPECT_EQ(refusal.kind, kind);
    EXPECT_EQ(refusal.message, "what (why). Do this.");
  }
  EXPECT_EQ(refusal_of([]() -> Values { throw std::bad_alloc(); }).kind, ErrorKind::environment);
  EXPECT_EQ(refusal_of([]() -> Values { throw std::out_of_range("at"); }).message, "at");
}

TEST(Isolated, CrashesAreErrors) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    const auto refusal = refusal_of([&] { return Values{::raise(signal)}; });
    EXPECT_EQ(refusal.kind, ErrorKind::input);
    EXPECT_THAT(refusal.message, HasSubstr("the library that decodes it crashes: "));
  }
}

TEST(Isolated, AnEarlyEndIsAnError) {
  EXPECT_EQ(refusal_of([]() -> Values { ::_exit(0); }).kind, ErrorKind::input);
}

TEST(Isolated, AKilledChildIsNotBlamedOnTheInput) {
  const auto refusal = refusal_of([] { return Values{::raise(SIGKILL)}; });
  EXPECT_EQ(refusal.kind, ErrorKind::environment);
  EXPECT_THAT(refusal.message, HasSubstr("was killed (memory may have run out)"));
}

TEST(Isolated, WorkWithoutEndIsStopped) {
  const auto endless = []() -> Values {
    for (std::atomic<int> turns = 0;; ++turns) continue;
  };
  const auto refusal = refusal_of(endless, seconds(1));
  EXPECT_EQ(refusal.kind, ErrorKind::input);
  EXPECT_THAT(refusal.message, HasSubstr("took more than 1 s of processor time"));
}

}  // namespace
}  // namespace gainsweep::archive
