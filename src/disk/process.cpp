#include "disk/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace gainsweep::disk {
namespace {

constexpr std::array for_the_parent{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
constexpr std::array endings{SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGXCPU, SIGALRM, SIGPIPE};

[[noreturn]] void refuse_process(int code) {
  throw Error(ErrorKind::environment, "no child process can be started (" +
                                          std::generic_category().message(code) +
                                          "). Allow more processes and open files.");
}

template <std::size_t N>
sigset_t set_of(const std::array<int, N>& signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

/// What becomes of descriptors and signals between two programs.
class SpawnRules {
 public:
  explicit SpawnRules(int answers) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    // First, as the pipe may have one of the numbers that are opened next.
    ::posix_spawn_file_actions_adddup2(&actions_, answers, answer_descriptor);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const sigset_t blocked = set_of(for_the_parent);
    const sigset_t defaults = set_of(endings);
    ::posix_spawnattr_setsigmask(&attributes_, &blocked);
    ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnRules(const SpawnRules&) = delete;
  SpawnRules& operator=(const SpawnRules&) = delete;
  ~SpawnRules() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  /// 0 or the error number.
  int start(pid_t& process, const std::filesystem::path& program, char* const* words) const {
    return ::posix_spawn(&process, program.c_str(), &actions_, &attributes_, words, environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

void limit_resource(int resource, rlim_t most) {
  struct rlimit limit {};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, most);
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) refuse_process(errno);
  answers_ = Descriptor(ends[0]);
  const Descriptor writing(ends[1]);
  ::fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);  // fewer turns for much output; a wish
  std::vector<std::string> texts{program.string()};
  texts.insert(texts.end(), arguments.begin(), arguments.end());
  std::vector<char*> words;
  for (auto& text : texts) words.push_back(text.data());
  words.push_back(nullptr);
  if (const int code = SpawnRules(ends[1]).start(process_, program, words.data())) {
    process_ = -1;
    refuse_process(code);
  }
}

ChildProcess::~ChildProcess() {
  kill();
  wait();
}

ChildProcess::Got ChildProcess::read(std::span<std::byte> into,
                                     std::chrono::milliseconds patience) {
  while (!into.empty()) {
    pollfd waiting{.fd = answers_.number(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(patience.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Got::nothing;
    const ssize_t count = ::read(answers_.number(), into.data(), into.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Got::end;
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return Got::all;
}

ChildProcess::End ChildProcess::wait() {
  const pid_t process = std::exchange(process_, -1);
  int status = 0;
  while (process > 0 && ::waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return {};
  }
  if (WIFSIGNALED(status)) return {WTERMSIG(status), 0};
  return {0, WEXITSTATUS(status)};
}

void ChildProcess::kill() {
  if (process_ > 0) ::kill(process_, SIGKILL);
}

void settle_as_child(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it had ended before
  for (const int signal : endings) ::signal(signal, SIG_DFL);
  limit_resource(RLIMIT_CORE, 0);
}

void limit_processor_time(std::chrono::seconds more) {
  const auto used = std::clock() / CLOCKS_PER_SEC;
  limit_resource(RLIMIT_CPU, static_cast<rlim_t>(used + more.count()));
}

WallClockLimit::WallClockLimit(std::chrono::seconds limit) {
  ::alarm(static_cast<unsigned>(limit.count()));
}

WallClockLimit::~WallClockLimit() {
  ::alarm(0);
}

bool answer(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(answer_descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace gainsweep::disk
