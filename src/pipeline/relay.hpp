#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "execute/outcome.hpp"
#include "pipeline/course.hpp"
#include "pipeline/room.hpp"
#include "pipeline/weights.hpp"

/// Forward passes of plans: all samples of a batch go through one segment of the graph before the
/// next, so that the weights of one segment are converted and rounded once for all of them, and
/// plans that begin alike share what their beginnings compute.
namespace gainsweep::pipeline {

/// At which static scales a plan rounds: as observed, or at the next larger fp32 numbers.
enum class Scales { observed, next };

/// A plan as it is run.
struct Rounding {
  graph::Assignment assignment;
  Scales scales = Scales::observed;
};

/// Samples that are run together.
struct Batch {
  const Samples* of = nullptr;
  std::vector<std::size_t> samples{};
  std::string digest{};  ///< tells batches apart, always of one length
};

/// A plan on a batch as a text: those that begin alike compute alike as far as that.
std::string kin_of(const std::string& batch, const Rounding& rounding);

/// How many first legs compute the same for two plans of `num_ops` ops, told by their kin. The last
/// leg is never among them.
std::size_t legs_alike(const std::vector<Leg>& legs, std::size_t num_ops, std::string_view a,
                       std::string_view b);

class Relay {
 public:
  Relay(std::shared_ptr<const Subject> subject, Weights& weights,
        std::int64_t block_elements = head_block);

  /// Told of each sample in turn: its index, itself, and its outcomes by rounding.
  using Take = std::function<void(std::size_t index, const model::Sample& sample,
                                  std::span<const execute::Outcome> outcomes)>;

  /// Runs a batch under several plans. What plans that are run next (`ahead`, as kin_of) begin with
  /// is kept where there is room. Bits are those of each plan's whole program. Losses need not be
  /// finite: see check_loss.
  void run(const Batch& batch, std::span<const Rounding> roundings, const lower::Maxima& maxima,
           std::span<const std::string_view> ahead, const Room& room, const Take& take);

  /// Frees everything that was kept.
  void release();

 private:
  /// What was handed on, by sample.
  using Values = std::vector<std::shared_ptr<const execute::Inputs>>;
  struct Runner;
  struct Pass;

  const Course& course(const Bucket& bucket);
  std::size_t bytes_handed_on(const Batch& batch);
  std::size_t end_of_part(const Batch& batch, std::size_t first, std::size_t at_once) const;
  graph::Graph rounded(const Leg& leg, const Rounding& rounding, const lower::Maxima& maxima);
  execute::Program program(const Leg& leg, const Rounding& rounding, const lower::Maxima& maxima);
  void start(Pass& pass, std::size_t first, std::size_t last);
  void keep_for(Pass& pass, std::span<const std::string_view> ahead);
  void hand_on(Pass& pass, std::size_t leg);
  Values through(const Pass& pass, std::size_t leg, const Runner& runner);
  void finish(Pass& pass);
  void run_head(Pass& pass, std::size_t sample);
  void keep(const Pass& pass, std::size_t sample, const execute::Outcome& outcome);
  execute::Inputs inputs_of(const execute::Program& program, const model::Sample& sample,
                            const std::shared_ptr<const execute::Inputs>& entering) const;

  std::shared_ptr<const Subject> subject_;
  Weights& weights_;
  std::int64_t block_elements_;
  ByBucket<Course> courses_;
  std::map<std::string, Values> kept_;                // by origin
  std::map<std::string, execute::Outcome> outcomes_;  // of all-high, by batch and sample
  std::size_t bytes_of_scores_ = 0;
};

/// Error(input) naming the sample ("evaluation sample 3") where its loss is not finite, with the
/// weight that is at fault, if one is.
void check_loss(const execute::Outcome& outcome, const Subject& subject, Weights& weights,
                const std::string& name);

}  // namespace gainsweep::pipeline
