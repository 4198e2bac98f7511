#pragma once

#include <filesystem>

#include "roofline/description.hpp"

namespace gainsweep::roofline::testing {

/// A description that the project ships.
inline Description shipped(const std::string& device) {
  return read(std::filesystem::path(GAINSWEEP_SOURCE_DIR) / "configs/devices" / (device + ".yaml"));
}

/// bf16, int8 and the two fp8 formats.
inline std::vector<format::Format> formats() {
  return {format::by_name("bf16"), format::by_name("int8"), format::by_name("fp8_e4m3"),
          format::by_name("fp8_e4m3_gaudi2")};
}

}  // namespace gainsweep::roofline::testing
