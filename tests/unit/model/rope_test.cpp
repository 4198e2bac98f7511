#include "model/rope.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace gainsweep::model {
namespace {

TEST(Rope, TurnsPairsByPowersOfTheta) {
  const auto frequencies = rope_frequencies({.theta = 10000}, 8, 3);
  ASSERT_EQ(frequencies.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(frequencies[i], std::pow(10.0, -double(i)), 1e-15);
  const auto table = rope_table({.theta = 10000}, 8, 3);
  ASSERT_EQ(table.cos.size(), 12u);
  EXPECT_DOUBLE_EQ(table.cos[0], 1);
  EXPECT_DOUBLE_EQ(table.sin[2 * 4 + 1], std::sin(0.2));
}

TEST(Rope, Llama3StretchesLongWavelengthsOnly) {
  // Wavelengths 2π·10^i of context 1000: 159, 15.9, 1.59 and 0.159 turns.
  const Llama3Rope llama3{
      .factor = 8, .low_frequency_factor = 1, .high_frequency_factor = 4, .original_length = 1000};
  const auto before = rope_frequencies({.theta = 10000}, 8, 9);
  const auto after = rope_frequencies({.theta = 10000, .scaling = llama3}, 8, 9);
  EXPECT_DOUBLE_EQ(after[0], before[0]);
  EXPECT_DOUBLE_EQ(after[1], before[1]);
  const double kept = (1000 * before[2] / (2 * std::acos(-1.0)) - 1) / 3;
  EXPECT_NEAR(after[2], before[2] * (kept + (1 - kept) / 8), 1e-15);
  EXPECT_DOUBLE_EQ(after[3], before[3] / 8);
}

TEST(Rope, DynamicScalesLongSequencesOnly) {
  const Rope plain{.theta = 10000};
  const Rope dynamic{.theta = 10000, .scaling = DynamicRope{.factor = 2, .trained_length = 32}};
  EXPECT_EQ(rope_frequencies(dynamic, 8, 32), rope_frequencies(plain, 8, 32));
  // 2 · 48/32 − 1 = 2, to the power of 8/6.
  EXPECT_EQ(rope_frequencies(dynamic, 8, 48),
            rope_frequencies({.theta = 10000 * std::pow(2.0, 8.0 / 6)}, 8, 48));
}

/// Numbers of transformers 5.24.0 (ROPE_INIT_FUNCTIONS, in fp32) for heads of 16.
TEST(Rope, AgreesWithTransformers) {
  struct Case {
    const char* name;
    Rope rope;
    std::int64_t length;
    std::vector<double> frequencies;
  };
  const Case cases[] = {
      {"linear",
       {10000, LinearRope{2.5}},
       16,
       {0.4, 0.1264911, 0.04, 0.01264911, 0.004, 0.001264911, 0.0004, 0.0001264911}},
      {"dynamic",
       {10000, DynamicRope{4, 64}},
       200,
       {1, 0.2292584, 0.0525594, 0.01204968, 0.002762491, 0.0006333241, 0.0001451948,
        3.328714e-05}},
      {"llama3",
       {500, Llama3Rope{8, 1, 4, 64}},
       16,
       {1, 0.4598633, 0.09761663, 0.01215616, 0.00559017, 0.002570714, 0.001182177, 0.0005436398}},
      {"yarn",
       {10000, YarnRope{.factor = 4, .original_length = 256}},
       16,
       {1, 0.2569351, 0.0625, 0.01383497, 0.0025, 0.0007905695, 0.00025, 7.905695e-05}},
      {"yarn whose range is not rounded",
       {10000, YarnRope{.factor = 8,
                        .beta_fast = 16,
                        .beta_slow = 2,
                        .original_length = 256,
                        .truncate = false}},
       16,
       {1, 0.2874086, 0.0424418, 0.003952847, 0.00125, 0.0003952847, 0.000125, 3.952847e-05}},
      {"yarn of a short context",
       {1000, YarnRope{.factor = 40, .original_length = 128}},
       16,
       {1, 0.318908, 0.09113682, 0.02015341, 0.0007905695, 0.0003333804, 0.0001405853,
        5.928435e-05}},
  };
  for (const auto& [name, rope, length, expected] : cases) {
    const auto found = rope_frequencies(rope, 16, length);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i] / expected[i], 1, 1e-6) << name << ", pair " << i;
  }
}

TEST(Rope, LongRopeDividesByTheFactorsOfTheLength) {
  const Rope rope{.theta = 10000,
                  .scaling = LongRope{.short_factors = {1, 2},
                                      .long_factors = {4, 8},
                                      .attention_factor = 1.25,
                                      .original_length = 16}};
  EXPECT_EQ(rope_frequencies(rope, 4, 16), (std::vector{1.0, 0.01 / 2}));
  EXPECT_EQ(rope_frequencies(rope, 4, 17), (std::vector{1.0 / 4, 0.01 / 8}));
  EXPECT_DOUBLE_EQ(rope_table(rope, 4, 2).cos[0], 1.25);
}

TEST(Rope, YarnMultipliesCosAndSin) {
  const auto plain = rope_table({.theta = 10000}, 8, 2);
  const auto scaled = rope_table(
      {.theta = 10000, .scaling = YarnRope{.attention_factor = 1.5, .original_length = 2048}}, 8,
      2);
  EXPECT_DOUBLE_EQ(scaled.cos[4], 1.5 * plain.cos[4]);
  EXPECT_DOUBLE_EQ(scaled.sin[4], 1.5 * plain.sin[4]);
}

}  // namespace
}  // namespace gainsweep::model
