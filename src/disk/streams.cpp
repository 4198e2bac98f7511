#include "disk/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace gainsweep::disk {

void occupy_closed_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) != -1) continue;
    // The lowest free number is the stream's. Opened the wrong way round, it serves nobody.
    const int mode = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (::open("/dev/null", mode) != stream) return;
  }
}

}  // namespace gainsweep::disk
