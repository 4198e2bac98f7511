#include "exported/program.hpp"

#include <set>
#include <span>

#include "exported/in_place.hpp"
#include "exported/translation.hpp"
#include "target.hpp"
#include "unit/exported/archive.hpp"

namespace {

using namespace gainsweep;
using exported::Program;

/// The members of an input that is a text of "=== NAME" lines and contents, packed soundly, so that
/// mutations are not stopped by checksums.
std::string packed(std::string_view text) {
  constexpr std::string_view mark = "=== ";
  exported::Members members;
  while (text.starts_with(mark)) {
    text.remove_prefix(mark.size());
    const auto line = std::min(text.find('\n'), text.size());
    const auto end = std::min(text.find("\n=== ", line), text.size());
    members.emplace_back(text.substr(0, line),
                         line < end ? std::string(text.substr(line + 1, end - line - 1)) : "");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return exported::zip_of(members);
}

/// The same with checksums that fit, where the directory can be walked.
std::string repaired(std::string file) {
  for (std::size_t place = file.find("PK\1\2"); place < file.size() && place + 46 <= file.size();
       place = file.find("PK\1\2", place + 4)) {
    std::uint32_t size = 0, header = 0;
    std::memcpy(&size, file.data() + place + 24, sizeof size);
    std::memcpy(&header, file.data() + place + 42, sizeof header);
    if (std::uint64_t{header} + 30 > file.size()) continue;
    std::uint16_t name = 0, extra = 0;
    std::memcpy(&name, file.data() + header + 26, sizeof name);
    std::memcpy(&extra, file.data() + header + 28, sizeof extra);
    const std::uint64_t data = std::uint64_t{header} + 30 + name + extra;
    if (data + size > file.size()) continue;
    exported::put(file, place + 16, exported::crc_of(file.substr(data, size)));
  }
  return file;
}

void check_stored(const exported::StoredTensor& tensor, std::span<const std::byte> file) {
  const auto size = static_cast<std::int64_t>(model::size_of(tensor.type));
  std::int64_t last = tensor.offset, elements = 1;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    elements *= tensor.sizes[i];
    last += (tensor.sizes[i] - 1) * tensor.strides[i];
  }
  if (elements == 0) return;
  const auto* first = tensor.storage.data();
  if (first < file.data() || first + tensor.storage.size() > file.data() + file.size())
    fuzz::finding("a storage outside its file");
  if ((last + 1) * size > static_cast<std::int64_t>(tensor.storage.size()))
    fuzz::finding("a tensor outside its storage");
  if (reinterpret_cast<std::uintptr_t>(first) % static_cast<std::uintptr_t>(size) != 0)
    fuzz::finding("a storage that is not aligned");
}

void check(const Program& program, std::span<const std::byte> file) {
  for (const auto& [name, tensor] : program.tensors) check_stored(tensor, file);
  std::set<std::string> tensors;
  for (const auto& input : program.inputs) {
    tensors.insert(input.name);
    if (input.kind != exported::Input::Kind::user && !program.tensors.contains(input.stored))
      fuzz::finding("an input whose tensor is not stored");
  }
  for (const auto& node : program.nodes) {
    for (const auto& argument : node.arguments)
      if (const auto* tensor = std::get_if<exported::TensorName>(&argument.value))
        if (!tensors.contains(tensor->name)) fuzz::finding("a tensor that is read too early");
    for (const auto& result : node.results) {
      if (const auto* tensor = std::get_if<exported::TensorName>(&result))
        if (!tensors.insert(tensor->name).second) fuzz::finding("a tensor of two nodes");
      if (const auto* list = std::get_if<std::vector<exported::TensorName>>(&result))
        for (const auto& tensor : *list) tensors.insert(tensor.name);
      if (const auto* list = std::get_if<std::vector<std::optional<exported::TensorName>>>(&result))
        for (const auto& tensor : *list)
          if (tensor) tensors.insert(tensor->name);
    }
  }
  for (const auto& name : tensors)
    if (!program.values.contains(name)) fuzz::finding("a tensor of which nothing is known");
}

/// What is read is a sound graph, or refused as input.
void translate(const Program& program) {
  exported::Symbols symbols;
  for (const auto& [symbol, range] : program.ranges) symbols[symbol] = 3;
  const auto made = fuzz::accepted(ErrorKind::input, [&] {
    exported::check_in_place(program, "model.pt2");
    return exported::translate(program, symbols, "model.pt2");
  });
  if (!made) return;
  graph::validate(made->graph);
  graph::quantizable_ops(made->graph);
}

void read(const std::string& content) {
  const exported::Aligned file(content);
  const auto program =
      fuzz::accepted(ErrorKind::input, [&] { return exported::parse(file.bytes(), "model.pt2"); });
  if (!program) return;
  check(*program, file.bytes());
  translate(*program);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(bytes), size);
  if (input.starts_with("=== ")) {
    read(packed(input));
  } else {
    read(input);
    read(repaired(input));
  }
  return 0;
}
