#include "disk/mapped_file.hpp"
#include "model/families.hpp"
#include "model/model.hpp"

namespace gainsweep::model {
namespace {

Reader reader_of_decoders(const std::string& family) {
  return {family, [family](const std::filesystem::path& folder,
                           std::shared_ptr<const Checkpoint> checkpoint) {
            const auto file = folder / "config.json";
            const auto config = disk::MappedFile::open(file);
            return open(parse_decoder(family, config.text(), file), std::move(checkpoint));
          }};
}

}  // namespace

Table<Reader>& readers() {
  static Table<Reader> table = [] {
    Table<Reader> rows{};
    for (const auto& family : families()) rows.add(reader_of_decoders(family.name));
    return rows;
  }();
  return table;
}

}  // namespace gainsweep::model
