#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>

#include "target.hpp"

// The counters of edges that libFuzzer looks at, where there are any.
extern "C" {
extern std::uint8_t __start___sancov_cntrs[] __attribute__((weak, visibility("hidden")));
extern std::uint8_t __stop___sancov_cntrs[] __attribute__((weak, visibility("hidden")));
}

namespace gainsweep::fuzz {
namespace {

/// Of processor time for one input; sound files take milliseconds.
constexpr itimerval time_limit{.it_interval = {}, .it_value = {.tv_sec = 1, .tv_usec = 0}};
/// The HDF5 library loses some memory with each file, so that no child lives for ever.
constexpr int inputs_of_a_child = 2000;

/// libFuzzer's own name for counters beside those of edges. The HDF5 library has none, but the
/// reason that it gives for a refusal tells where in it an input ended.
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t reasons[1 << 12];

enum class Blame { nobody, project, hdf5 };

/// Memory that children have in common with their parent.
struct Shared {
  std::atomic<Blame> blame;
  std::array<std::uint8_t, 1 << 17> counters;
  std::size_t reason;
  std::size_t size;
  std::array<std::byte, 1 << 22> input;
};

Shared& shared() {
  static Shared* const memory = [] {
    void* const place =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) finding("no shared memory");
    return new (place) Shared;
  }();
  return *memory;
}

std::span<std::uint8_t> counters() {
  if (__start___sancov_cntrs == nullptr) return {};
  const auto size = static_cast<std::size_t>(__stop___sancov_cntrs - __start___sancov_cntrs);
  return {__start___sancov_cntrs, std::min(size, shared().counters.size())};
}

/// By the innermost function that belongs to either; sanitizers and the C library are nobody's.
Blame blame_of_stack() {
  std::array<void*, 256> frames;
  const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
  for (int i = 0; i < count; ++i) {
    Dl_info info;
    if (::dladdr(static_cast<char*>(frames[i]) - 1, &info) == 0) continue;
    if (info.dli_fname != nullptr && std::strstr(info.dli_fname, "libhdf5") != nullptr) {
      return Blame::hdf5;
    }
    if (info.dli_sname != nullptr && std::strstr(info.dli_sname, "9gainsweep") != nullptr) {
      return Blame::project;
    }
  }
  return Blame::project;
}

const pid_t fuzzing_process = ::getpid();

/// Only in a child of read_apart: a crash of the parent has the usual end.
bool is_child = false;

void on_crash(int) {
  shared().blame = blame_of_stack();
  ::_exit(1);
}

/// The library may have run out of stack, so that the handler has its own.
void catch_crashes() {
  static std::array<char, 1 << 18> stack;
  const stack_t alternate{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  ::sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGPROF}) {
    ::sigaction(signal, &action, nullptr);
  }
  is_child = true;
}

/// Reads what the parent puts into the shared memory whenever it sends a byte; answers with one.
[[noreturn]] void serve(Read read, int channel) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(::open("/dev/null", O_WRONLY), STDERR_FILENO);
  catch_crashes();
  char byte = 0;
  while (::read(channel, &byte, 1) == 1) {
    ::setitimer(ITIMER_PROF, &time_limit, nullptr);
    std::ranges::fill(counters(), std::uint8_t{0});
    read({shared().input.data(), shared().size});
    shared().reason = reason_of_refusal();
    std::ranges::copy(counters(), shared().counters.begin());
    if (::write(channel, &byte, 1) != 1) break;
  }
  ::_exit(0);
}

class Child {
 public:
  explicit Child(Read read) {
    std::array<void*, 4> frames;
    ::backtrace(frames.data(), 4);  // loads what it needs now, not in a handler
    shared();
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
      finding("no channel to a child process");
    }
    channel_ = ends[0];
    process_ = ::fork();
    if (process_ < 0) finding("no child process");
    if (process_ == 0) {
      ::close(ends[0]);
      serve(read, ends[1]);
    }
    ::close(ends[1]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::close(channel_);
    ::waitpid(process_, nullptr, 0);
  }

  /// Whether it lived through the input.
  bool take(std::span<const std::byte> input) {
    shared().blame = Blame::nobody;
    shared().size = input.size();
    std::ranges::copy(input, shared().input.begin());
    char byte = 0;
    ++count_;
    return ::send(channel_, &byte, 1, MSG_NOSIGNAL) == 1 && ::read(channel_, &byte, 1) == 1;
  }
  bool is_old() const { return count_ >= inputs_of_a_child; }

 private:
  int channel_ = -1;
  pid_t process_ = -1;
  int count_ = 0;
};

}  // namespace

/// The sanitizer found something; it is about to say so and to end the process. In a child of the
/// project's own that is as good as any crash, but libFuzzer would take it for its own process's.
extern "C" void __asan_on_error() {
  if (is_child) on_crash(0);
  if (::getpid() != fuzzing_process) std::abort();
}

bool read_apart(Read read, std::span<const std::byte> input) {
  static std::optional<Child> child;
  if (input.size() > shared().input.size()) return true;
  // What an earlier input has done to the child's memory may have killed it: a fresh one decides.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!child || child->is_old()) child.emplace(read);
    if (child->take(input)) {
      reasons[shared().reason % std::size(reasons)] = 1;
      std::ranges::transform(counters(), shared().counters, counters().begin(), std::ranges::max);
      return true;
    }
    child.reset();
    if (shared().blame == Blame::hdf5) return false;
  }
  read(input);  // here, so that it is this process that crashes
  finding("a crash in a child process that does not repeat outside of it");
}

}  // namespace gainsweep::fuzz
