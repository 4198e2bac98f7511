#include "archive/parts.hpp"

#include <algorithm>
#include <set>
#include <system_error>
#include <thread>
#include <tuple>

#include "archive/layout.hpp"
#include "archive/states.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "disk/replace.hpp"

namespace gainsweep::archive {
namespace {

constexpr std::size_t most_records = 64;
constexpr std::chrono::seconds longest_wait{20};

std::filesystem::path parts_folder(const std::filesystem::path& folder) {
  return folder / "parts";
}

bool is_temporary(const std::filesystem::path& path) {
  return path.filename().string().starts_with(disk::temporary_prefix);
}

std::vector<std::filesystem::path> entries(const std::filesystem::path& folder) {
  std::error_code code;
  std::vector<std::filesystem::path> paths;
  std::filesystem::directory_iterator entry(folder, code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    paths.push_back(entry->path());
  }
  if (code && code != std::errc::no_such_file_or_directory) {
    throw Error(ErrorKind::environment, folder.string() + " cannot be listed (" + code.message() +
                                            "). Check the folder's permissions.");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<Record> rows(const Contents& contents) {
  std::vector<Record> records;
  for (const Table& table : contents.tables) {
    const std::size_t num_units = value_count(field(table, names::unit_key).values);
    for (std::size_t unit = 0; unit < num_units; ++unit) records.push_back(row(table, unit));
  }
  return records;
}

/// The records of a part; false where the bytes are not those its name promises.
bool read_part(const std::filesystem::path& path, std::vector<Record>& records) {
  const std::vector<std::byte> bytes = disk::read_bytes(path);
  if (digest::of_bytes(bytes) != path.stem().string()) return false;
  try {
    records = rows(decode(bytes, part_kind));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::input) throw;
    return false;  // right bytes of another layout version
  }
  return true;
}

}  // namespace

PartWriter::PartWriter(std::filesystem::path folder, std::function<void()> check)
    : folder_(parts_folder(folder)),
      check_(std::move(check)),
      last_flush_(std::chrono::steady_clock::now()) {
  disk::make_folder(folder_);
}

void PartWriter::add(Record record) {
  buffer_.push_back(std::move(record));
  const bool due = std::chrono::steady_clock::now() - last_flush_ >= longest_wait;
  if (due || buffer_.size() >= most_records) flush();
}

void PartWriter::flush() {
  last_flush_ = std::chrono::steady_clock::now();
  if (buffer_.empty()) return;
  const std::vector<std::byte> bytes = encode({{}, {}, stack(buffer_)}, part_kind);
  const std::string name = digest::of_bytes(bytes) + ".h5";
  if (check_) check_();  // says more than that there is no such folder
  disk::NewFile part(folder_ / name, {bytes});
  if (check_) check_();
  part.commit();
  buffer_.clear();
  written_.push_back(name);
}

StoredRecords read_parts(const std::filesystem::path& folder) {
  StoredRecords stored;
  std::set<std::tuple<Nature, std::string, std::string>> known;
  for (const auto& path : entries(parts_folder(folder))) {
    if (is_temporary(path) || path.extension() != ".h5") continue;
    std::vector<Record> records;
    if (!read_part(path, records)) stored.damaged.push_back(path);
    for (Record& record : records) {
      if (!known.emplace(record.nature, record.table, record.key).second) continue;
      stored.records.push_back(std::move(record));
    }
  }
  return stored;
}

std::vector<Record> read_parts(const std::filesystem::path& folder,
                               const std::vector<std::string>& names,
                               std::chrono::milliseconds patience) {
  std::vector<Record> all;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (const auto& name : names) {
    const auto path = parts_folder(folder) / name;
    std::error_code ignored;
    while (!std::filesystem::exists(path, ignored)) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw Error(ErrorKind::environment,
                    path.string() +
                        " is not there, though another rank wrote it. Give an output "
                        "folder that all nodes share, and leave it alone meanwhile.");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    std::vector<Record> records;
    if (!read_part(path, records)) {
      throw Error(ErrorKind::environment, path.string() +
                                              " is damaged a moment after it was written. Check "
                                              "the disk, then run the same command again.");
    }
    for (Record& record : records) all.push_back(std::move(record));
  }
  return all;
}

void remove_leftovers(const std::filesystem::path& folder) {
  for (const auto& of : {folder, parts_folder(folder), states_folder(folder)}) {
    for (const auto& path : entries(of)) {
      std::error_code code;
      if (is_temporary(path)) std::filesystem::remove(path, code);
      if (code) {
        throw Error(ErrorKind::environment, path.string() + " cannot be removed (" +
                                                code.message() + "). Remove it by hand.");
      }
    }
  }
}

}  // namespace gainsweep::archive
