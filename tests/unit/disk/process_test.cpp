#include "disk/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "../throws.hpp"

namespace gainsweep::disk {
namespace {

using std::chrono::milliseconds;
using Got = ChildProcess::Got;

constexpr std::chrono::seconds long_enough{60};

ChildProcess shell(const std::string& script) {
  return ChildProcess("/bin/sh", {"-c", script});
}

ChildProcess own_child(const std::string& work) {
  return ChildProcess("/proc/self/exe", {"child", std::to_string(::getpid()), work});
}

Got read(ChildProcess& child, std::string& into, milliseconds patience = long_enough) {
  return child.read(std::as_writable_bytes(std::span(into)), patience);
}

TEST(ChildProcess, AnswersThroughItsPipe) {
  auto child = shell("echo lost; echo lost >&2; cat; printf answer >&3; exit 7");
  std::string text(6, ' ');
  EXPECT_EQ(read(child, text), Got::all);
  EXPECT_EQ(text, "answer");
  EXPECT_EQ(read(child, text), Got::end);
  const auto end = child.wait();
  EXPECT_EQ(end.signal, 0);
  EXPECT_EQ(end.code, 7);
}

TEST(ChildProcess, AnswersMoreThanAPipeHolds) {
  auto child = own_child("print");
  std::string text(3'000'000, ' ');
  EXPECT_EQ(read(child, text), Got::all);
  EXPECT_EQ(text.find_first_not_of('x'), std::string::npos);
  EXPECT_EQ(child.wait().code, 0);
}

TEST(ChildProcess, TellsTheSignalThatEndedIt) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGKILL}) {
    auto child = shell("kill -" + std::to_string(signal) + " $$");
    EXPECT_EQ(child.wait().signal, signal);
  }
}

TEST(ChildProcess, IsOverWhereItsProcessorTimeIs) {
  auto child = own_child("spin");
  EXPECT_EQ(child.wait().signal, SIGXCPU);
}

TEST(ChildProcess, IsOverWhereItsWallClockTimeIs) {
  EXPECT_EQ(own_child("sleep").wait().signal, SIGALRM);
  const auto late = own_child("late").wait();
  EXPECT_EQ(late.signal, 0) << "the limit ends with its object";
  EXPECT_EQ(late.code, 0);
}

TEST(ChildProcess, ThatIsSilentIsNotWaitedForLonger) {
  auto child = shell("printf a >&3; exec sleep 1000");
  std::string text(2, ' ');
  EXPECT_EQ(read(child, text, milliseconds(200)), Got::nothing);
  child.kill();
  EXPECT_EQ(child.wait().signal, SIGKILL);
}

TEST(ChildProcess, EndsWithItsObject) {
  std::string id(8, ' ');
  {
    auto child = shell("printf '%8d' $$ >&3; exec sleep 1000");
    ASSERT_EQ(read(child, id), Got::all);
    EXPECT_EQ(::kill(std::stoi(id), 0), 0);
  }
  EXPECT_EQ(::kill(std::stoi(id), 0), -1);
}

TEST(ChildProcess, SignalsForTheParentAreNotSeen) {
  auto child = shell("kill -HUP $$; kill -INT $$; kill -TERM $$; kill -USR1 $$; printf a >&3");
  std::string text(1, ' ');
  EXPECT_EQ(read(child, text), Got::all);
}

TEST(ChildProcess, AParentThatIsGoneEndsIt) {
  ChildProcess child("/proc/self/exe", {"child", "1", "print"});  // the parent is another
  std::string text(1, ' ');
  EXPECT_EQ(read(child, text), Got::end);
  EXPECT_EQ(child.wait().code, 1);
}

TEST(ChildProcess, AProgramThatIsNotThere) {
  EXPECT_ERROR(ChildProcess("/nowhere/program", {}), ErrorKind::environment,
               "no child process can be started (No such file");
}

}  // namespace
}  // namespace gainsweep::disk
