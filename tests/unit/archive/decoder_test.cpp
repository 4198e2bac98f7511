#include "archive/decoder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <numeric>
#include <string>

#include "../throws.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;
using testing::HasSubstr;

/// A program that does what a decoder may do instead of decoding.
class Decoding : public testing::Test {
 protected:
  Decoder shell(const std::string& script) const {
    const auto program = folder_ / "decoder";
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return {program, std::chrono::seconds(60)};
  }

  Folder folder_;
  const std::vector<TokenFile> one_{{"t.h5", 100}};
};

TEST_F(Decoding, CrashesAreErrorsOfTheFile) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) {
    EXPECT_ERROR(read_tokens(one_, shell("kill -" + std::to_string(signal) + " $$")),
                 ErrorKind::input, "t.h5: it is damaged (the library that decodes it crashes: ");
  }
}

TEST_F(Decoding, AnEarlyEndIsAnError) {
  EXPECT_ERROR(read_tokens(one_, shell("exit 3")), ErrorKind::input, "t.h5: it is damaged");
  EXPECT_ERROR(read_tokens(one_, shell("printf half >&3")), ErrorKind::input,
               "crashes: exit code 0");
}

TEST_F(Decoding, AKilledChildIsNotBlamedOnTheFile) {
  EXPECT_ERROR(read_tokens(one_, shell("kill -KILL $$")), ErrorKind::environment,
               "t.h5: the process that decoded it was killed (memory may have run out)");
}

TEST_F(Decoding, WorkWithoutEndIsStopped) {
  EXPECT_ERROR(read_tokens(one_, shell("ulimit -S -t 1; while :; do :; done")), ErrorKind::input,
               "t.h5: it is damaged (decoding it takes far more processor time");
}

TEST_F(Decoding, WorkThatOutlastsItsTimeIsNotBlamedOnTheFile) {
  EXPECT_ERROR(read_tokens(one_, shell("kill -ALRM $$")), ErrorKind::environment,
               "t.h5: decoding it was not over after ten times the processor time");
}

TEST_F(Decoding, AChildThatHangsIsStopped) {
  auto decoder = shell("exec sleep 1000");
  decoder.patience = std::chrono::milliseconds(200);
  EXPECT_ERROR(read_tokens(one_, decoder), ErrorKind::environment,
               "t.h5: the process that decodes it was silent for 0 s");
}

TEST_F(Decoding, AChildThatPromisesTooMuchIsAnError) {
  const auto count = "\\377\\377\\377\\377\\377\\377\\377\\037";
  EXPECT_ERROR(
      read_tokens(one_, shell(std::string("printf '\\0\\0\\0\\0\\0\\0\\0\\0") + count + "' >&3")),
      ErrorKind::input, "t.h5: it is damaged");
}

TEST_F(Decoding, AProgramThatIsNotThere) {
  EXPECT_ERROR(read_tokens(one_, {folder_ / "none", std::chrono::seconds(1)}),
               ErrorKind::environment, "no child process can be started");
}

}  // namespace
}  // namespace gainsweep::archive
