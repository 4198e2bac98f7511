#include "model/safetensors.hpp"

#include <span>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace gainsweep;
  const auto file = std::as_bytes(std::span(bytes, size));
  const auto tensors = fuzz::accepted(
      ErrorKind::input, [&] { return model::parse_safetensors(file, "model.safetensors"); });
  if (!tensors) return 0;
  std::size_t covered = 0;
  for (const auto& [name, tensor] : *tensors) {
    std::size_t needed = model::size_of(tensor.type);
    for (const auto dimension : tensor.shape) needed *= static_cast<std::size_t>(dimension);
    if (tensor.bytes.size() != needed) fuzz::finding("a tensor of another size than its shape's");
    if (tensor.bytes.data() < file.data() ||
        tensor.bytes.data() + tensor.bytes.size() > file.data() + file.size()) {
      fuzz::finding("a tensor outside its file");
    }
    covered += needed;
  }
  if (covered > size) fuzz::finding("tensors that overlap");
  return 0;
}
