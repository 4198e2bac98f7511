#include "batch/results.hpp"

#include "archive/field.hpp"
#include "batch/unit.hpp"

namespace gainsweep::batch {
namespace {

std::string group_of(const archive::Record& record) {
  return record.table.substr(0, record.table.find('/'));
}

}  // namespace

void Results::add(archive::Record record) {
  const auto known = records_.find(record.key);
  if (known != records_.end() && record.table == failures) return;
  ++stamps_[group_of(record)];
  if (known != records_.end() && known->second.table == failures) ++stamps_[failures];
  auto key = record.key;
  records_.insert_or_assign(std::move(key), std::move(record));
}

void Results::forget(const std::string& key) {
  const auto known = records_.find(key);
  if (known == records_.end()) return;
  ++stamps_[group_of(known->second)];
  records_.erase(known);
}

const archive::Record* Results::find(const std::string& key) const {
  const auto found = records_.find(key);
  return found == records_.end() || found->second.table == failures ? nullptr : &found->second;
}

std::optional<std::string> Results::failure(const std::string& key) const {
  const auto found = records_.find(key);
  if (found == records_.end() || found->second.table != failures) return std::nullopt;
  return archive::texts(found->second.fields, "reason").at(0);
}

std::uint64_t Results::stamp(const std::string& group) const {
  const auto found = stamps_.find(group);
  return found == stamps_.end() ? 0 : found->second;
}

}  // namespace gainsweep::batch
