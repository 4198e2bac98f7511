#pragma once

#include <filesystem>
#include <string>

namespace gainsweep::exported {

inline constexpr const char* save_again =
    "The file is damaged or was written by another tool; save it again with torch.export.save";
inline constexpr const char* export_again =
    "Export the model again with `python -m gainsweep_analysis export-model` "
    "(docs/exported_models.md)";

/// Error(input): "FILE: WHAT. ADVICE."
[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what,
                         const std::string& advice = save_again);

}  // namespace gainsweep::exported
