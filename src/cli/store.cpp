#include "cli/store.hpp"

#include <span>

#include "archive/archive.hpp"
#include "archive/sweep.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "parallel/agree.hpp"

namespace gainsweep::cli {
namespace {

constexpr const char* failures = "failures";

}  // namespace

Store::Store(const parallel::Comm& comm, std::filesystem::path folder, bool retry_failed)
    : comm_(comm),
      folder_(std::move(folder)),
      witness_(folder_),
      parts_(folder_, [this] { check_folder(); }) {
  auto stored = archive::read_parts(folder_);
  for (const auto& damaged : stored.damaged)
    if (comm_.is_root())
      log_line("gainsweep: " + damaged.string() + " is damaged; its units are done again");
  for (auto& record : stored.records)
    if (!(retry_failed && record.table == failures)) accept(std::move(record));
}

Store::~Store() {
  try {
    rescue(std::nullopt);
  } catch (const std::exception& error) {
    log_line(std::string("gainsweep: finished units are lost: ") + error.what());
  }
}

void Store::add(archive::Record record) {
  const std::lock_guard guard(writing_);
  parts_.add(record);
  results_.insert_or_assign(record.key, std::move(record));
}

void Store::accept(archive::Record record) {
  // A unit that failed in one run and succeeded in a later one has succeeded.
  if (record.table == failures)
    results_.try_emplace(record.key, std::move(record));
  else
    results_.insert_or_assign(record.key, std::move(record));
}

void Store::exchange() {
  parallel::together(comm_, [&] { rescue(std::nullopt); });
  if (comm_.size() == 1) return;
  const auto written = comm_.gather(announcement());
  parallel::together(comm_, [&] {
    for (std::size_t rank = 0; rank < written.size(); ++rank) {
      if (static_cast<int>(rank) == comm_.rank()) continue;
      const std::lock_guard guard(writing_);
      for (auto& record : archive::read_parts(folder_, split(written[rank], '\n')))
        accept(std::move(record));
    }
  });
}

// The parts that the others do not know of yet, a line each.
std::string Store::announcement() {
  const std::lock_guard guard(writing_);
  const auto fresh = std::span(parts_.written()).subspan(announced_);
  announced_ += fresh.size();
  return join(fresh, "\n");
}

void Store::rescue(std::optional<archive::Record> record) {
  const std::lock_guard guard(writing_);
  if (record) parts_.add(std::move(*record));
  parts_.flush();
}

pipeline::Results read_donor(const std::filesystem::path& archive) {
  pipeline::Results donor;
  for (auto& record : archive::unit_records(archive::read(archive)))
    if (record.table != failures) donor.insert_or_assign(record.key, std::move(record));
  return donor;
}

}  // namespace gainsweep::cli
