#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <functional>

#include "execute/kernels.hpp"
#include "execute/state.hpp"
#include "fixture.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

TEST(Environment, SetsTheThreadCount) {
  const int before = at::get_num_threads();
  start(execute::devices().at("cpu"), 1);
  EXPECT_EQ(environment(execute::devices().at("cpu")).threads, 1);
  at::set_num_threads(before);
}

TEST(Environment, RefusesMoreThreadsThanProcessors) {
  const auto message = fixture::message_of(ErrorKind::environment,
                                           [] { start(execute::devices().at("cpu"), 1'000'000); });
  EXPECT_NE(message.find("1000000 threads on "), std::string::npos) << message;
  EXPECT_NE(message.find("--bind-to none"), std::string::npos) << message;
}

TEST(Environment, NamesVersionsAndInstructionSets) {
  const auto first = environment(execute::devices().at("cpu"));
  EXPECT_NE(first.torch_version.find(", oneDNN 3."), std::string::npos) << first.torch_version;
  EXPECT_FALSE(first.device_name.empty());
  EXPECT_EQ(first.instruction_set.find("unknown"), std::string::npos) << first.instruction_set;
  EXPECT_EQ(environment(execute::devices().at("cpu")).instruction_set, first.instruction_set);
}

TEST(Errors, OfMemoryAndDevicesAreTheEnvironments) {
  const auto kind = [](const std::function<void()>& act) {
    try {
      act();
    } catch (const c10::Error& error) {
      return kind_of(error);
    }
    return ErrorKind::input;
  };
  EXPECT_EQ(kind([] { at::empty({std::int64_t{1} << 46}, at::kFloat); }), ErrorKind::environment);
  EXPECT_EQ(kind([] { TORCH_CHECK(false, "CUDA error: unspecified launch failure"); }),
            ErrorKind::environment);
  EXPECT_EQ(kind([] { at::ones({2, 3}).matmul(at::ones({2, 3})); }), ErrorKind::internal);
}

TEST(Kernels, NamesTheKernelsOfLinearLayers) {
  if (!fixture::multiplies_int8_exactly()) {
    const auto message = fixture::message_of(ErrorKind::environment, [] {
      linear_kernels({8, 64, 64}, Precision::bf16);
    });
    EXPECT_NE(message.find("reference kernel"), std::string::npos) << message;
    return;
  }
  const auto kernels = linear_kernels({32, 256, 256}, Precision::bf16);
  EXPECT_NE(kernels.high.find(':'), std::string::npos) << kernels.high;
  EXPECT_EQ(kernels.int8.find("ref"), std::string::npos) << kernels.int8;
  EXPECT_EQ(linear_kernels({32, 256, 256}, Precision::bf16).int8, kernels.int8)
      << "a second log differs";
}

TEST(Kernels, OfAHighPrecisionThatEveryProcessorHas) {
  const auto kernels = linear_kernels({32, 256, 256}, Precision::fp32);
  EXPECT_NE(kernels.high.find(':'), std::string::npos) << kernels.high;
  EXPECT_EQ(kernels.int8.find("ref"), std::string::npos) << kernels.int8;
}

TEST(Kernels, GivesStandardOutputBack) {
  ::testing::internal::CaptureStdout();
  std::printf("before ");
  EXPECT_TRUE(onednn_log([] { std::printf("inside "); }).starts_with("inside "));
  std::printf("after");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "before after");
  EXPECT_THAT([] { onednn_log([] { throw Error(ErrorKind::internal, "work failed"); }); },
              throws(ErrorKind::internal, "work failed"));
}

}  // namespace
}  // namespace gainsweep::execute
