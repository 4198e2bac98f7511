#pragma once

#include <functional>
#include <string>
#include <vector>

/// Calls of the C library that the test binary has instead of the library's own.
namespace gainsweep::disk::calls {

/// The next `close` of a file whose path holds this text closes it and reports a full disk.
void fail_close(std::string path_part);

/// Called once, at the beginning of the next `flock`.
void before_flock(std::function<void()> action);

/// From now on every `flock` fails with this error number; 0 for none.
void fail_flock(int code);

/// Contents of the files that `fsync` synchronised since the last call.
std::vector<std::string> synchronised();

}  // namespace gainsweep::disk::calls
