#pragma once

#include <exception>
#include <string>

namespace gainsweep {

/// What an exception of any library says to users: without the places in LibTorch's own code that
/// its errors end in.
std::string message_of(const std::exception& exception);

}  // namespace gainsweep
