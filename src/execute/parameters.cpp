#include <ATen/ops/from_blob.h>

#include "base/error.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

at::ScalarType to_scalar_type(model::ElementType type) {
  using model::ElementType;
  switch (type) {
    case ElementType::bf16:
      return at::kBFloat16;
    case ElementType::fp16:
      return at::kHalf;
    case ElementType::fp32:
      return at::kFloat;
    case ElementType::fp64:
      return at::kDouble;
    case ElementType::int64:
      return at::kLong;
    case ElementType::int32:
      return at::kInt;
    case ElementType::int16:
      return at::kShort;
    case ElementType::int8:
      return at::kChar;
    case ElementType::uint8:
      return at::kByte;
    case ElementType::boolean:
      return at::kBool;
    case ElementType::other:
      break;
  }
  throw Error(ErrorKind::internal, "unknown checkpoint element type");
}

/// Bytes of a tensor's memory; a backend's packed weight, which hides its own, counts as dense.
std::size_t bytes_of(const at::Tensor& tensor) {
  return tensor.has_storage() ? tensor.storage().nbytes()
                              : static_cast<std::size_t>(tensor.numel()) * tensor.element_size();
}

}  // namespace

at::Tensor over_file(const model::MappedTensor& mapped) {
  auto* data = const_cast<std::byte*>(mapped.bytes.data());  // no operator of a graph writes
  const at::TensorOptions options(to_scalar_type(mapped.type));
  if (mapped.strides.empty()) return at::from_blob(data, mapped.shape, options);
  return at::from_blob(data, mapped.shape, mapped.strides, options);
}

at::ScalarType to_scalar_type(Precision precision) {
  switch (precision) {
    case Precision::fp32:
      return at::kFloat;
    case Precision::bf16:
      return at::kBFloat16;
    case Precision::fp64:
      return at::kDouble;
  }
  throw Error(ErrorKind::internal, "unknown precision");
}

at::ScalarType to_scalar_type(graph::ElementType type, at::ScalarType real) {
  using graph::ElementType;
  switch (type) {
    case ElementType::real:
      return real;
    case ElementType::fp32:
      return at::kFloat;
    case ElementType::index:
      return at::kLong;
    case ElementType::int32:
      return at::kInt;
    case ElementType::boolean:
      return at::kBool;
    case ElementType::byte:
      return at::kByte;
    case ElementType::fp8_e4m3:
      return at::kFloat8_e4m3fn;
    case ElementType::fp8_e5m2:
      return at::kFloat8_e5m2;
    case ElementType::opaque:
      break;
  }
  throw Error(ErrorKind::internal, "a prepacked weight has no element type of its own");
}

at::Tensor Parameters::State::load(const std::string& name) {
  const auto stored = load_as_stored(name);
  return stored.is_floating_point() ? stored.to(real) : stored;
}

at::Tensor Parameters::State::load_as_stored(const std::string& name) {
  const auto file = over_file(checkpoint->tensor(checkpoint_name(name)));
  mapped_storages.insert(file.storage().data());
  return file.to(place);
}

Shared Parameters::State::share(const std::string& key,
                                const std::function<std::vector<at::Tensor>()>& make) {
  if (const auto known = shared.find(key); known != shared.end()) return known->second;
  auto made = std::make_shared<const std::vector<at::Tensor>>(make());
  order.push_back(key);
  return shared.emplace(key, std::move(made)).first->second;
}

Parameters::Parameters(const model::Model& model, const Device& device, Precision precision)
    : state_(std::make_unique<State>()) {
  state_->checkpoint = model.parameters;
  state_->checkpoint_name = model.checkpoint_name;
  state_->device = &device;
  state_->place = to_place(device);
  state_->real = to_scalar_type(precision);
}

Parameters::Parameters(Parameters&&) noexcept = default;
Parameters::~Parameters() = default;

std::size_t Parameters::bytes_owned() const {
  std::unordered_set<const void*> counted;
  std::size_t bytes = 0;
  for (const auto& [key, tensors] : state_->shared) {
    for (const auto& tensor : *tensors) {
      const void* memory = tensor.has_storage()
                               ? tensor.storage().data()
                               : static_cast<const void*>(tensor.unsafeGetTensorImpl());
      if (state_->mapped_storages.contains(memory) || !counted.insert(memory).second) continue;
      bytes += bytes_of(tensor);
    }
  }
  return bytes;
}

void Parameters::release_unused(std::size_t most_bytes) {
  auto& shared = state_->shared;
  auto& order = state_->order;
  for (std::size_t i = order.size(); i-- > 0;) {
    if (most_bytes > 0 && bytes_owned() <= most_bytes) return;
    const auto entry = shared.find(order[i]);
    if (entry->second.use_count() > 1) continue;
    shared.erase(entry);
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace gainsweep::execute
