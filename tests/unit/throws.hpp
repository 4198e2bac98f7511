#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

/// Expects that a statement throws an Error of this kind whose message holds this text.
#define EXPECT_ERROR(statement, expected_kind, text)        \
  try {                                                     \
    static_cast<void>(statement);                           \
    ADD_FAILURE() << "no error: " #statement;               \
  } catch (const ::gainsweep::Error& error) {               \
    EXPECT_EQ(error.kind(), expected_kind) << error.what(); \
    EXPECT_THAT(error.what(), ::testing::HasSubstr(text));  \
  }                                                         \
  static_assert(true)
