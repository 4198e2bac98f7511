#include "job/store.hpp"

#include <span>

#include "archive/archive.hpp"
#include "archive/sweep.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "parallel/agree.hpp"

namespace gainsweep::job {
Store::Store(const parallel::Comm& comm, std::filesystem::path folder, bool retry_failed)
    : comm_(comm),
      folder_(std::move(folder)),
      witness_(folder_),
      parts_(folder_, [this] { check_folder(); }),
      states_(folder_) {
  auto stored = archive::read_parts(folder_);
  for (const auto& damaged : stored.damaged)
    if (comm_.is_root())
      log_line("gainsweep: " + damaged.string() + " is damaged; its units are done again",
               LogLevel::warning);
  for (auto& record : stored.records)
    if (!(retry_failed && (record.table == batch::failures || record.table == ended_units)))
      accept(std::move(record));
}

Store::~Store() {
  try {
    rescue(std::nullopt);
  } catch (const std::exception& error) {
    log_line(std::string("gainsweep: finished units are lost: ") + error.what(), LogLevel::error);
  }
}

void Store::add(archive::Record record) {
  const std::lock_guard guard(writing_);
  parts_.add(record);
  results_.add(std::move(record));
}

void Store::accept(archive::Record record) {
  if (record.table == ended_units)
    ended_.insert(record.key);
  else
    results_.add(std::move(record));
}

void Store::keep_state(const std::string& key, const batch::Fields& state) {
  const std::lock_guard guard(writing_);
  states_.keep(key, state);
}

batch::Fields Store::state(const std::string& key) {
  const std::lock_guard guard(writing_);
  return states_.read(key);
}

void Store::drop_state(const std::string& key) {
  const std::lock_guard guard(writing_);
  states_.drop(key);
}

void Store::note_end(const batch::Ticket& unit, const std::string& stage,
                     const std::string& reason) {
  auto record = batch::failure(unit, stage, reason);
  record.table = ended_units;
  rescue(std::move(record));
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

batch::Results read_donor(const std::filesystem::path& archive) {
  batch::Results donor;
  for (auto& record : archive::unit_records(archive::read(archive)))
    if (record.table != batch::failures) donor.add(std::move(record));
  return donor;
}

}  // namespace gainsweep::job
