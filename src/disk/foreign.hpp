#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/table.hpp"

namespace gainsweep::disk {

/// A kind of content that lies under the names of other files: pointers, error pages, archives.
struct ForeignKind {
  std::string name;    ///< with its article
  std::string advice;  ///< what to do about it, without a full stop
  std::function<bool(std::span<const std::byte>)> matches;  ///< by the first bytes
};

/// The known kinds.
Table<ForeignKind>& foreign_kinds();

/// "NAME, not WANTED. ADVICE" for bytes of a known kind, empty for others. Some formats begin like
/// a sound file of another: to be asked once the bytes were found wrong.
std::string foreign_content(std::span<const std::byte> bytes, const std::string& wanted);

}  // namespace gainsweep::disk
