#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "format/format.hpp"

/// What a run takes on a device that is known by its published figures alone.
namespace gainsweep::roofline {

/// What becomes of the passes between matrix products: element-wise operators and casts. Devices
/// lie between the two.
enum class Fusion {
  graph,  ///< they ride along with a neighbour: arithmetic alone
  none,   ///< each is a kernel of its own: through memory, and launched
};

constexpr auto words(Fusion) {
  return std::to_array<Word<Fusion>>({{Fusion::graph, "graph"}, {Fusion::none, "none"}});
}

/// A rate of arithmetic, multiply-accumulates counted as two.
struct Rate {
  double published = 0;  ///< operations a second, dense
  double reached = 1;    ///< share of it that a large matrix product was measured to reach
};

/// Memory or a cache.
struct Store {
  double bandwidth = 0;  ///< bytes a second that are reached
  double bytes = 0;      ///< of a cache
};

/// Rows and columns of a product that the device computes at once.
struct Tile {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
};

/// A device.
struct Description {
  std::string device;
  std::map<std::string, Rate> rates;           ///< by type of numbers: bf16, fp8, int8, fp32
  std::map<std::string, std::string> formats;  ///< types whose rates low formats run at
  Store memory;
  std::optional<Store> cache;
  double vector_rate = 0;  ///< element-wise operations a second
  Tile tile;
  std::map<Fusion, double> launch;     ///< seconds to start a kernel
  std::map<Fusion, double> weight;     ///< of each fusion in the value that stands for both
  std::vector<std::string> assumed{};  ///< keys whose values nobody published
  std::vector<std::string> sources{};
  std::string text{};  ///< as it was read
};

/// Reads a description strictly: Error(config) with all that is wrong, by file, line and key.
Description read(const std::filesystem::path& path);
Description parse(const std::string& text, const std::string& name);

/// The rate of products in a format: of the type that the description gives it, or that has its
/// name. Null where there is none.
const Rate* rate_of(const Description& description, const format::Format& format);

}  // namespace gainsweep::roofline
