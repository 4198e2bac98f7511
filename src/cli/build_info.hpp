#pragma once

namespace gainsweep::cli {

/// "0.1.0"
extern const char* const program_version;
/// Commit the program was built from, "-dirty" when the tree had changes.
extern const char* const program_commit;

}  // namespace gainsweep::cli
