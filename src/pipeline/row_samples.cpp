#include "pipeline/row_samples.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <span>

#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "model/outputs.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::no_label, archive::Rows, archive::SampleRows;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::input, what);
}

/// Rows [first, last) of a file.
struct Range {
  std::size_t first = 0, last = 0;
  std::int64_t count() const { return static_cast<std::int64_t>(last - first); }
};

Range rows_of(const SampleRows& rows, std::size_t sample) {
  if (rows.offsets.empty()) return {sample, sample + 1};
  return {static_cast<std::size_t>(rows.offsets[sample]),
          static_cast<std::size_t>(rows.offsets[sample + 1])};
}

template <class T>
std::span<const T> cut(const std::vector<T>& values, const graph::Shape& row, const Range& range) {
  const auto size = static_cast<std::size_t>(graph::num_elements(row));
  return std::span(values).subspan(range.first * size, (range.last - range.first) * size);
}

model::Tensor tensor_of(const Rows& input, const Range& range) {
  graph::Shape shape = input.shape;
  shape.insert(shape.begin(), range.count());
  return std::visit(
      [&](const auto& values) {
        const auto own = cut(values, input.shape, range);
        return model::Tensor{shape, std::vector(own.begin(), own.end())};
      },
      input.values);
}

std::string digest_of_inputs(const SampleRows& rows, const Range& range) {
  digest::Builder builder;
  for (const auto& input : rows.inputs) {
    builder.add("input", input.name).add("rows", range.count());
    std::visit(
        [&](const auto& values) {
          builder.add("values", digest::of_bytes(std::as_bytes(cut(values, input.shape, range))));
        },
        input.values);
  }
  return builder.finish();
}

/// The labels of a sample, in the order of its targets.
std::vector<std::int64_t> labels_of(const SampleRows& rows, const exported::Loss& loss,
                                    std::size_t sample, const Range& range) {
  const auto& all = std::get<std::vector<std::int64_t>>(rows.labels->values);
  if (loss.of_groups) return {all[sample]};
  const auto own = cut(all, rows.labels->shape, range);
  return {own.begin(), own.end()};
}

/// Draws for the targets of a sample: they follow from its inputs alone.
std::vector<float> draws_for(const std::string& digest, std::int64_t count) {
  constexpr int base = 16;
  constexpr std::size_t digits = 16;  // of 64 bits
  std::mt19937_64 random(std::stoull(digest.substr(0, digits), nullptr, base));
  std::vector<float> draws;
  constexpr int unused = 40;
  for (std::int64_t i = 0; i < count; ++i)
    draws.push_back(static_cast<float>(random() >> unused) * 0x1p-24F);
  return draws;
}

/// Makes the samples of a file for one model and loss.
class Maker {
 public:
  Maker(std::shared_ptr<const SampleRows> rows, const exported::Loss& loss,
        const model::Model& model)
      : rows_(std::move(rows)), loss_(loss), model_(model) {
    check_labels_fit();
  }

  void add(Samples& samples, std::size_t sample) {
    const auto range = rows_of(*rows_, sample);
    const auto inputs = digest_of_inputs(*rows_, range);
    const auto count = graph::num_elements(shape_of_targets(range.count()));
    digest::Builder all;
    all.add("inputs", inputs).add("loss", loss_.name);
    Bucket bucket{.length = range.count()};
    auto counted = count;
    if (loss_.has_labels) {
      const auto labels = labels_of(*rows_, loss_, sample, range);
      check(labels, sample, count);
      counted -= std::count(labels.begin(), labels.end(), no_label);
      bucket.weighted = counted < count;
      all.add("labels", digest::of_bytes(std::as_bytes(std::span(labels))));
    }
    samples.set.digests.push_back(inputs);
    samples.ids.push_back({.tokens = all.finish()});
    samples.buckets.push_back(bucket);
    samples.targets.push_back(counted);
  }

  model::Sample load(std::size_t sample) {
    const auto range = rows_of(*rows_, sample);
    model::Sample made;
    for (const auto& input : rows_->inputs) made.inputs[input.name] = tensor_of(input, range);
    const auto shape = shape_of_targets(range.count());
    const auto count = graph::num_elements(shape);
    if (!loss_.has_labels) {
      made.inputs[model::draws_input] = {shape, draws_for(digest_of_inputs(*rows_, range), count)};
      return made;
    }
    auto labels = labels_of(*rows_, loss_, sample, range);
    if (std::find(labels.begin(), labels.end(), no_label) != labels.end())
      for (auto& label : labels) {
        made.weights.push_back(label == no_label ? 0 : 1);
        label = std::max<std::int64_t>(label, 0);
      }
    made.targets = {shape, std::move(labels)};
    return made;
  }

 private:
  void check_labels_fit() const {
    if (loss_.of_groups && rows_->offsets.empty())
      refuse("no groups of rows, which model.loss " + loss_.name +
             " is of. Give the file an `offset` (docs/sample_files.md).");
    if (!loss_.of_groups && !rows_->offsets.empty())
      refuse("groups of rows, of which model.loss " + loss_.name +
             " is not. Leave out the file's `offset`, or write candidates.");
    if (loss_.has_labels && !rows_->labels)
      refuse("no labels, which model.loss " + loss_.name +
             " needs. Give the file labels, or write divergence.");
  }

  void check(const std::vector<std::int64_t>& labels, std::size_t sample, std::int64_t count) {
    const auto name = "sample " + std::to_string(sample);
    if (static_cast<std::int64_t>(labels.size()) != count)
      refuse(name + " has " + std::to_string(labels.size()) + " labels, and the model gives " +
             std::to_string(count) + " predictions of it. Make the file for this model's outputs.");
    const auto rows = rows_of(*rows_, sample).count();
    const auto classes = loss_.of_groups ? rows - 1 : model_.input(model::targets_input)->bound;
    for (const auto label : labels) {
      if (label < classes) continue;  // readers have seen to those below 0
      refuse(name + " has the label " + std::to_string(label) + " (the model knows 0 to " +
             std::to_string(classes - 1) + "). Look at the file's labels.");
    }
  }

  /// Of samples of so many rows.
  graph::Shape shape_of_targets(std::int64_t rows) {
    const auto [place, added] = shapes_.try_emplace(rows);
    if (!added) return place->second;
    const auto graph =
        model_.build({.batch = 1, .length = rows, .outputs = {model::Output::mean_loss}});
    for (const auto id : graph.inputs) {
      const auto& value = graph.value(id);
      if (value.name == model::targets_input || value.name == model::draws_input)
        place->second = value.shape;
    }
    return place->second;
  }

  std::shared_ptr<const SampleRows> rows_;
  exported::Loss loss_;
  model::Model model_;
  std::map<std::int64_t, graph::Shape> shapes_;
};

}  // namespace

exported::RowShapes row_shapes(const SampleRows& rows) {
  exported::RowShapes shapes;
  for (const auto& input : rows.inputs) shapes[input.name] = input.shape;
  return shapes;
}

Samples gather(const std::shared_ptr<const SampleRows>& rows, const exported::Loss& loss,
               const model::Model& model, std::int64_t first, std::int64_t count) {
  if (rows->num_samples() < first + count)
    refuse(std::to_string(rows->num_samples()) + " samples where " + std::to_string(first + count) +
           " are needed. Give a file of more samples, or ask for fewer.");
  const auto maker = std::make_shared<Maker>(rows, loss, model);
  Samples samples;
  samples.are_rows = true;
  for (std::int64_t i = 0; i < count; ++i) maker->add(samples, static_cast<std::size_t>(first + i));
  samples.set.load = [maker, first](std::size_t sample) {
    return maker->load(static_cast<std::size_t>(first) + sample);
  };
  return samples;
}

}  // namespace gainsweep::pipeline
