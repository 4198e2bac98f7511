#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plan_file/tool_plan.hpp"

namespace gainsweep::plan_file {
namespace {

using nlohmann::json;

const std::vector<std::string> known_keys{"quantizer_name", "cfg", "enable"};
const std::vector<std::string> known_attributes{"num_bits", "axis", "type", "block_sizes",
                                                "enable"};

constexpr auto most_stars = 8;  // of a pattern

/// The quantizers of one product.
struct Pair {
  std::string product, left, right;
};
const std::array<Pair, 2> products{{{"qk", "q_bmm", "k_bmm"}, {"av", "p_bmm", "v_bmm"}}};

/// Elements of floating numbers by exponent and mantissa bits: a whole tensor's, in blocks of 32.
struct Element {
  int exponent_bits, mantissa_bits;
  std::string whole, block;
};
const std::array<Element, 5> elements{{{4, 3, "fp8_e4m3", "mxfp8_e4m3"},
                                       {5, 2, "fp8_e5m2", "mxfp8_e5m2"},
                                       {3, 2, "", "mxfp6_e3m2"},
                                       {2, 3, "", "mxfp6_e2m3"},
                                       {2, 1, "", "mxfp4"}}};

/// One of `quant_cfg`.
struct Entry {
  std::string key;  // for messages
  std::string pattern;
  std::optional<std::string> number;  // of its `cfg`
  bool is_on = true;
};

class Recipe {
 public:
  explicit Recipe(std::filesystem::path file) : file_(std::move(file)) {}

  [[noreturn]] void refuse(const std::string& what, const std::string& advice) const {
    throw Error(ErrorKind::input, file_.string() + ": " + what + ". " + advice + ".");
  }

  void read(const json& list) {
    if (!list.is_array())
      refuse("quant_cfg is no list (mappings, of older versions, have no order)",
             "Write a list of {quantizer_name, cfg, enable}");
    for (const auto& item : list) entries_.push_back(entry(item));
  }

  /// Of quantizers that are on and named as a whole: the modules of layers.
  std::vector<std::string> lowered() const {
    std::vector<std::string> found;
    for (const auto& each : entries_)
      for (const std::string end : {".weight_quantizer", ".input_quantizer"})
        if (each.is_on && each.pattern.ends_with(end) &&
            each.pattern.find_first_of("*?[") == std::string::npos)
          found.push_back(each.pattern.substr(0, each.pattern.size() - end.size()));
    return found;
  }

  Numbers layer(const std::string& module) const {
    if (!number(module + ".output_quantizer").empty())
      refuse("the quantizer " + module +
                 ".output_quantizer is on, and no plan rounds what ops "
                 "put out",
             "Turn it off");
    Numbers found{number(module + ".weight_quantizer"), number(module + ".input_quantizer")};
    if (found.weight.empty() && !found.activation.empty())
      refuse(module + " has its inputs rounded and its weight not, which no format does",
             "Turn its weight_quantizer on, or its input_quantizer off");
    return found;
  }

  Numbers product(const std::string& attention, const std::string& name) const {
    for (const auto& [product, left, right] : products) {
      if (product != name) continue;
      const auto of_left = number(attention + "." + left + "_quantizer");
      const auto of_right = number(attention + "." + right + "_quantizer");
      if (of_left != of_right)
        refuse(attention + ": its " + left + "_quantizer and its " + right +
                   "_quantizer round differently, and a plan has one format for the product",
               "Give both the same cfg, or turn both off");
      return {"", of_left};
    }
    return {};
  }

 private:
  Entry entry(const json& item) const {
    Entry found{"quant_cfg[" + std::to_string(entries_.size()) + "]", "", {}};
    if (!item.is_object()) refuse(found.key + " is no mapping", "Write quantizer_name and cfg");
    check_keys(item, known_keys, found.key);
    if (!item.contains("quantizer_name") || !item.at("quantizer_name").is_string())
      refuse(found.key + " has no quantizer_name", "Write a name or a pattern");
    found.pattern = item.at("quantizer_name").get<std::string>();
    if (std::count(found.pattern.begin(), found.pattern.end(), '*') > most_stars)
      refuse(found.key + " has " + quote(found.pattern) +
                 " (so many wildcards could take very long to match)",
             "Write the names of the quantizers");
    const bool has_cfg = item.contains("cfg") && !item.at("cfg").is_null();
    if (!has_cfg && !item.contains("enable"))
      refuse(found.key + " says nothing of its quantizers", "Write cfg or enable");
    if (has_cfg) found.number = number_format(item.at("cfg"), found.key + ".cfg");
    found.is_on = is_on(item, found.key) && (!has_cfg || is_on(item.at("cfg"), found.key));
    return found;
  }

  void check_keys(const json& object, const std::vector<std::string>& known,
                  const std::string& key) const {
    for (const auto& [name, value] : object.items())
      if (std::find(known.begin(), known.end(), name) == known.end())
        refuse(key + " has " + quote(name) + ", which is not read (there are " + join(known) + ")",
               "Remove it");
  }

  bool is_on(const json& object, const std::string& key) const {
    if (!object.contains("enable")) return true;
    if (!object.at("enable").is_boolean())
      refuse(key + ".enable is neither true nor false", "Write one of them");
    return object.at("enable").get<bool>();
  }

  std::string number_format(const json& cfg, const std::string& key) const {
    if (!cfg.is_object() || cfg.empty())
      refuse(key + " is no mapping (quantizers in sequence are no format of a plan)",
             "Write num_bits");
    check_keys(cfg, known_attributes, key);
    const auto name = number_of(cfg.value("num_bits", json()), cfg.value("block_sizes", json()));
    if (name.empty())
      refuse(key + " is no number format that plans have: " + quote(cfg.dump()),
             "docs/formats.md has those that there are");
    return name;
  }

  // Empty where there is none.
  static std::string number_of(const json& bits, const json& blocks) {
    const bool in_blocks = !blocks.is_null();
    if (in_blocks &&
        (!blocks.is_object() || !blocks.contains("-1") || !blocks.at("-1").is_number_integer()))
      return "";
    const auto size = in_blocks ? blocks.at("-1").get<int>() : 0;
    if (bits.is_number_integer()) {
      const auto count = std::to_string(bits.get<int>());
      return in_blocks ? "int" + count + "_g" + std::to_string(size) : (count == "8" ? "int8" : "");
    }
    if (!bits.is_array() || bits.size() != 2) return "";
    for (const auto& [exponent, mantissa, whole, block] : elements) {
      if (bits != json{exponent, mantissa}) continue;
      if (!in_blocks) return whole;
      const auto scale = blocks.value("scale_bits", json());
      if (size == 32 && scale == json{8, 0}) return block;
      return size == 16 && scale == json{4, 3} && block == "mxfp4" ? "nvfp4" : "";
    }
    return "";
  }

  // Of one quantizer by its whole name, as the entries decide in their order; empty where it is
  // off.
  std::string number(const std::string& quantizer) const {
    std::optional<bool> is_on;
    std::string number;
    for (const auto& each : entries_) {
      if (fnmatch(each.pattern.c_str(), quantizer.c_str(), 0) != 0) continue;
      is_on = each.is_on;
      if (each.number) number = *each.number;
    }
    if (!is_on)
      refuse("no entry of quant_cfg says whether the quantizer " + quantizer + " is on",
             "Begin the list with {quantizer_name: '*', enable: false}");
    if (*is_on && number.empty())
      refuse("the quantizer " + quantizer + " is on and has no cfg", "Write its num_bits");
    return *is_on ? number : "";
  }

  std::filesystem::path file_;
  std::vector<Entry> entries_;
};

}  // namespace

ToolPlan read_modelopt(const json& recipe, const std::filesystem::path& file) {
  const auto read = std::make_shared<Recipe>(file);
  read->read(recipe.at("quant_cfg"));
  return {
      [read](const auto& module) { return read->layer(module); },
      [read](const auto& attention, const auto& name) { return read->product(attention, name); },
      read->lowered()};
}

}  // namespace gainsweep::plan_file
