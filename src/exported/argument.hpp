#pragma once

#include "exported/located.hpp"
#include "exported/program.hpp"

namespace gainsweep::exported {

/// An element type by the schema's own number, which is not c10's.
ElementType read_type(const Located& number);

/// One of the schema's arguments, `{"as_ints": [1, 1]}`. Error(input) for kinds that are not read:
/// graphs of control flow, objects, operators, lists of lists, complex numbers, and for element
/// types that are none of model::ElementType.
Argument read_argument(const Located& argument);

/// `{"name": …}`.
TensorName read_tensor_name(const Located& tensor);

/// A size: `{"as_int": 3}`, or an expression with a hint.
Size read_size(const Located& size);

/// The same where only numbers will do, such as of parameters.
std::int64_t read_fixed_size(const Located& size);

}  // namespace gainsweep::exported
