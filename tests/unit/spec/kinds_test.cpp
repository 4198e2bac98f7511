#include "spec/kinds.hpp"

#include <gtest/gtest.h>

#include "config/print.hpp"
#include "config/read.hpp"
#include "spec/basics.hpp"
#include "spec/read.hpp"
#include "unit/throws.hpp"

namespace gainsweep::spec {
namespace {

/// Another experiment with the keys that all have.
class Counting final : public config::Draft {
 public:
  Basics shared;
  std::int64_t up_to = 10;

  config::Section common() override { return describe(shared); }
  config::Section own() override {
    return {{{"up_to", "the last number", config::Integer{&up_to, 1, 99}}}};
  }
  void check(const config::Written&, config::Problems&) const override {}
  std::vector<std::string> rules() const override { return {}; }
};

TEST(Kinds, TakeAnotherExperimentInOneRow) {
  auto table = kinds();
  table.push_back({.name = "counting", .help = "numbers one after the other", .make_draft = [] {
                     return std::make_unique<Counting>();
                   }});
  const auto readings = config::read_points(
      {"schema: 2\nname: few\nexperiment: counting\nthreads: 2\nsweep: {product: {up_to: [3, "
       "4]}}\n",
       "spec.yaml"},
      table);
  ASSERT_EQ(readings.size(), 2u);
  const auto& last = dynamic_cast<const Counting&>(*readings[1].draft);
  EXPECT_EQ(last.up_to, 4);
  EXPECT_EQ(last.shared.threads, 2);
  EXPECT_EQ(config::resolved(*readings[1].kind, *readings[1].draft, table),
            "schema: 2\nexperiment: counting\nname: few\ndevice: cpu\nthreads: 2\nseed: 0\n"
            "memory_limit: 0\n"
            "up_to: 4\n");
}

TEST(Kinds, HaveTheDefaultPlan) {
  EXPECT_EQ(kinds().front().name, "plan");
  EXPECT_THAT([] { read("schema: 2\nexperiment: plam\n", "spec.yaml"); },
              throws(ErrorKind::config,
                     "experiment: 'plam' is not one of plan (kind of "
                     "experiment). Did you mean 'plan'?"));
}

}  // namespace
}  // namespace gainsweep::spec
