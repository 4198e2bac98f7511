#include <algorithm>
#include <string_view>

#include "model/decoder.hpp"
#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace gainsweep;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto reader =
      fuzz::accepted(ErrorKind::input, [&] { return model::reader_of(text, "config.json").name; });
  auto decoder = fuzz::accepted(ErrorKind::input, [&] {
    return model::parse_decoder(reader.value_or("llama"), text, "config.json");
  });
  if (!decoder) return 0;
  decoder->layers = std::min<std::int64_t>(decoder->layers, 2);  // more are alike and take time
  fuzz::accepted(ErrorKind::input, [&] {
    return model::build(*decoder, {.batch = 2,
                                   .length = std::min<std::int64_t>(decoder->longest, 8),
                                   .outputs = {model::Output::mean_loss}});
  });
  return 0;
}
