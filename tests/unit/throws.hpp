#pragma once

#include <gmock/gmock.h>

#include <string>

#include "base/error.hpp"

/// What tests of every folder share.
namespace gainsweep {

/// Matches a call that throws an Error of a kind whose message has a part:
/// `EXPECT_THAT([&] { read(text); }, throws(ErrorKind::config, "no such key"))`.
inline auto throws(ErrorKind kind, const std::string& part) {
  const auto message = [](const Error& error) { return std::string(error.what()); };
  return ::testing::Throws<Error>(
      ::testing::AllOf(::testing::Property("kind", &Error::kind, kind),
                       ::testing::ResultOf(message, ::testing::HasSubstr(part))));
}

}  // namespace gainsweep
