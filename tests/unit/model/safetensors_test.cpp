#include "model/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "files.hpp"

namespace gainsweep::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* two_tensors =
    R"({"__metadata__":{"format":"pt"},)"
    R"("b":{"dtype":"F32","shape":[2],"data_offsets":[6,14]},)"
    R"("a":{"dtype":"BF16","shape":[1,3],"data_offsets":[0,6]}}   )";

std::map<std::string, MappedTensor> parse(const std::string& file) {
  return parse_safetensors(bytes_of(file), "weights.safetensors");
}

TEST(Safetensors, DescribesTensorsWhereTheyLie) {
  const auto file = safetensors(two_tensors, 14);
  const auto tensors = parse(file);
  ASSERT_EQ(tensors.size(), 2u);
  const auto& a = tensors.at("a");
  EXPECT_EQ(a.type, ElementType::bf16);
  EXPECT_THAT(a.shape, ElementsAre(1, 3));
  EXPECT_EQ(a.bytes.size(), 6u);
  EXPECT_EQ(a.bytes.data(), bytes_of(file).data() + file.size() - 14);
  EXPECT_EQ(a.file, "weights.safetensors");
  EXPECT_EQ(tensors.at("b").bytes.data(), a.bytes.data() + 6);
}

TEST(Safetensors, AcceptsScalarsEmptyTensorsAndNoTensors) {
  const auto tensors =
      parse(safetensors(R"({"scalar":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
                        R"("none":{"dtype":"I8","shape":[4,0],"data_offsets":[8,8]}})",
                        8));
  EXPECT_THAT(tensors.at("scalar").shape, IsEmpty());
  EXPECT_EQ(tensors.at("none").bytes.size(), 0u);
  EXPECT_THAT(parse(safetensors("{}", 0)), IsEmpty());
}

TEST(Safetensors, KnowsEveryElementType) {
  const std::pair<const char*, ElementType> types[] = {
      {"BF16", ElementType::bf16},   {"F16", ElementType::fp16},  {"F32", ElementType::fp32},
      {"F64", ElementType::fp64},    {"I64", ElementType::int64}, {"I32", ElementType::int32},
      {"I16", ElementType::int16},   {"I8", ElementType::int8},   {"U8", ElementType::uint8},
      {"BOOL", ElementType::boolean}};
  for (const auto& [name, type] : types) {
    const auto size = std::to_string(3 * size_of(type));
    const auto tensors = parse(safetensors(R"({"t":{"dtype":")" + std::string(name) +
                                               R"(","shape":[3],"data_offsets":[0,)" + size + "]}}",
                                           3 * size_of(type)));
    EXPECT_EQ(tensors.at("t").type, type);
  }
}

struct Wrong {
  const char* name;
  std::string file;
  const char* message;
};

std::string one_tensor(const std::string& description, std::size_t data_size) {
  return safetensors(R"({"layer.weight":)" + description + "}", data_size);
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string file(sizeof length, '\0');
  std::memcpy(file.data(), &length, sizeof length);
  return file + rest;
}

std::vector<Wrong> wrong_files() {
  const std::string whole = safetensors(two_tensors, 14);
  return {
      {"empty", "", "truncated (0 bytes"},
      {"short", "abc", "truncated (3 bytes"},
      {"absurd_length", with_length(std::uint64_t{1} << 62, "{}"),
       "header length 4611686018427387904 is absurd"},
      {"length_of_100_MB", with_length(100'000'001, "{}"), "is absurd"},
      {"header_beyond_file", with_length(1000, "{}"), "truncated (a header of 1000 bytes"},
      {"data_cut", whole.substr(0, whole.size() - 1),
       "truncated (tensor 'b' ends at data byte 14 of 13)"},
      {"data_after", whole + "xy", "2 bytes after the last tensor"},
      {"not_json", safetensors("{\"a\":", 0), "not valid JSON"},
      {"not_utf8", safetensors("{\"\xff\xfe\":1}", 0), "not valid JSON"},
      {"a_list", safetensors("[]", 0), "does not begin with '{'"},
      {"no_header", safetensors("", 0), "does not begin with '{'"},
      {"deep", safetensors("{\"a\":" + std::string(5000, '['), 0), "nested deeper than 16"},
      {"twice",
       safetensors(R"({"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},)"
                   R"("a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}})",
                   1),
       "key 'a' is given twice"},
      {"metadata_number", safetensors(R"({"__metadata__":{"format":1}})", 0),
       "__metadata__ is not"},
      {"tensor_is_number", one_tensor("3", 0), "'layer.weight': wants exactly the keys"},
      {"no_shape", one_tensor(R"({"dtype":"I8","data_offsets":[0,1]})", 1),
       "wants exactly the keys"},
      {"further_key", one_tensor(R"({"dtype":"I8","shape":[1],"data_offsets":[0,1],"x":1})", 1),
       "wants exactly"},
      {"dtype_number", one_tensor(R"({"dtype":1,"shape":[1],"data_offsets":[0,1]})", 1),
       "dtype is not a text"},
      {"shape_text", one_tensor(R"({"dtype":"I8","shape":"1","data_offsets":[0,1]})", 1),
       "shape is not a list"},
      {"shape_negative", one_tensor(R"({"dtype":"I8","shape":[-1],"data_offsets":[0,1]})", 1),
       "shape has an entry"},
      {"shape_fraction", one_tensor(R"({"dtype":"I8","shape":[1.0],"data_offsets":[0,1]})", 1),
       "shape has an entry"},
      {"shape_above_63_bits",
       one_tensor(R"({"dtype":"I8","shape":[9223372036854775808],"data_offsets":[0,1]})", 1),
       "shape has an entry"},
      {"shape_overflow",
       one_tensor(R"({"dtype":"I8","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0),
       "overflows 64 bits"},
      {"size_overflow",
       one_tensor(R"({"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]})", 0),
       "overflows 64 bits"},
      {"size_wrong", one_tensor(R"({"dtype":"F32","shape":[2,3],"data_offsets":[0,20]})", 20),
       "data_offsets [0, 20] do not hold the 24 bytes"},
      {"offsets_reversed", one_tensor(R"({"dtype":"I8","shape":[1],"data_offsets":[1,0]})", 1),
       "do not hold"},
      {"offsets_negative", one_tensor(R"({"dtype":"I8","shape":[1],"data_offsets":[-1,0]})", 1),
       "not two non-negative"},
      {"offsets_three", one_tensor(R"({"dtype":"I8","shape":[1],"data_offsets":[0,1,2]})", 1),
       "not two non-negative"},
      {"beyond_end", one_tensor(R"({"dtype":"I8","shape":[18],"data_offsets":[0,18]})", 3),
       "ends at data byte 18 of 3"},
      {"first_gap", one_tensor(R"({"dtype":"I8","shape":[1],"data_offsets":[2,3]})", 3),
       "leaving a gap"},
      {"gap",
       safetensors(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},)"
                   R"("b":{"dtype":"I8","shape":[2],"data_offsets":[3,5]}})",
                   5),
       "tensor 'b' begins at data byte 3, leaving a gap"},
      {"overlap",
       safetensors(R"({"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},)"
                   R"("b":{"dtype":"I8","shape":[2],"data_offsets":[1,3]}})",
                   3),
       "tensor 'b' begins at data byte 1, overlapping"},
  };
}

TEST(Safetensors, RefusesEveryDepartureFromTheLayout) {
  for (const auto& wrong : wrong_files()) {
    SCOPED_TRACE(wrong.name);
    EXPECT_THAT(refusal([&] { parse(wrong.file); }),
                AllOf(HasSubstr("weights.safetensors: "), HasSubstr(wrong.message)));
  }
}

TEST(Safetensors, KeepsHostileNamesOutOfMessages) {
  const std::string name(100'000, 'x');
  const auto message = refusal([&] { parse(safetensors("{\"" + name + "\\n\\u0007\":3}", 0)); });
  EXPECT_LT(message.size(), 400u);
  EXPECT_THAT(refusal([] { parse(safetensors(R"({"a\n\u001bb":3})", 0)); }), HasSubstr("'a  b'"));
}

/// Whatever the bytes, the parser either refuses or returns tensors inside them.
void expect_harmless(const std::string& file) {
  try {
    for (const auto& [name, tensor] : parse(file)) {
      const auto all = bytes_of(file);
      ASSERT_GE(tensor.bytes.data(), all.data());
      ASSERT_LE(tensor.bytes.data() + tensor.bytes.size(), all.data() + all.size());
    }
  } catch (const Error& error) {
    ASSERT_EQ(error.kind(), ErrorKind::input) << error.what();
  }
}

TEST(Safetensors, SurvivesFlippedBytesAndTruncation) {
  const std::string whole = safetensors(two_tensors, 14);
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string file = whole;
    const auto flips = 1 + random() % 4;
    for (unsigned flip = 0; flip < flips; ++flip) {
      // One flip in eight goes to the header length.
      const std::size_t place = random() % 8 == 0 ? random() % 8 : random() % file.size();
      file[place] = static_cast<char>(random() % 2 ? file[place] ^ (1 << random() % 8) : random());
    }
    if (random() % 4 == 0) file.resize(random() % file.size());
    expect_harmless(file);
  }
}

TEST(Safetensors, ATensorOfAnUnknownDtypeIsKeptForWhoeverAsks) {
  const std::string file =
      safetensors(R"({"t":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[0,3]}})", 3);
  const auto tensors = parse_safetensors(bytes_of(file), "weights.safetensors");
  EXPECT_EQ(tensors.at("t").type, ElementType::other);
  EXPECT_EQ(tensors.at("t").dtype, "F8_E4M3");
  EXPECT_EQ(tensors.at("t").bytes.size(), 3u);
}

TEST(Safetensors, FilesOfOtherKindsAreToldByName) {
  const auto told = [](const std::string& file) {
    return refusal([&] { parse_safetensors(bytes_of(file), "weights.safetensors"); });
  };
  EXPECT_THAT(
      told("version https://git-lfs.github.com/spec/v1\n"),
      ::testing::HasSubstr("weights.safetensors: it is a git-lfs pointer, not safetensors"));
  EXPECT_THAT(told("<html>"), ::testing::HasSubstr("it is an HTML page"));
  EXPECT_THAT(told(std::string("\x80\x02\0\0\0\0\0\0", 8) + std::string(700, ' ')),
              ::testing::HasSubstr("it is a Python pickle"));
  EXPECT_THAT(told(std::string(5000, '\0')), ::testing::HasSubstr("nothing but zeros"));
}

}  // namespace
}  // namespace gainsweep::model
