#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "plan_file/tool_plan.hpp"

/// Files of plans: the format of each op of a model, as this program or anybody else wrote it
/// (docs/plan_files.md).
namespace gainsweep::plan_file {

/// A plan as its file has it; nothing is compared with a model yet.
struct PlanFile {
  std::filesystem::path path;
  std::string name;          ///< its `name`, or that of the file without the last ending
  std::string model_digest;  ///< empty where the file has none
  std::map<std::string, std::string> assignment;  ///< format by op, as the file calls it
  std::map<std::string, std::string> modules;  ///< the checkpoint's module, for some of these ops
  std::optional<ToolPlan> tool{};              ///< instead of both, of another tool's file
};

/// A plan, a quantization_config of compressed-tensors (alone or in a config.json) or a quant_cfg
/// of ModelOpt; YAML where the file's name ends so, else JSON. Error(input) naming file and key for
/// anything that is none of them, Error(config) with the line for what is no YAML.
PlanFile read(const std::filesystem::path& path);

}  // namespace gainsweep::plan_file
