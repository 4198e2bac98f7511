#include "model/checkpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "files.hpp"

namespace gainsweep::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* index_name = "model.safetensors.index.json";

std::string byte_tensors(const std::vector<std::string>& names) {
  std::string header = "{";
  for (std::size_t i = 0; i < names.size(); ++i) {
    header += (i ? ",\"" : "\"") + names[i] + R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" +
              std::to_string(i) + "," + std::to_string(i + 1) + "]}";
  }
  return safetensors(header + "}", names.size());
}

std::string index_of(const std::string& weight_map) {
  return R"({"metadata":{"total_size":2},"weight_map":)" + weight_map + "}";
}

TEST(Checkpoint, MapsASingleFile) {
  const TemporaryFolder folder;
  folder.write("model.safetensors", byte_tensors({"q_proj.weight", "k_proj.weight"}));
  auto opened = Checkpoint::open(folder.path());
  const Checkpoint checkpoint = std::move(opened);
  EXPECT_TRUE(checkpoint.contains("q_proj.weight"));
  EXPECT_FALSE(checkpoint.contains("v_proj.weight"));
  EXPECT_EQ(checkpoint.tensor("k_proj.weight").bytes[0], std::byte{1});
  EXPECT_THAT(checkpoint.files(), ElementsAre(folder.path() / "model.safetensors"));
  EXPECT_EQ(checkpoint.folder(), folder.path());
}

TEST(Checkpoint, NamesTheNearestTensorWhenOneIsMissing) {
  const TemporaryFolder folder;
  folder.write("model.safetensors", byte_tensors({"q_proj.weight", "lm_head.weight"}));
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_THAT(
      refusal([&] { checkpoint.tensor("v_proj.weight"); }),
      AllOf(HasSubstr("no tensor 'v_proj.weight'"), HasSubstr("nearest is 'q_proj.weight'")));
}

TEST(Checkpoint, MapsTheShardsOfAnIndex) {
  const TemporaryFolder folder;
  folder.write("one.safetensors", byte_tensors({"a", "b"}));
  folder.write("two.safetensors", byte_tensors({"c"}));
  folder.write(index_name,
               index_of(R"({"c":"two.safetensors","a":"one.safetensors","b":"one.safetensors"})"));
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.tensors().size(), 3u);
  EXPECT_EQ(checkpoint.tensor("c").file, folder.path() / "two.safetensors");
  EXPECT_THAT(checkpoint.files(),
              ElementsAre(folder.path() / "one.safetensors", folder.path() / "two.safetensors"));
}

TEST(Checkpoint, RefusesFoldersWithoutWeights) {
  const TemporaryFolder folder;
  const auto open = [](const std::filesystem::path& path) {
    return refusal([&] { Checkpoint::open(path); });
  };
  EXPECT_THAT(open(folder.path() / "absent"), HasSubstr("no such folder"));
  EXPECT_THAT(open(folder.write("file", "x")), HasSubstr("not a folder"));
  EXPECT_THAT(open(folder.path()), HasSubstr("no weights (neither model.safetensors nor"));
  folder.write("pytorch_model.bin", "x");
  EXPECT_THAT(open(folder.path()), HasSubstr("safe_serialization=True"));
  std::filesystem::create_directory(folder.path() / "model.safetensors");
  EXPECT_THAT(open(folder.path()), HasSubstr("not a regular file"));
}

TEST(Checkpoint, DoesNotWaitForAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "model.safetensors").c_str(), 0600), 0);
  EXPECT_THAT(refusal([&] { Checkpoint::open(folder.path()); }), HasSubstr("not a regular file"));
}

TEST(Checkpoint, RefusesWrongIndices) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "not valid JSON"},
      {"[]", "no weight_map"},
      {"{}", "no weight_map"},
      {R"({"weight_map":[]})", "no weight_map"},
      {index_of("{}"), "weight_map is empty"},
      {index_of(R"({"a":1})"), "the shard of tensor 'a' is not a text"},
      {index_of(R"({"a":"one.safetensors","a":"one.safetensors"})"), "key 'a' is given twice"},
      {index_of(R"({"a":"../one.safetensors"})"),
       "'../one.safetensors' of tensor 'a' is not a file name"},
      {index_of(R"({"a":"/etc/passwd"})"), "is not a file name"},
      {index_of(R"({"a":".."})"), "is not a file name"},
      {index_of(R"({"a":""})"), "is not a file name"},
      {index_of(R"({"a":"one.safetensors","c":"twin.safetensors"})"),
       "tensor 'a' is also in shard 'one.safetensors'"},
      {index_of(R"({"a":"cut.safetensors"})"), "cut.safetensors: truncated"},
  };
  const TemporaryFolder folder;
  folder.write("one.safetensors", byte_tensors({"a"}));
  folder.write("other.safetensors", byte_tensors({"b", "c"}));
  folder.write("twin.safetensors", byte_tensors({"a", "c"}));
  folder.write("cut.safetensors", byte_tensors({"a"}).substr(0, 40));
  for (const auto& [text, message] : cases) {
    SCOPED_TRACE(text);
    folder.write(index_name, text);
    EXPECT_THAT(refusal([&] { Checkpoint::open(folder.path()); }), HasSubstr(message));
  }
}

TEST(Checkpoint, AnIndexIsWrongForWhoeverAsksForTheTensor) {
  const TemporaryFolder folder;
  folder.write("one.safetensors", byte_tensors({"a"}));
  folder.write("other.safetensors", byte_tensors({"b", "c"}));
  folder.write(index_name, index_of(R"({"a":"one.safetensors","z":"one.safetensors",)"
                                    R"("c":"one.safetensors","b":"other.safetensors",)"
                                    R"("t":"three.safetensors"})"));
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_NO_THROW(checkpoint.tensor("a"));
  EXPECT_NO_THROW(checkpoint.tensor("b"));
  const std::pair<const char*, const char*> cases[] = {
      {"t", "shard 'three.safetensors' is not there (it holds tensor 't')"},
      {"z", "tensor 'z' is not in shard 'one.safetensors' as the index says"},
      {"c", "tensor 'c' is not in shard 'one.safetensors' as the index says"}};
  for (const auto& [name, message] : cases) {
    EXPECT_FALSE(checkpoint.contains(name));
    EXPECT_THAT(refusal([&] { checkpoint.tensor(name); }), HasSubstr(message));
  }
}

/// Copies a range of tensors of a checkpoint into a new .safetensors file.
void write_shard(const TemporaryFolder& folder, const std::string& name,
                 const std::map<std::string, MappedTensor>& tensors) {
  std::string header, data;
  for (const auto& [tensor, mapped] : tensors) {
    std::string shape;
    for (const auto size : mapped.shape) {
      if (!shape.empty()) shape += ",";
      shape += std::to_string(size);
    }
    const auto begin = data.size();
    data.append(reinterpret_cast<const char*>(mapped.bytes.data()), mapped.bytes.size());
    header += (header.empty() ? "{\"" : ",\"") + tensor + R"(":{"dtype":"F32","shape":[)" + shape +
              R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(data.size()) +
              "]}";
  }
  folder.write(name, safetensors(header + "}", 0) + data);
}

TEST(Checkpoint, ASplitCheckpointEqualsTheWholeOne) {
  const auto source = development_model("stories260K");
  if (!std::filesystem::exists(source)) GTEST_SKIP() << "no development data at " << source;
  const auto whole = Checkpoint::open(source);
  std::map<std::string, MappedTensor> shards[3];
  std::string weight_map;
  std::size_t next = 0;
  for (const auto& [name, tensor] : whole.tensors()) {
    ASSERT_EQ(tensor.type, ElementType::fp32);
    const auto shard = next++ % 3;
    shards[shard].emplace(name, tensor);
    weight_map +=
        (weight_map.empty() ? "{\"" : ",\"") + name + "\":\"" + std::to_string(shard) + "\"";
  }
  const TemporaryFolder folder;
  for (int shard = 0; shard < 3; ++shard) write_shard(folder, std::to_string(shard), shards[shard]);
  folder.write(index_name, index_of(weight_map + "}"));
  const auto split = Checkpoint::open(folder.path());
  ASSERT_EQ(split.tensors().size(), whole.tensors().size());
  EXPECT_EQ(split.files().size(), 3u);
  for (const auto& [name, tensor] : whole.tensors()) {
    const auto& other = split.tensor(name);
    EXPECT_EQ(other.shape, tensor.shape) << name;
    EXPECT_TRUE(std::ranges::equal(other.bytes, tensor.bytes)) << name;
  }
}

}  // namespace
}  // namespace gainsweep::model
