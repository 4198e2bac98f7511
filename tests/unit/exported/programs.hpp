#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exported/program.hpp"

/// Programs that tests write down.
namespace gainsweep::exported::programs {

inline Size fixed(std::int64_t size) {
  return {size, ""};
}

inline constexpr const char* batch = "Symbol('s0', positive=True, integer=True)";

/// Sizes; −1 stands for the batch.
inline TensorValue of(ElementType type, const std::vector<std::int64_t>& sizes) {
  TensorValue value{type, {}};
  for (const auto size : sizes) value.sizes.push_back(size < 0 ? Size{2, batch} : fixed(size));
  return value;
}

/// A program that grows node by node.
class Writer {
 public:
  Program program;

  Writer& user(const std::string& name, const std::vector<std::int64_t>& sizes,
               ElementType type = ElementType::fp32) {
    program.inputs.push_back({Input::Kind::user, name, ""});
    program.values[name] = of(type, sizes);
    return *this;
  }

  /// A parameter `p_NAME` whose stored tensor is `NAME`, ones.
  Writer& stored(const std::string& name, const std::vector<std::int64_t>& sizes,
                 ElementType type = ElementType::fp32) {
    program.inputs.push_back({Input::Kind::parameter, "p_" + name, name});
    program.values["p_" + name] = of(type, sizes);
    storages_.push_back(std::make_unique<std::vector<std::byte>>(4096));
    StoredTensor tensor{.type = type, .sizes = sizes, .strides = {}, .storage = *storages_.back()};
    std::int64_t stride = 1;
    tensor.strides.resize(sizes.size());
    for (std::size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) tensor.strides[i] = stride;
    program.tensors[name] = tensor;
    return *this;
  }

  Writer& node(const std::string& name, const std::string& target,
               std::vector<NamedArgument> arguments, const std::vector<std::int64_t>& sizes,
               const std::string& module = "", ElementType type = ElementType::fp32) {
    program.nodes.push_back({name, target, std::move(arguments), {TensorName{name}}, module});
    program.values[name] = of(type, sizes);
    return *this;
  }

  Writer& gives(const std::string& name) {
    program.outputs.push_back(TensorName{name});
    return *this;
  }

 private:
  std::vector<std::unique_ptr<std::vector<std::byte>>> storages_;
};

}  // namespace gainsweep::exported::programs
