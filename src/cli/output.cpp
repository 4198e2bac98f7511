#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <string>
#include <system_error>

#include "base/error.hpp"
#include "disk/streams.hpp"

namespace gainsweep::cli {

void guard_streams() {
  std::signal(SIGPIPE, SIG_IGN);
  disk::occupy_closed_streams();
}

void finish_output() {
  errno = 0;
  std::cout.flush();
  // What failed before kept no reason: one byte more, of an output that is not whole, tells it.
  const bool tells = std::cout || errno != 0 || ::write(STDOUT_FILENO, "\n", 1) < 0;
  const int code = tells ? errno : 0;
  if (std::cout) return;
  const auto why =
      code == 0 ? "the system reports an error" : std::generic_category().message(code);
  throw Error(
      ErrorKind::environment,
      "standard output cannot be written (" + why +
          "). What was printed is not whole: free space, or let its reader read to the end.");
}

}  // namespace gainsweep::cli
