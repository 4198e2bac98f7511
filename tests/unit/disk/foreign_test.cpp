#include "disk/foreign.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gainsweep::disk {
namespace {

std::string told(const std::string& bytes) {
  return foreign_content(std::as_bytes(std::span(bytes)), "what was asked for");
}

TEST(Foreign, KindsAreToldByTheirFirstBytes) {
  const std::pair<std::string, const char*> cases[] = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n",
       "a git-lfs pointer, "},
      {"<!DOCTYPE html><html>", "an HTML page, "},
      {"\xef\xbb\xbf \n<HTML>", "an HTML page, "},
      {"<?xml version='1.0'?><Error>", "an XML page, "},
      {"PK\x03\x04rest", "a zip archive, "},
      {"\x80\x02}q", "a Python pickle, "},
      {"\x93NUMPY\x01", "a NumPy array, "},
      {"GGUF\x03", "a GGUF file"},
      {"\x1f\x8b\x08", "a gzip archive, "},
      {"\xff\xfe{", "a text in UTF-16, "},
      {std::string(5000, '\0'), "nothing but zeros at its start, "},
  };
  for (const auto& [bytes, kind] : cases) {
    EXPECT_TRUE(told(bytes).starts_with(kind)) << told(bytes);
    EXPECT_NE(told(bytes).find("not what was asked for. "), std::string::npos);
  }
}

TEST(Foreign, OtherBytesAreNotTold) {
  for (const std::string& bytes : std::vector<std::string>{std::string(100, '\0'), "", "<", "\x80",
                                                           "\x80\x09x", "{\"a\": 1}", "1 2 3"})
    EXPECT_EQ(told(bytes), "");
}

TEST(Foreign, AKindMayBeAdded) {
  EXPECT_EQ(told("TOY"), "");
  foreign_kinds().add({"a toy", "Play", [](auto bytes) { return bytes.size() == 3; }});
  EXPECT_EQ(told("TOY"), "a toy, not what was asked for. Play");
}

}  // namespace
}  // namespace gainsweep::disk
