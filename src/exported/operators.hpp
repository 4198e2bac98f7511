#pragma once

#include <string>
#include <vector>

namespace gainsweep::exported {

/// An operator of exported programs that graphs may have.
struct Operator {
  /// What a graph makes of a call.
  enum class Form {
    call,        ///< the same call
    identity,    ///< nothing: its first argument
    conversion,  ///< `aten::to.dtype`, or nothing where the type is the same in graphs
    nothing,     ///< nothing: it checks
    batch_norm,  ///< a part of the convolution before it, or `aten::batch_norm`
    attention,   ///< two products around a softmax
  };

  std::string name;                    ///< without the overload `default`: `aten::add.Tensor`
  std::vector<std::string> arguments;  ///< by the names of its schema, in its order
  Form form = Form::call;
  bool is_view = false;  ///< its result may share the first argument's memory
};

/// The known ones, by rising name; operators that work in place are not among them.
const std::vector<Operator>& operators();

/// That of a node's target. The twin that works on a copy for one that works in place (`add_`);
/// null for one that is not known.
const Operator* find_operator(const std::string& target);

/// Whether a target writes its result into its first argument.
bool works_in_place(const std::string& target);

}  // namespace gainsweep::exported
