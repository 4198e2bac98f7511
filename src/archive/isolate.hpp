#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace gainsweep::archive {

/// What `work` gives, done in a child process, so that a crash or a hang of a library is an error
/// instead of the end of this process. The child sees this process's memory as it is now and may
/// neither use MPI nor write files.
///
/// Errors of `work` come back with their kind and message. Error(input) when the child crashes or
/// uses more processor time than `limit`; Error(environment) when there is no child to be had or
/// somebody kills it.
std::vector<std::int64_t> isolated(const std::function<std::vector<std::int64_t>()>& work,
                                   std::chrono::seconds limit);

}  // namespace gainsweep::archive
