#include "archive/isolate.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

/// What the child sends first. A message's letters or the values follow.
struct Header {
  bool is_error = false;
  ErrorKind kind = ErrorKind::internal;
  std::uint64_t count = 0;
};

[[noreturn]] void refuse_process(int code) {
  throw Error(ErrorKind::environment, "no process to decode it in (" +
                                          std::generic_category().message(code) +
                                          "). Allow more processes and open files.");
}

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) refuse_process(errno);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_writing();
    ::close(ends_[0]);
  }

  void close_writing() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }

  /// False when the other side is gone.
  bool send(const void* bytes, std::size_t size) const {
    const char* next = static_cast<const char*>(bytes);
    while (size > 0) {
      const ssize_t sent = ::write(ends_[1], next, size);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      next += sent;
      size -= static_cast<std::size_t>(sent);
    }
    return true;
  }

  bool receive(void* bytes, std::size_t size) const {
    char* next = static_cast<char*>(bytes);
    while (size > 0) {
      const ssize_t got = ::read(ends_[0], next, size);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      next += got;
      size -= static_cast<std::size_t>(got);
    }
    return true;
  }

 private:
  std::array<int, 2> ends_{};
};

/// Memory grows with what really arrives: a child that ran into its own memory may promise much.
template <class Sequence>
bool receive_all(const Pipe& pipe, std::uint64_t count, Sequence& values) {
  constexpr std::uint64_t step = 1 << 16;
  while (values.size() < count) {
    const std::size_t start = values.size();
    values.resize(start + std::min<std::uint64_t>(step, count - start));
    const std::size_t bytes = (values.size() - start) * sizeof(values[0]);
    if (!pipe.receive(&values[start], bytes)) return false;
  }
  return true;
}

struct Answer {
  std::vector<std::int64_t> values;
  std::optional<Error> error;
};

/// Nothing when the child ended before it had sent everything.
std::optional<Answer> receive_answer(const Pipe& pipe) {
  Header header;
  if (!pipe.receive(&header, sizeof header)) return std::nullopt;
  Answer answer;
  if (!header.is_error) {
    if (!receive_all(pipe, header.count, answer.values)) return std::nullopt;
    return answer;
  }
  std::string message;
  if (!receive_all(pipe, header.count, message)) return std::nullopt;
  answer.error.emplace(header.kind, message);
  return answer;
}

void limit_resource(int resource, rlim_t most) {
  struct rlimit limit {};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_cur, most);
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

/// A quiet child that ends with its parent. A crash shall end it at once, without the reports that
/// MPI and sanitizers install; what a queue or a terminal sends to all processes is for the parent.
void settle_child(pid_t parent, std::chrono::seconds limit) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it had ended before
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGXCPU, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
  limit_resource(RLIMIT_CORE, 0);
  limit_resource(RLIMIT_CPU, static_cast<rlim_t>(limit.count()));
  if (const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC); null >= 0) {
    ::dup2(null, STDERR_FILENO);
  }
}

void send_error(const Pipe& pipe, ErrorKind kind, const std::string& message) {
  const Header header{true, kind, message.size()};
  if (pipe.send(&header, sizeof header)) pipe.send(message.data(), message.size());
}

/// Without destructors, exit handlers and buffers: those are the parent's.
[[noreturn]] void answer_and_end(const std::function<std::vector<std::int64_t>()>& work,
                                 const Pipe& pipe) {
  try {
    const std::vector<std::int64_t> values = work();
    const Header header{false, {}, values.size()};
    if (pipe.send(&header, sizeof header)) {
      pipe.send(values.data(), values.size() * sizeof(std::int64_t));
    }
  } catch (const Error& error) {
    send_error(pipe, error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    send_error(pipe, ErrorKind::environment, "not enough memory to decode it. Free some.");
  } catch (const std::exception& error) {
    send_error(pipe, ErrorKind::internal, error.what());
  }
  ::_exit(0);
}

/// The signal that ended a child, 0 for none.
int await_end(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return 0;  // whoever ignores SIGCHLD never learns
  }
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

[[noreturn]] void refuse_end(int signal, std::chrono::seconds limit) {
  const std::string name = signal == 0 ? "no signal" : ::strsignal(signal);
  if (signal == SIGXCPU) {
    throw Error(ErrorKind::input, "it is damaged (decoding it took more than " +
                                      std::to_string(limit.count()) +
                                      " s of processor time). Copy it again or write it anew");
  }
  if (signal == SIGKILL) {
    throw Error(ErrorKind::environment,
                "the process that decoded it was killed (memory may have run out). Free memory "
                "and run the same command again.");
  }
  throw Error(ErrorKind::input, "it is damaged (the library that decodes it crashes: " + name +
                                    "). Copy it again or write it anew");
}

}  // namespace

std::vector<std::int64_t> isolated(const std::function<std::vector<std::int64_t>()>& work,
                                   std::chrono::seconds limit) {
  Pipe pipe;
  const pid_t self = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) refuse_process(errno);
  if (child == 0) {
    settle_child(self, limit);
    answer_and_end(work, pipe);
  }
  pipe.close_writing();
  std::optional<Answer> answer;
  try {
    answer = receive_answer(pipe);
  } catch (const std::bad_alloc&) {
    ::kill(child, SIGKILL);
    await_end(child);
    throw Error(ErrorKind::environment, "not enough memory for its contents. Free some.");
  }
  const int signal = await_end(child);
  if (!answer) refuse_end(signal, limit);
  if (answer->error) throw Error(*answer->error);
  return std::move(answer->values);
}

}  // namespace gainsweep::archive
