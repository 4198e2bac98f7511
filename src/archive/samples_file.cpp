#include "archive/samples_file.hpp"

#include <type_traits>
#include <utility>

#include "base/text.hpp"

namespace gainsweep::archive {
namespace {

constexpr char end_of_name = '/';  // no name in an HDF5 file has it

/// Moves values behind others; the first ones are not copied.
template <class Number>
void append(std::vector<Number>& all, std::vector<Number>&& values) {
  if (all.empty()) {
    all = std::move(values);
  } else {
    all.insert(all.end(), values.begin(), values.end());
  }
}

void append_shape(Numbers& layout, const std::vector<std::int64_t>& shape) {
  layout.push_back(static_cast<std::int64_t>(shape.size()));
  layout.insert(layout.end(), shape.begin(), shape.end());
}

/// Gives what `to_decoded` put one after the other, from its beginning on.
template <class Number>
class Source {
 public:
  explicit Source(std::vector<Number>& values) : values_(values) {}

  Number one() { return some(1).front(); }

  std::vector<Number> some(std::int64_t count) {
    const auto wanted = static_cast<std::size_t>(count);
    if (wanted > values_.size() - next_) refuse("it is damaged. Copy it again or write it anew");
    if (next_ == 0 && wanted == values_.size()) return std::exchange(values_, {});
    const auto first = values_.begin() + static_cast<std::ptrdiff_t>(next_);
    next_ += wanted;
    return {first, first + count};
  }

 private:
  std::vector<Number>& values_;
  std::size_t next_ = 0;
};

}  // namespace

/// Arrays: how values are divided, indices, offsets, labels. Texts: the inputs' names.
Decoded to_decoded(SampleRows samples) {
  Numbers layout;
  Numbers indices;
  std::string names;
  std::vector<float> reals;
  for (auto& input : samples.inputs) {
    names += input.name + end_of_name;
    append_shape(layout, input.shape);
    std::visit(
        [&](auto& values) {
          using Values = std::decay_t<decltype(values)>;
          constexpr bool is_real = std::is_same_v<Values, std::vector<float>>;
          layout.push_back(is_real ? 1 : 0);
          layout.push_back(static_cast<std::int64_t>(values.size()));
          if constexpr (is_real)
            append(reals, std::move(values));
          else
            append(indices, std::move(values));
        },
        input.values);
  }
  Numbers labels;
  if (samples.labels) {
    append_shape(layout, samples.labels->shape);
    labels = std::get<Numbers>(std::move(samples.labels->values));
  }
  return {{std::move(layout), std::move(indices), std::move(samples.offsets), std::move(labels)},
          {std::move(names)},
          {std::move(reals)}};
}

SampleRows to_samples(Decoded decoded) {
  Source layout(decoded.arrays.at(0));
  Source indices(decoded.arrays.at(1));
  Source reals(decoded.reals.at(0));
  SampleRows samples;
  for (auto& name : split(decoded.texts.at(0), end_of_name)) {
    Rows input{std::move(name), layout.some(layout.one()), {}};
    const bool is_real = layout.one() != 0;
    const auto count = layout.one();
    if (is_real)
      input.values = reals.some(count);
    else
      input.values = indices.some(count);
    samples.inputs.push_back(std::move(input));
  }
  samples.offsets = std::move(decoded.arrays.at(2));
  auto& labels = decoded.arrays.at(3);
  if (!labels.empty())
    samples.labels = Rows{"labels", layout.some(layout.one()), std::move(labels)};
  return samples;
}

}  // namespace gainsweep::archive
