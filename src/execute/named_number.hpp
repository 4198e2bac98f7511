#pragma once

#include <string>
#include <string_view>

#include "format/format.hpp"

namespace gainsweep::execute {

/// A number format as arguments of operators spell it. Error(config) for an unknown name.
inline format::NumberFormat named_number(std::string_view format, std::string_view scale_grid,
                                         double backoff = 1, std::string_view range = "max") {
  auto number = format::number_by_name(std::string(format));
  number.scale_grid = scale_grid;
  number.backoff = backoff;
  number.range = range;
  return number;
}

}  // namespace gainsweep::execute
