#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace gainsweep::plan_file {

/// A plan's file of the running test, removed with it.
class Written {
 public:
  explicit Written(const std::string& content, const std::string& name = "mine.json") {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        std::filesystem::temp_directory_path() /
        ("gainsweep_plan_file_" + std::string(test->name()) + "_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    path_ = folder_ / name;
    std::ofstream(path_, std::ios::binary) << content;
  }
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() { std::filesystem::remove_all(folder_); }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path folder_, path_;
};

/// The least that a plan has, with further keys.
inline std::string plan_with(const std::string& keys) {
  return R"({"schema": "gainsweep plan", "schema_version": 1, )" + keys + "}";
}

}  // namespace gainsweep::plan_file
