#include "config/kind.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/print.hpp"
#include "config/read.hpp"
#include "config/reference.hpp"
#include "config/schema.hpp"
#include "unit/throws.hpp"

namespace gainsweep::config {
namespace {

/// Kinds of two lines: a name and a seed that all have, and one number of their own.
class Toy final : public Draft {
 public:
  explicit Toy(std::string key) : key_(std::move(key)) {}

  std::string name;
  std::int64_t seed = 3;
  std::int64_t number = 7;

  Section common() override {
    return {{{.name = "name", .help = "the name", .value = Name{&name}, .example = "a"},
             {"seed", "the seed", Integer{&seed, 0, 9}}}};
  }
  Section own() override { return {{{key_, "a number", Integer{&number, 0, 99}}}}; }
  void check(const Written& written, Problems& problems) const override {
    if (number != 13) return;
    problems.add(written.lines.at(key_), key_, "an unlucky number (ask anybody). Write another.");
  }
  std::vector<std::string> rules() const override { return {"`" + key_ + "` is not 13."}; }

 private:
  std::string key_;
};

Kind kind(const std::string& name, const std::string& key) {
  return {
      .name = name,
      .help = "what " + name + " do",
      .make_draft = [key] { return std::make_unique<Toy>(key); },
      .moved = {{"old_" + key, key, "it is shorter"}, {"idle", "", "nothing followed from it"}}};
}

const Kinds& kinds() {
  static const Kinds table{kind("cats", "lives"), kind("dogs", "bones")};
  return table;
}

std::vector<Reading> read(const std::string& rest) {
  return read_points({"schema: 2\nname: pets\n" + rest, "toy.yaml"}, kinds());
}

auto refuses(const std::string& message) {
  return throws(ErrorKind::config, message);
}

TEST(Kind, IsTheFirstWhereNoneIsWritten) {
  const auto readings = read("lives: 9\n");
  ASSERT_EQ(readings.size(), 1u);
  EXPECT_EQ(readings[0].kind->name, "cats");
  EXPECT_EQ(dynamic_cast<const Toy&>(*readings[0].draft).number, 9);
}

TEST(Kind, IsChosenBeforeItsKeysAreRead) {
  const auto readings = read("bones: 9\nexperiment: dogs\n");
  EXPECT_EQ(readings[0].kind->name, "dogs");
  EXPECT_THAT([] { read("lives: 9\nexperiment: dogs\n"); },
              refuses("toy.yaml:3: lives: an unknown key (a spec has no such key). The keys here "
                      "are schema, experiment, name, seed, bones, sweep."));
}

TEST(Kind, IsRefusedWhereThereIsNone) {
  EXPECT_THAT([] { read("experiment: dgos\nwhatever: 1\n"); },
              refuses("toy.yaml:3: experiment: 'dgos' is not one of cats, dogs (kind of "
                      "experiment). Did you mean 'dogs'?"));
  EXPECT_THAT([] { read("experiment: [cats]\n"); }, refuses("a list where a word belongs"));
}

TEST(Kind, HasRulesOfItsOwn) {
  EXPECT_THAT([] { read("experiment: dogs\nbones: 13\n"); },
              refuses("toy.yaml:4: bones: an unlucky number"));
}

TEST(Kind, IsPrintedAsItReads) {
  auto readings = read("bones: 9\nexperiment: dogs\n");
  const auto text = resolved(*readings[0].kind, *readings[0].draft, kinds());
  EXPECT_EQ(text, "schema: 2\nexperiment: dogs\nname: pets\nseed: 3\nbones: 9\n");
  auto again = read_points({text, "resolved.yaml"}, kinds());
  EXPECT_EQ(resolved(*again[0].kind, *again[0].draft, kinds()), text);
}

TEST(Kind, IsNotSwept) {
  const auto readings = read("experiment: dogs\nsweep: {product: {bones: [1, 2], seed: [4]}}\n");
  ASSERT_EQ(readings.size(), 2u);
  EXPECT_EQ(text_of(readings[1].parameters), "bones = 2, seed = 4");
  EXPECT_THAT([] { read("sweep: {product: {experiment: [cats, dogs]}}\n"); },
              refuses("toy.yaml:3: sweep.product.experiment: no leaf of a spec that can be swept"));
}

TEST(Kind, NamesKeysThatMoved) {
  EXPECT_THAT([] { read("old_lives: 9\n"); },
              refuses("toy.yaml:3: old_lives: moved to 'lives' (it is shorter). Write it there."));
  EXPECT_THAT([] { read("idle: 9\n"); },
              refuses("toy.yaml:3: idle: no longer a key (nothing followed from it). Remove it."));
  EXPECT_THAT([] { read("sweep: {product: {old_lives: [1]}}\n"); },
              refuses("toy.yaml:3: sweep.product.old_lives: moved to 'lives'"));
}

TEST(Kind, OfAnEarlierLayoutIsRefusedWithTheKeysThatMoved) {
  const auto old = [] {
    read_points({"schema: 1\nname: pets\nold_lives: 9\nidle: 1\n", "toy.yaml"}, kinds());
  };
  EXPECT_THAT(old, refuses("toy.yaml:1: schema: '1' is an earlier layout of specs (this program "
                           "reads 2). Write 2"));
  EXPECT_THAT(old, refuses("toy.yaml:3: old_lives: moved to 'lives'"));
  EXPECT_THAT(old, refuses("toy.yaml:4: idle: no longer a key"));
  EXPECT_THAT(
      [] {
        read_points({"schema: 3\nname: pets\n", "toy.yaml"}, kinds());
      },
      refuses("'3' is too large"));
}

TEST(Kind, HasItsBranchOfTheSchemaAndItsPartOfTheReference) {
  const auto schema = nlohmann::json::parse(json_schema(kinds()));
  EXPECT_TRUE(schema["properties"].contains("seed"));
  EXPECT_FALSE(schema["properties"].contains("lives"));
  EXPECT_EQ(schema["if"]["properties"]["experiment"]["const"], "cats");
  EXPECT_TRUE(schema["then"]["properties"].contains("lives"));
  EXPECT_EQ(schema["else"]["if"]["properties"]["experiment"]["const"], "dogs");
  EXPECT_TRUE(schema["else"]["then"]["properties"].contains("bones"));
  const auto text = reference(kinds());
  EXPECT_EQ(text.find("| `seed` |"), text.rfind("| `seed` |"));  // what all have is said once
  EXPECT_LT(text.find("| `seed` |"), text.find("## `experiment: cats`"));
  EXPECT_LT(text.find("| `lives` |"), text.find("## `experiment: dogs`"));
  EXPECT_LT(text.find("## `experiment: dogs`"), text.find("| `bones` |"));
  EXPECT_NE(text.find("* `bones` is not 13."), std::string::npos);
}

}  // namespace
}  // namespace gainsweep::config
