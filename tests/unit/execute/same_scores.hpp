#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "execute/probe.hpp"

namespace gainsweep::execute {

/// Plain probes against fused ones on the same numbers: equal within rounding, and not the same
/// kernels.
inline void expect_plain_as_fused(const ProbeRecord& plain, const ProbeRecord& fused) {
  EXPECT_EQ(plain.loss, fused.loss);
  bool is_other_arithmetic = false;
  for (std::size_t op = 0; op < fused.operands.size(); ++op)
    for (std::size_t k = 0; k < fused.operands[op].size(); ++k) {
      const auto& a = plain.operands[op][k];
      const auto& e = fused.operands[op][k];
      EXPECT_NEAR(a.sensitivity, e.sensitivity, 1e-5 * e.sensitivity);
      is_other_arithmetic = is_other_arithmetic || a.sensitivity != e.sensitivity;
      for (std::size_t f = 0; f < e.signed_error.size(); ++f)
        EXPECT_NEAR(a.signed_error[f], e.signed_error[f], 1e-5 * std::sqrt(e.sensitivity));
    }
  EXPECT_TRUE(is_other_arithmetic) << "the toy device ran the fused kernels";
}

}  // namespace gainsweep::execute
