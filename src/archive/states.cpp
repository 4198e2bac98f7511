#include "archive/states.hpp"

#include <system_error>

#include "archive/layout.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "disk/replace.hpp"

namespace gainsweep::archive {
namespace {

constexpr const char* table_name = "state";

}  // namespace

std::filesystem::path states_folder(const std::filesystem::path& folder) {
  return folder / "states";
}

States::States(std::filesystem::path folder) : folder_(states_folder(folder)) {}

void States::keep(const std::string& key, const std::vector<Field>& state) {
  disk::make_folder(folder_);
  const auto bytes = encode(
      {{}, {}, {{table_name, "State of a chain of units", Nature::measured, state}}}, part_kind);
  const auto path = folder_ / (key + "-" + digest::of_bytes(bytes) + ".h5");
  disk::NewFile(path, {bytes}).commit();
  for (const auto& other : files(key)) {
    std::error_code ignored;
    if (other != path) std::filesystem::remove(other, ignored);
  }
}

bool States::has(const std::string& key) const {
  return !files(key).empty();
}

std::vector<Field> States::read(const std::string& key) const {
  const auto found = files(key);
  if (found.empty())
    throw Error(ErrorKind::environment,
                folder_.string() + ": the state of unit " + key +
                    " is not there (the next unit of its chain goes on from it). Run the same "
                    "command again: what it takes is done again.");
  const auto& path = found.front();
  const auto bytes = disk::read_bytes(path);
  if (path.stem().string() != key + "-" + digest::of_bytes(bytes))
    throw Error(ErrorKind::environment, path.string() +
                                            " is damaged. Remove it and run the same command "
                                            "again: what it takes is done again.");
  return std::move(decode(bytes, part_kind).tables.at(0).fields);
}

void States::drop(const std::string& key) {
  for (const auto& path : files(key)) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
}

std::vector<std::filesystem::path> States::files(const std::string& key) const {
  std::vector<std::filesystem::path> found;
  std::error_code code;
  for (std::filesystem::directory_iterator entry(folder_, code), end; !code && entry != end;
       entry.increment(code))
    if (entry->path().filename().string().starts_with(key + "-")) found.push_back(entry->path());
  return found;
}

}  // namespace gainsweep::archive
