// Evaluating twelve plans segment by segment against as many plain forward passes in fp32. See
// README.md.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "base/error.hpp"
#include "pipeline/compared.hpp"
#include "pipeline/relay.hpp"

namespace {

using namespace gainsweep;
using namespace gainsweep::pipeline;

constexpr std::size_t num_plans = 12;

model::Sample sample(const model::Model& model, std::int64_t length, std::size_t seed) {
  std::mt19937 engine(static_cast<unsigned>(seed));
  const auto vocabulary = model.input("tokens")->bound;
  const auto draw = [&] { return static_cast<std::int64_t>(engine()) % vocabulary; };
  std::vector<std::int64_t> tokens, labels;
  for (std::int64_t i = 0; i < length; ++i) {
    tokens.push_back(draw());
    labels.push_back(draw());
  }
  return {.inputs = {{"tokens", {{1, length}, tokens}}}, .targets = {{1, length}, labels}};
}

std::shared_ptr<const Subject> subject_of(const std::string& folder, std::int64_t length) {
  Subject subject;
  subject.spec.calibration.length = length;
  subject.device = &execute::devices().at("cpu");
  subject.model = std::make_shared<const model::Model>(model::open(folder));
  subject.evaluation_graph = std::make_shared<const graph::Graph>(
      subject.model->build({1, length, {model::Output::mean_loss, model::Output::class_scores}}));
  subject.layout.formats = {format::by_name("bf16"), format::by_name("int8"),
                            format::by_name("fp8_e4m3")};
  subject.layout.partition.ops = graph::quantizable_ops(*subject.evaluation_graph);
  return std::make_shared<const Subject>(std::move(subject));
}

/// All-high, then plans that lower the first ops, evenly spaced, or random ops.
std::vector<Rounding> plans_of(const Subject& subject, bool prefix) {
  const auto num_ops = subject.layout.partition.ops.size();
  std::mt19937 engine(0);
  std::vector<Rounding> plans{{graph::Assignment(num_ops)}};
  for (std::size_t p = 1; p <= num_plans; ++p) {
    plans.push_back(plans.front());
    for (std::size_t op = 0; op < num_ops; ++op) {
      const bool lowered = prefix ? op < p * num_ops / num_plans : engine() % 2 == 0;
      if (lowered) plans.back().assignment[op] = FormatId{1};
    }
  }
  return plans;
}

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// One sample through the whole graph in fp32, the second time.
double plain(const Subject& subject, std::int64_t length) {
  execute::Parameters weights(*subject.model, *subject.device, execute::Precision::fp32);
  execute::Program program(*subject.evaluation_graph, weights);
  const auto inputs = execute::make_inputs(program.graph(), sample(*subject.model, length, 0),
                                           subject.model->inputs, *subject.device);
  program.run(inputs);
  return seconds([&] { program.run(inputs); });
}

double evaluate(const std::shared_ptr<const Subject>& subject, std::int64_t length,
                std::size_t num_samples, bool prefix, const Room& room) {
  Samples samples;
  samples.set.load = [&](std::size_t i) { return sample(*subject->model, length, i); };
  samples.buckets.assign(num_samples, {length});
  Batch batch{&samples, {}, "batch"};
  for (std::size_t i = 0; i < num_samples; ++i) batch.samples.push_back(i);
  const lower::Maxima maxima(subject->layout.partition.ops.size(), {8.0F, 8.0F});
  auto plans = plans_of(*subject, prefix);
  std::vector<std::string> kin;
  for (const auto& plan : plans) kin.push_back(kin_of(batch.digest, plan));
  std::vector<std::size_t> order(plans.size());
  for (std::size_t p = 0; p < order.size(); ++p) order[p] = p;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return kin[a] < kin[b]; });
  Weights weights(subject, execute::Precision::fp32);
  Relay relay(subject, weights);
  return seconds([&] {
    for (std::size_t o = 0; o < order.size(); ++o) {
      std::vector<std::string_view> ahead;
      for (auto next = o + 1; next < order.size(); ++next) ahead.push_back(kin[order[next]]);
      std::vector<Rounding> run{plans[order[o]]};
      if (order[o] != 0) run.push_back(plans[0]);
      relay.run(batch, run, maxima, ahead, room,
                [](std::size_t, const model::Sample&, std::span<const execute::Outcome> outcomes) {
                  compare(outcomes.back(), outcomes.front(), {}, "a sample");
                });
    }
  });
}

std::string peak_memory() {
  std::ifstream status("/proc/self/status");
  std::string found;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:") || line.starts_with("RssAnon:")) found += line + "  ";
  return found;
}

std::int64_t number(const char* text) {
  std::int64_t value = 0;
  const std::string_view view(text);
  std::from_chars(view.data(), view.data() + view.size(), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: %s FOLDER prefix|random TOKENS SAMPLES THREADS MEGABYTES_KEPT\n",
                 argv[0]);
    return 2;
  }
  try {
    execute::start(execute::devices().at("cpu"), number(argv[5]));
    const auto length = number(argv[3]);
    const auto num_samples = static_cast<std::size_t>(number(argv[4]));
    const auto subject = subject_of(argv[1], length);
    const auto kept = static_cast<std::size_t>(number(argv[6])) << 20;
    const auto own = evaluate(subject, length, num_samples, argv[2] == std::string("prefix"),
                              {kept / 2, kept / 4, kept / 4});
    std::printf("%s\n", peak_memory().c_str());
    const auto forward = plain(*subject, length);
    const auto runs = static_cast<double>(num_plans * num_samples);
    std::printf("plain forward %.3f s; %zu plans and all-high on %zu samples %.3f s\n", forward,
                num_plans, num_samples, own);
    std::printf("over %.0f plain forwards: %.3f\n", runs, own / (runs * forward));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_code(error.kind());
  }
}
