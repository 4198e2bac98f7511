#include "exported/in_place.hpp"

#include <map>
#include <set>

#include "base/text.hpp"
#include "exported/operators.hpp"
#include "exported/reads.hpp"
#include "exported/refusal.hpp"

namespace gainsweep::exported {
namespace {

/// Follows which tensors share memory, node by node.
class Memory {
 public:
  explicit Memory(const Program& program) {
    for (const auto& input : program.inputs) {
      owner_[input.name] = input.name;
      given_.insert(input.name);
    }
  }

  /// Why a node must not be read as one that works on a copy; empty where it may.
  std::string obstacle(const Node& node) const {
    const auto read = tensors_read(node);
    for (const auto& name : read) {
      const auto overwritten = overwritten_.find(owner_.at(name));
      if (overwritten != overwritten_.end())
        return "reads " + quote(name) + ", which node " + quote(overwritten->second) +
               " has overwritten";
    }
    if (works_in_place(node.target) && !read.empty() && given_.contains(owner_.at(read.front())))
      return "writes into a view of " + quote(owner_.at(read.front())) +
             ", which is an input, a weight or a buffer of the model";
    return "";
  }

  void follow(const Node& node) {
    const auto read = tensors_read(node);
    const auto* known = find_operator(node.target);
    const bool in_place = works_in_place(node.target);
    const bool shares = known != nullptr && known->is_view && !in_place && !read.empty();
    if (in_place && !read.empty()) overwritten_[owner_.at(read.front())] = node.name;
    for (const auto& name : tensors_given(node))
      owner_[name] = shares ? owner_.at(read.front()) : name;
  }

 private:
  std::map<std::string, std::string> owner_;        ///< by tensor, the one whose memory it has
  std::map<std::string, std::string> overwritten_;  ///< by owner, the node that did it
  std::set<std::string> given_;
};

}  // namespace

void check_in_place(const Program& program, const std::filesystem::path& file) {
  constexpr const char* advice =
      "Export it with run_decompositions({}) (export-model --functional), which works on copies";
  Memory memory(program);
  for (const auto& node : program.nodes) {
    const auto obstacle = memory.obstacle(node);
    if (!obstacle.empty()) refuse(file, described(node) + " " + obstacle, advice);
    memory.follow(node);
  }
  Node outputs{.name = "output", .target = "output", .arguments = {}, .results = {}, .module = {}};
  for (const auto& output : program.outputs) outputs.arguments.push_back({"", output});
  const auto obstacle = memory.obstacle(outputs);
  if (!obstacle.empty()) refuse(file, "the output " + obstacle, advice);
}

}  // namespace gainsweep::exported
