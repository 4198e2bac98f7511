#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "devices.hpp"
#include "unit/throws.hpp"

namespace gainsweep::roofline {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(GAINSWEEP_SOURCE_DIR) / folder))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Description, OfEveryShippedDeviceIsSound) {
  const auto files = files_in("configs/devices");
  EXPECT_EQ(files.size(), 6u);
  for (const auto& file : files) {
    const auto description = read(file);
    EXPECT_EQ(description.device, file.stem().string());
    EXPECT_FALSE(description.sources.empty()) << file;
    EXPECT_FALSE(description.formats.empty()) << file;
  }
}

TEST(Description, IsInSecondsBytesAndOperations) {
  const auto gaudi = testing::shipped("gaudi2");
  EXPECT_DOUBLE_EQ(gaudi.rates.at("fp8").published, 865e12);
  EXPECT_DOUBLE_EQ(gaudi.rates.at("fp8").reached, 0.955);
  EXPECT_DOUBLE_EQ(gaudi.memory.bandwidth, 2457.6e9 * 0.85);
  EXPECT_DOUBLE_EQ(gaudi.cache->bytes, 48e6);
  EXPECT_DOUBLE_EQ(gaudi.launch.at(Fusion::none), 5e-6);
  EXPECT_DOUBLE_EQ(gaudi.weight.at(Fusion::graph), 0.5);
  EXPECT_FALSE(testing::shipped("b200").cache);
}

TEST(Description, GivesRatesByTheTypeOfAFormatOrItsName) {
  const auto gaudi = testing::shipped("gaudi2");
  EXPECT_EQ(rate_of(gaudi, format::by_name("fp8_e4m3_gaudi2")), &gaudi.rates.at("fp8"));
  EXPECT_EQ(rate_of(gaudi, format::by_name("bf16")), &gaudi.rates.at("bf16"));
  EXPECT_EQ(rate_of(gaudi, format::by_name("int8")), nullptr);
}

// Every file of tests/devices is wrong, and `NAME.expected` beside it has the whole message.
class WrongDescription : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(WrongDescription, IsRefusedWithAllItsProblems) {
  auto expected = GetParam();
  expected.replace_extension(".expected");
  ASSERT_TRUE(std::filesystem::exists(expected)) << expected;
  try {
    parse(text_of(GetParam()), GetParam().filename().string());
    ADD_FAILURE() << GetParam() << " was taken for a sound description";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(std::string(error.what()) + "\n", text_of(expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, WrongDescription, ::testing::ValuesIn(files_in("tests/devices")),
                         [](const auto& test) { return test.param.stem().string(); });

TEST(Description, ThatIsNotThereIsRefused) {
  EXPECT_ERROR(read("no/such.yaml"), ErrorKind::config,
               "no/such.yaml: no such file. Name the YAML file of a description of a device.");
}

}  // namespace
}  // namespace gainsweep::roofline
