#include "model/shard_index.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {

WeightMap parse_index(std::string_view text, const std::filesystem::path& file) {
  const auto refuse = [&file](const std::string& what) {
    throw Error(ErrorKind::input, file.string() + ": " + what +
                                      ". Fetch the checkpoint again or save it with transformers.");
  };
  const auto index = parse_json(text, file);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    refuse("no weight_map (an index maps tensor names to shard files)");
  }
  WeightMap weight_map;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string()) refuse("the shard of tensor " + quote(tensor) + " is not a text");
    const auto& name = shard.get_ref<const std::string&>();
    // A shard lies in the folder itself: an index must not reach other files of the machine.
    if (std::filesystem::path(name).filename() != name || name == "." || name == ".." ||
        name.empty() || name.find('\0') != std::string::npos) {
      refuse("the shard " + quote(name) + " of tensor " + quote(tensor) + " is not a file name");
    }
    weight_map.emplace(tensor, name);
  }
  if (weight_map.empty()) refuse("weight_map is empty");
  return weight_map;
}

}  // namespace gainsweep::model
