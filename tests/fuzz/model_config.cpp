#include <algorithm>
#include <string_view>

#include "model/llama.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace gainsweep;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  auto config =
      fuzz::accepted(ErrorKind::input, [&] { return model::parse_config(text, "config.json"); });
  if (!config) return 0;
  config->layers = std::min<std::int64_t>(config->layers, 2);  // more are alike and take time
  fuzz::accepted(ErrorKind::input, [&] {
    return model::build(*config,
                        {.batch = 2, .length = std::min<std::int64_t>(config->longest, 8)});
  });
  return 0;
}
