#include "archive/samples.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "archive/foreign_data.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::archive {
namespace {

constexpr const char* make_it =
    "Make it with `python -m gainsweep_analysis samples`, or as docs/sample_files.md has it";

/// What is still left of the machine's memory for what files hold.
class Memory {
 public:
  void take(std::size_t count, std::size_t element_bytes) {
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, element_bytes, &bytes) || bytes > left_)
      refuse("its " + std::to_string(count) +
             " values take more memory than this machine has. Store fewer rows");
    left_ -= bytes;
  }

 private:
  std::size_t left_ = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(::sysconf(_SC_PAGE_SIZE));
};

enum class Stored { integers, booleans, reals };

bool is_boolean(const hdf5::Type& type) {
  return H5Tget_nmembers(type.id()) == 2 && H5Tget_member_index(type.id(), "FALSE") >= 0 &&
         H5Tget_member_index(type.id(), "TRUE") >= 0;
}

Stored stored_as(const hdf5::Type& type) {
  const H5T_class_t type_class = H5Tget_class(type.id());
  if (type_class == H5T_INTEGER) return Stored::integers;
  if (type_class == H5T_ENUM && is_boolean(type)) return Stored::booleans;
  if (type_class != H5T_FLOAT)
    refuse("it holds " + class_name(type_class) + ", neither integers nor reals nor booleans");
  if (H5Tget_size(type.id()) > sizeof(double))
    refuse("it holds reals of more than 8 bytes. Store them in 2, 4 or 8");
  return Stored::reals;
}

/// A dataset of rows whose values are not read yet.
struct Stack {
  hdf5::Dataset dataset;
  Stored stored;
  std::vector<std::int64_t> shape;  ///< of a row
  std::size_t num_rows = 0, row_size = 0;

  std::size_t count() const { return num_rows * row_size; }
  /// "[3, 0, 17]" of one of its values.
  std::string place(std::size_t value) const {
    std::vector<std::string> places;
    for (auto extent = shape.rbegin(); extent != shape.rend(); ++extent) {
      places.push_back(std::to_string(value % static_cast<std::size_t>(*extent)));
      value /= static_cast<std::size_t>(*extent);
    }
    places.push_back(std::to_string(value));
    std::reverse(places.begin(), places.end());
    return "[" + join(places) + "]";
  }
};

Stack open_stack(hid_t group, const std::string& name) {
  auto dataset = hdf5::open_dataset(group, name);
  const hdf5::Type type = hdf5::type_of(dataset);
  const Stored stored = stored_as(type);
  const auto extents = hdf5::shape_of(dataset);
  if (extents.empty()) refuse("it is a single value. Store rows, one for each sample");
  const std::size_t count = hdf5::count_stored(dataset, H5Tget_size(type.id()));
  if (count == 0) refuse("it holds no value. Store one row at least");
  return {std::move(dataset),
          stored,
          {extents.begin() + 1, extents.end()},
          extents[0],
          count / extents[0]};
}

Numbers read_integers(const Stack& stack, Memory& memory) {
  memory.take(stack.count(), sizeof(std::int64_t));
  Numbers integers(stack.count());
  hdf5::read(stack.dataset, hdf5::int64(), integers.data());
  if (stack.stored != Stored::booleans) return integers;
  const auto wrong =
      std::find_if(integers.begin(), integers.end(), [](auto value) { return value >> 1 != 0; });
  if (wrong != integers.end())
    refuse("value " + stack.place(static_cast<std::size_t>(wrong - integers.begin())) + " is " +
           std::to_string(*wrong) + ", no boolean. Store 0 or 1");
  return integers;
}

/// What makes reals of stored numbers: a scale and an offset for all, or for each channel.
struct Scaling {
  std::vector<double> scale{1}, offset{0};

  std::size_t num_channels() const { return std::max(scale.size(), offset.size()); }
  double apply(double stored, std::size_t channel) const {
    return stored * scale[scale.size() == 1 ? 0 : channel] +
           offset[offset.size() == 1 ? 0 : channel];
  }
};

std::vector<double> read_scaling(const Stack& stack, const std::string& name) {
  if (!hdf5::has_attribute(stack.dataset.id(), name))
    refuse("it has no attribute '" + name + "'. Store both 'scale' and 'offset', or neither");
  const auto num_channels =
      stack.shape.empty() ? std::size_t{1} : static_cast<std::size_t>(stack.shape[0]);
  auto numbers = hdf5::numbers(stack.dataset.id(), name, num_channels);
  if (numbers.size() != 1 && numbers.size() != num_channels)
    refuse("attribute '" + name + "' holds " + std::to_string(numbers.size()) +
           " numbers. Store one, or one for each of the " + std::to_string(num_channels) +
           " places of axis 1");
  for (const double number : numbers)
    if (!std::isfinite(number) || (name == "scale" && number == 0))
      refuse("attribute '" + name + "' has " + shortest(number) + ", which makes nothing of " +
             "values. Store a finite number" + (name == "scale" ? " other than 0" : ""));
  return numbers;
}

/// None: integers are indices, reals what they are.
std::optional<Scaling> scaling_of(const Stack& stack) {
  const auto has = [&](const char* name) { return hdf5::has_attribute(stack.dataset.id(), name); };
  if (!has("scale") && !has("offset")) return std::nullopt;
  if (stack.stored == Stored::reals)
    refuse(
        "it holds reals and has an attribute 'scale' or 'offset', which is for integers. "
        "Store the reals as the model takes them, without it");
  return Scaling{read_scaling(stack, "scale"), read_scaling(stack, "offset")};
}

float to_real(double value, const Stack& stack, std::size_t place) {
  if (!(std::abs(value) <= FLT_MAX))
    refuse("value " + stack.place(place) + " is " + shortest(value) +
           ", no finite number of fp32. Correct it, or leave the sample out");
  return static_cast<float>(value);
}

/// How many rows are read at a time: whole chunks, about as many values as a processor's cache has.
std::size_t rows_at_once(const Stack& stack) {
  constexpr std::size_t enough = std::size_t{1} << 16;
  const std::size_t chunk = std::min(hdf5::rows_of_chunk(stack.dataset), stack.num_rows);
  const std::size_t rows = (enough / stack.row_size / chunk + 1) * chunk;
  return std::min(rows, stack.num_rows);
}

std::vector<float> read_reals(const Stack& stack, const Scaling& scaling, Memory& memory) {
  memory.take(stack.count(), sizeof(float));
  const std::size_t at_once = rows_at_once(stack);
  memory.take(at_once * stack.row_size, sizeof(double));
  std::vector<float> reals;
  reals.reserve(stack.count());
  std::vector<double> stored(at_once * stack.row_size);
  const hdf5::Type type(hdf5::checked(H5Tcopy(H5T_NATIVE_DOUBLE), "H5Tcopy"));
  const std::size_t channel_size = stack.row_size / scaling.num_channels();
  for (std::size_t first = 0; first < stack.num_rows; first += at_once) {
    const std::size_t rows = std::min(at_once, stack.num_rows - first);
    hdf5::read_rows(stack.dataset, type, first, rows, stored.data());
    for (std::size_t i = 0; i < rows * stack.row_size;)
      for (std::size_t channel = 0; channel < scaling.num_channels(); ++channel)
        for (const std::size_t end = i + channel_size; i < end; ++i)
          reals.push_back(to_real(scaling.apply(stored[i], channel), stack, reals.size()));
  }
  return reals;
}

/// What `read` makes of a dataset; its errors name the dataset.
template <class Read>
auto named(const std::string& path, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw with_context(error, quote(path));
  }
}

Rows read_input(hid_t group, const hdf5::Link& link, Memory& memory) {
  return named("inputs/" + link.name, [&]() -> Rows {
    if (link.is_group) refuse("it is a group. Store a dataset for each input of the model");
    const Stack stack = open_stack(group, link.name);
    const auto scaling = scaling_of(stack);
    if (scaling || stack.stored == Stored::reals)
      return {link.name, stack.shape, read_reals(stack, scaling.value_or(Scaling{}), memory)};
    return {link.name, stack.shape, read_integers(stack, memory)};
  });
}

std::vector<Rows> read_inputs(hid_t root, const std::vector<hdf5::Link>& links, Memory& memory) {
  const auto* link = find(links, "inputs");
  if (link == nullptr || !link->is_group)
    refuse(std::string("it has no group 'inputs' with the inputs of the model. ") + make_it);
  const hdf5::Group group = hdf5::open_group(root, "inputs");
  auto inside = hdf5::links(group.id());
  if (inside.empty())
    refuse(
        std::string("its group 'inputs' is empty. Store a dataset for each input of the model. ") +
        make_it);
  std::sort(inside.begin(), inside.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  std::vector<Rows> inputs;
  for (const auto& input : inside) inputs.push_back(read_input(group.id(), input, memory));
  return inputs;
}

std::optional<Rows> read_labels(hid_t root, const std::vector<hdf5::Link>& links, Memory& memory) {
  const auto* link = find(links, "labels");
  if (link == nullptr) return std::nullopt;
  return named("labels", [&]() -> Rows {
    if (link->is_group) refuse("it is a group, not a dataset");
    const Stack stack = open_stack(root, "labels");
    if (stack.stored == Stored::reals) refuse("it holds reals. Store classes as integers");
    return {"labels", stack.shape, read_integers(stack, memory)};
  });
}

Numbers read_offsets(hid_t root, const std::vector<hdf5::Link>& links) {
  const auto* link = find(links, "offset");
  if (link == nullptr) return {};
  if (link->is_group) refuse("'offset' is a group, not a dataset");
  auto offsets = read_numbers(root, "offset", "offset", "places of rows",
                              "the first row of each sample, then the number of rows");
  if (offsets.size() < 2)
    refuse("'offset' has " + std::to_string(offsets.size()) +
           " entries. Store the first row of each sample, then the number of rows, or no offsets");
  return offsets;
}

void check_root(hid_t root, const std::vector<hdf5::Link>& links) {
  if (!hdf5::has_attribute(root, "kind"))
    refuse(std::string("it has no attribute 'kind', which is 'samples'. ") + make_it);
  if (const auto kind = hdf5::text(root, "kind"); kind != "samples")
    refuse("attribute 'kind' is " + quote(kind, 32) + ", not 'samples'. " + make_it);
  constexpr std::array known{"inputs", "labels", "offset"};
  for (const auto& link : links)
    if (std::find(known.begin(), known.end(), link.name) == known.end())
      refuse("it has " + quote(link.name) +
             ", and the names that mean something are inputs, labels, offset. Rename it or leave "
             "it out");
}

std::int64_t rows_in(const Rows& rows) {
  const auto count = std::visit([](const auto& values) { return values.size(); }, rows.values);
  return std::accumulate(rows.shape.begin(), rows.shape.end(), static_cast<std::int64_t>(count),
                         std::divides{});
}

void check_rows(const std::vector<Rows>& inputs) {
  const auto& first = inputs.front();
  for (const Rows& input : inputs) {
    if (rows_in(input) == rows_in(first)) continue;
    refuse(quote("inputs/" + input.name) + " has " + std::to_string(rows_in(input)) + " rows and " +
           quote("inputs/" + first.name) + " " + std::to_string(rows_in(first)) +
           ". Store as many of each input");
  }
}

[[noreturn]] void refuse_label(std::size_t place, std::int64_t label, const std::string& why) {
  refuse("'labels'[" + std::to_string(place) + "] is " + std::to_string(label) + why);
}

void check_candidates(const Numbers& labels, const Numbers& offsets) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto num_candidates = offsets[i + 1] - offsets[i] - 1;
    if (labels[i] < 0 || labels[i] >= num_candidates)
      refuse_label(i, labels[i],
                   ", and sample " + std::to_string(i) + " has " + std::to_string(num_candidates) +
                       " candidates. Store the place of the right one among them, from 0 on");
  }
}

void check_classes(const Numbers& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0) refuse_label(i, labels[i], ". Store classes of rows, from 0 on");
}

/// Of as many places a row as `length` says.
void check_classes(const Numbers& labels, std::size_t length) {
  for (std::size_t first = 0; first < labels.size(); first += length) {
    bool counts = false;
    for (std::size_t i = first; i < first + length; ++i) {
      counts = counts || labels[i] >= 0;
      if (labels[i] < 0 && labels[i] != no_label)
        refuse("'labels'[" + std::to_string(first / length) + ", " + std::to_string(i - first) +
               "] is " + std::to_string(labels[i]) +
               ". Store classes from 0 on, and -100 where there is none");
    }
    if (!counts)
      refuse("row " + std::to_string(first / length) +
             " of 'labels' has no label that counts. Leave such rows out");
  }
}

void check_labels(const SampleRows& samples) {
  const Rows& labels = *samples.labels;
  const auto& values = std::get<Numbers>(labels.values);
  const bool is_grouped = !samples.offsets.empty();
  const auto rank = labels.shape.size() + 1;
  if (rank > (is_grouped ? 1 : 2))
    refuse("'labels' has " + std::to_string(rank) + " dimensions. Store " +
           (is_grouped ? "one label a sample" : "one label a row, or one a place of each row"));
  if (rows_in(labels) != samples.num_samples())
    refuse("'labels' is of " + std::to_string(rows_in(labels)) +
           (is_grouped ? " samples" : " rows") + ", and there are " +
           std::to_string(samples.num_samples()) + ". Store labels of each");
  if (is_grouped)
    check_candidates(values, samples.offsets);
  else if (labels.shape.empty())
    check_classes(values);
  else
    check_classes(values, static_cast<std::size_t>(labels.shape[0]));
}

}  // namespace

std::int64_t SampleRows::num_rows() const {
  return inputs.empty() ? 0 : rows_in(inputs.front());
}

std::int64_t SampleRows::num_samples() const {
  return offsets.empty() ? num_rows() : static_cast<std::int64_t>(offsets.size()) - 1;
}

SampleRows decode_samples(std::span<const std::byte> bytes) {
  const hdf5::Session session;
  const hdf5::File file = open_foreign(bytes, make_it);
  const hdf5::Group root = hdf5::open_group(file.id(), "/");
  const auto links = hdf5::links(root.id());
  check_root(root.id(), links);
  Memory memory;
  SampleRows samples{read_inputs(root.id(), links, memory), read_offsets(root.id(), links),
                     read_labels(root.id(), links, memory)};
  check_rows(samples.inputs);
  if (!samples.offsets.empty())
    check_offsets(samples.offsets, static_cast<std::size_t>(samples.num_rows()),
                  {"offset", "rows", "a sample has a query and a candidate at least"});
  if (samples.labels) check_labels(samples);
  return samples;
}

}  // namespace gainsweep::archive
