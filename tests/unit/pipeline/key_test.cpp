#include "pipeline/key.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "base/error.hpp"

namespace gainsweep::pipeline::key {
namespace {

/// Facts of a small experiment.
struct Facts {
  Computing computing{"model", "2.13.0, oneDNN 3.12.0", "AVX512; oneDNN: avx512_core", "4f", "cpu",
                      1};
  Sample sample{"tokens", 7};
  std::vector<format::Format> formats{format::by_name("bf16"), format::by_name("int8"),
                                      format::by_name("fp8_e4m3")};
  lower::Maxima maxima{{1.5F, 0}, {0.25F, 0}};
  Workload workload{"a processor", "model", 1, 256, 5, 10, 0};
  std::vector<std::string> lowered{"layers.0.{q,k}", "layers.1.{q,k}"};
  std::vector<graph::Configuration> configurations{{{0}, {0}}, {{0}, {1}}, {{1}, {1}}};
  graph::Partition partition{
      {},
      {{.ops = {{0}, {1}}, .cls = {0}, .name = "a"}, {.ops = {{2}}, .cls = {1}, .name = "b"}},
      {}};
  Round round{0, 2};
  PlanQuestion question{"macs", "ip", 0.01, "bias", 0, 100};
  std::string precision = "fp32", assignment = "assignment", decision = "decision";
};

std::vector<std::string> keys(const Facts& f) {
  const auto formats = of_formats(f.formats);
  const auto maxima = of_maxima(f.maxima);
  const auto samples = of_sample_set(std::vector{f.sample, f.sample});
  return {observe(f.computing, f.precision, f.sample),
          score(f.computing, f.precision, f.sample, formats, maxima),
          anchor(f.computing, f.precision, formats, maxima, f.sample),
          timing(f.computing, f.workload, formats, f.lowered, f.configurations, f.round),
          plan(f.decision, f.question),
          losses(f.computing, f.precision, formats, maxima, samples, f.assignment),
          floor(f.computing, f.precision, formats, maxima, samples, f.assignment),
          plan_times(f.computing, f.workload, formats, of_partition(f.partition), f.assignment,
                     f.round)};
}

// Stored units of earlier versions of the program would be taken for new ones, or done again: a key
// changes only with its version in key.cpp and a line in the changelog.
TEST(Key, StaysWhatItIs) {
  EXPECT_EQ(keys({}), (std::vector<std::string>{
                          "57c7ea9b960e9016f7375aaf72b5ca12a7fda61e651e08fc22d38dbe04c9c8ae",
                          "ca3d0d2b49075dc63bd35bde6ba40c20f4f00b9929c0b151e4c14257d6855a58",
                          "fc4c9a8a11e590f46ce64dc90f0dd436bc14e687025faa770af33de20bae3122",
                          "217f711ede82e7b2c3cc50b87f40790453891fd3ee32fe05f6ba6ed0c24fd6b5",
                          "8ed95570632a94e2683a76a68d7c8214ce6e70512ceb8003bb25da0eb4574393",
                          "6948d46dd57ed6c4669d3df7cb0ceae21faf6469f0aa816c34c371fc80ef0f5c",
                          "f9b3a6cea47275ce07cb9f321d6f720ab1209bead9e1eeab1c5c1eb5b0f7b626",
                          "6379fabea0bed0bbd18384e126cd49783d391fb6ec3a28807127b5857902eaaf"}));
}

// Which of the eight keys a change of facts changes: observe, score, anchor, timing, plan, losses,
// floor, plan_times.
std::string changed_by(const std::function<void(Facts&)>& change) {
  Facts facts;
  const auto before = keys(facts);
  change(facts);
  const auto after = keys(facts);
  std::string changed;
  for (std::size_t i = 0; i < before.size(); ++i) changed += before[i] == after[i] ? '.' : 'x';
  return changed;
}

TEST(Key, TellsFusedGroupsApart) {
  graph::Partition partition = Facts().partition;
  EXPECT_EQ(of_fused(partition), "") << "no key knows of groups where there are none";
  partition.subgraphs[0].fused = {{0, 1}};
  const auto two = of_fused(partition);
  EXPECT_NE(two, "");
  partition.subgraphs[0].ops.push_back({3});
  EXPECT_EQ(of_fused(partition), two);
  partition.subgraphs[0].fused = {{0, 2}};
  EXPECT_NE(of_fused(partition), two);
}

TEST(Key, ChangesWithEveryFactItIsMadeOf) {
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.model = "other"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.torch = "other"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.instruction_set = "other"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.arithmetic = "other"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.device = "hpu"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.threads = 2; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.identity.card = "a card"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.identity.software = "a driver"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.computing.identity.mode = "a mode"; }), "xxxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.fused = "a group"; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.precision = "bf16"; }), "xxx..xx.");
  EXPECT_EQ(changed_by([](Facts& f) { f.sample.tokens = "other"; }), "xxx..xx.");
  EXPECT_EQ(changed_by([](Facts& f) { f.sample.last_label = 8; }), "xxx..xx.");
  EXPECT_EQ(changed_by([](Facts& f) { f.sample.mask = "marks"; }), "xxx..xx.");
  EXPECT_EQ(changed_by([](Facts& f) { f.maxima[1][0] = 0.5F; }), ".xx..xx.");
  EXPECT_EQ(changed_by([](Facts& f) { f.formats.pop_back(); }), ".xxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.formats[1].activation->backoff = 0.5; }), ".xxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.formats[1].weight.backoff = 0.5; }), ".xxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.formats[1].weight.scale_grid = "power_of_two"; }),
            ".xxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.formats[1].weight.range = "mse"; }), ".xxx.xxx");
  EXPECT_EQ(
      changed_by([](Facts& f) { f.formats[1].activation->scale = format::ScaleRule::dynamic_max; }),
      ".xxx.xxx");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.machine = "other"; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.scope = "subgraph"; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.batch = 2; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.length = 2; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.warmup = 2; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.blocks = 2; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.seed = 2; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.workload.caches = "flushed"; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.lowered.pop_back(); }), "...x....");
  EXPECT_EQ(changed_by([](Facts& f) { f.configurations.pop_back(); }), "...x....");
  EXPECT_EQ(changed_by([](Facts& f) {
              f.partition.subgraphs[0].ops.pop_back();
              f.partition.subgraphs[1].ops.insert(f.partition.subgraphs[1].ops.begin(), {1});
            }),
            ".......x");
  EXPECT_EQ(changed_by([](Facts& f) { f.round.attempt = 1; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.round.number = 1; }), "...x...x");
  EXPECT_EQ(changed_by([](Facts& f) { f.decision = "other"; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.objective = "time"; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.how = "prefix"; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.threshold = 0.02; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.loss_model = "other"; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.seed = 1; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.draws = 1; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.question.resource = "bits"; }), "....x...");
  EXPECT_EQ(changed_by([](Facts& f) { f.assignment = "other"; }), ".....xxx");
}

TEST(Key, OfAnswersHoldsTheTaskAndWhatIsAsked) {
  const auto of = [](const std::string& task, const Sample& request, const std::string& plan) {
    return answers(Facts().computing, "fp32", "formats", "maxima", task,
                   of_sample_set(std::vector{request}), plan);
  };
  const auto key = of("hellaswag", {"tokens", 7, "", 3}, "plan");
  EXPECT_EQ(key, of("hellaswag", {"tokens", 7, "", 3}, "plan"));
  EXPECT_NE(key, of("piqa", {"tokens", 7, "", 3}, "plan"));
  EXPECT_NE(key, of("hellaswag", {"tokens", 7, "", 2}, "plan"));
  EXPECT_NE(key, of("hellaswag", {"tokens", 7, "", 3}, "other"));
}

TEST(Key, OfResamplesHoldsTheirPlace) {
  const auto of = [](const ResampleQuestion& question) {
    return resamples("decision", "samples", question);
  };
  const ResampleQuestion question{"macs", "bias", {0.01, 0.02}, 20, 10};
  EXPECT_EQ(of(question), "fdb20b03896688ea283c3dc8585de999463b6e23098ff3ccb36874cead80ef31");
  std::set<std::string> keys{of(question), resamples("other", "samples", question),
                             resamples("decision", "other", question)};
  keys.insert(of({"time", "bias", {0.01, 0.02}, 20, 10}));
  keys.insert(of({"macs", "other", {0.01, 0.02}, 20, 10}));
  keys.insert(of({"macs", "bias", {0.01}, 20, 10}));
  keys.insert(of({"macs", "bias", {0.01, 0.02}, 30, 10}));
  keys.insert(of({"macs", "bias", {0.01, 0.02}, 20, 20}));
  EXPECT_EQ(keys.size(), 8u);
}

TEST(Key, NeedsTheModelsDigest) {
  Facts facts;
  facts.computing.model.clear();
  try {
    keys(facts);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

}  // namespace
}  // namespace gainsweep::pipeline::key
