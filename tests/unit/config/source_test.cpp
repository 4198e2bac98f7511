#include "config/source.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "config/document.hpp"
#include "config/settings.hpp"
#include "unit/throws.hpp"

namespace gainsweep::config {
namespace {

/// The document of a text under some settings, as text; throws what is wrong with it.
Node with(const std::string& text, const std::vector<std::string>& settings) {
  Problems problems("spec.yaml", settings);
  auto document = parse_document(text, problems);
  apply(settings, *document, problems);
  problems.throw_if_any();
  return std::move(*document);
}

/// The node at a path of names.
const Node& at(const Node& mapping, const std::vector<std::string>& path) {
  const Node* node = &mapping;
  for (const auto& name : path)
    for (const auto& entry : node->entries)
      if (entry.key == name) {
        node = &entry.value;
        break;
      }
  return *node;
}

TEST(Settings, TakeThePlaceOfWhatIsWritten) {
  const auto document = with("a: {b: 1, c: 2}\n", {"a.b=3", "a.b=4", "d.e=[5, 6]", "f=x=y"});
  EXPECT_EQ(at(document, {"a", "b"}).text, "4");
  EXPECT_EQ(at(document, {"a", "b"}).line, -2);
  EXPECT_EQ(at(document, {"a", "c"}).text, "2");
  ASSERT_EQ(at(document, {"d", "e"}).items.size(), 2u);
  EXPECT_EQ(at(document, {"d", "e"}).items[1].text, "6");
  EXPECT_EQ(at(document, {"d", "e"}).items[1].line, -3);
  EXPECT_EQ(at(document, {"f"}).text, "x=y");
}

TEST(Settings, MayBeEmptyOrQuoted) {
  const auto document = with("a: 1\n", {"a=", "b='true'"});
  EXPECT_EQ(at(document, {"a"}).kind, Node::Kind::null);
  EXPECT_TRUE(at(document, {"b"}).quoted);
}

TEST(Settings, AreNamedWhereTheyAreWrong) {
  const auto refuses = [](const std::string& setting, const std::string& message) {
    EXPECT_THAT([&] { with("a: 1\n", {"a=2", setting}); }, throws(ErrorKind::config, message));
  };
  refuses("a", "--set a: no '=' (a setting is a key and its value). Write --set PATH=VALUE");
  refuses("=1", "--set =1: no path of a key before its '='");
  refuses("a..b=1", "--set a..b=1: no path");
  refuses(std::string(100, '.') + "a=1", "no path of a key");
  refuses("a=[1", "--set a=[1: a: not YAML");
  refuses("a={b: 1, b: 2}", "a doubled key");
  refuses("a=&x 1", "an anchor");
  refuses("a=1\n---\n2", "a second YAML document");
  refuses("a=\xff", "bytes that are no UTF-8");
}

TEST(Settings, OfSweptLeavesAreRefused) {
  const std::vector<std::string> settings{"a.b=1", "c=2", "a=3"};
  Problems problems("spec.yaml", settings);
  refuse_swept(settings, {{{"a.b", 1, {}}}}, problems);
  EXPECT_TRUE(problems.touch("a.b"));
  EXPECT_FALSE(problems.touch("c"));
  EXPECT_EQ(problems.texts().size(), 2u);
}

TEST(Source, KeepsTheFolderOfItsFile) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "source";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "spec.yaml") << "a: 1";
  const auto source = load(folder / "spec.yaml", {"a=2"});
  EXPECT_EQ(source.text, "a: 1");
  EXPECT_EQ(source.folder, folder);
  EXPECT_EQ(written(source), "a: 1\n# --set a=2\n");
  EXPECT_EQ(written(load(folder / "spec.yaml")), "a: 1");
}

TEST(Source, OfAStreamIsReadOnceAndStartsFromTheWorkingDirectory) {
  for (const char* path : {"-", "/dev/stdin", "/dev/fd/63", "/proc/self/fd/9"})
    EXPECT_TRUE(is_stream(path)) << path;
  for (const char* path : {"spec.yaml", "/dev/zero", "/dev/shm/spec.yaml", "dev/stdin"})
    EXPECT_FALSE(is_stream(path)) << path;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "a: 1\n", 5), 5);
  ::close(ends[1]);
  const auto path = "/dev/fd/" + std::to_string(ends[0]);
  const auto source = load(path);
  ::close(ends[0]);
  EXPECT_EQ(source.text, "a: 1\n");
  EXPECT_EQ(source.name, path);
  EXPECT_TRUE(source.folder.empty());
}

}  // namespace
}  // namespace gainsweep::config
