// What is said where a card, its driver or LibTorch's library for it is not there.

#include "execute/cuda_library.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "execute/cuda_driver.hpp"
#include "execute/cuda_probe.hpp"
#include "execute/cuda_settings.hpp"
#include "fixture.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A folder that stands for that of LibTorch's libraries.
class CudaLibrary : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "gainsweep_cuda_library_test";
};

TEST_F(CudaLibrary, IsMissedWithItsFolderAndWhatToDo) {
  EXPECT_THAT(missing_cuda_library(folder_),
              AllOf(HasSubstr("no libtorch_cuda.so in " + folder_.string()),
                    HasSubstr("it is a build for CPUs; LibTorch 2."),
                    HasSubstr(" for CUDA is needed, see docs/devices.md")));
  EXPECT_FALSE(cuda_extension());
}

TEST_F(CudaLibrary, ThatIsNoLibraryIsRefused) {
  std::ofstream(folder_ / "libtorch_cuda.so") << "not a library\n";
  EXPECT_EQ(missing_cuda_library(folder_), "");
  EXPECT_ERROR(open_cuda_library(folder_), ErrorKind::environment, "cannot be opened (");
  EXPECT_ERROR(open_cuda_library(folder_), ErrorKind::environment,
               "). It needs NVIDIA's libraries where that LibTorch expects them");
}

TEST_F(CudaLibrary, WithoutADeviceIsRefused) {
  fs::copy_file(EMPTY_TORCH_CUDA, folder_ / "libtorch_cuda.so");
  EXPECT_ERROR(open_cuda_library(folder_), ErrorKind::environment,
               "libtorch_cuda.so lacks a device guard (it brings no CUDA "
               "device to LibTorch ");
}

TEST(CudaDevice, OfABuildForCpusIsNotHere) {
  const auto& cuda = devices().at("cuda");
  if (cuda.missing().empty()) GTEST_SKIP() << "this LibTorch is built for CUDA";
  EXPECT_ERROR(load(cuda), ErrorKind::environment, "device cuda is not here (no libtorch_cuda.so ");
  EXPECT_ERROR(load(cuda), ErrorKind::environment, "). Use a machine that has it, or device: cpu");
}

TEST(CudaDevice, IsLoweredForAsItIsDriven) {
  const auto& cuda = devices().at("cuda");
  EXPECT_EQ(cuda.target(), "cuda");
  drive_cuda({.fast_accumulation = true});
  EXPECT_EQ(cuda.target(), "cuda_fast");
  drive_cuda({});
}

/// A driver of two cards (tests/fake_cuda), found by its name in place of the real one.
class CudaDriver : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(dlopen(FAKE_CUDA, RTLD_NOW), nullptr) << dlerror(); }
};

TEST_F(CudaDriver, TellsItsVersionAndCards) {
  EXPECT_EQ(cuda_driver_version(), "13.0");
  EXPECT_EQ(cuda_runtime_version(), "") << "no CUDA runtime is open";
  const auto cards = cuda_cards();
  ASSERT_EQ(cards.size(), 2U);
  EXPECT_EQ(cards[0].name, "Fake Card 40");
  EXPECT_EQ(cards[0].id, "GPU-00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(cards[0].address, "0000:19:00.0");
  EXPECT_EQ(std::pair(cards[0].major, cards[0].minor), std::pair(9, 0));
}

TEST_F(CudaDriver, NumbersCardsThatTellNoUuid) {
  const auto cards = cuda_cards();
  ASSERT_EQ(cards.size(), 2U);
  EXPECT_EQ(cards[1].name, "Fake Card 41");
  EXPECT_EQ(cards[1].id, "1");
  EXPECT_EQ(cards[1].address, "");
  EXPECT_EQ(std::pair(cards[1].major, cards[1].minor), std::pair(8, 6));
}

TEST(CudaProbe, AsksTheOperatorsThemselves) {
  EXPECT_EQ(why_not_run("fp8_e4m3", at::kCPU), "");
  EXPECT_EQ(why_not_run("int8", at::kCPU), "");
  EXPECT_EQ(why_not_run("fp8_e5m2", at::kMeta), "") << "no target has a product of it";
  EXPECT_THAT(why_not_run("int8", at::kMeta), HasSubstr("_int_mm"));
}

}  // namespace
}  // namespace gainsweep::execute
