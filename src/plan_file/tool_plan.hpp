#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace gainsweep::plan_file {

/// The number formats of an op's operands, by name. Both are empty where the op stays high; that of
/// activations is where weights alone are low, that of weights where a product has none.
struct Numbers {
  std::string weight;
  std::string activation;
  bool operator==(const Numbers&) const = default;
};

/// A plan as another tool's file has it: by names of the checkpoint's modules, which its patterns
/// are resolved with. Both functions throw Error(input) naming the file for what no plan can say.
struct ToolPlan {
  std::function<Numbers(const std::string& module)> layer;
  /// Of a product of two activations: the module of its attention, and `qk` or `av`.
  std::function<Numbers(const std::string& attention, const std::string& product)> product;
  std::vector<std::string> lowered{};  ///< modules that it lowers by their whole names
};

/// A quantization_config of compressed-tensors. Error(input) naming file and key.
ToolPlan read_compressed_tensors(const nlohmann::json& config, const std::filesystem::path& file);

/// A quant_cfg of ModelOpt, the list of its quantizers. Error(input) naming file and key.
ToolPlan read_modelopt(const nlohmann::json& recipe, const std::filesystem::path& file);

}  // namespace gainsweep::plan_file
