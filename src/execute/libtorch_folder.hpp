#pragma once

#include <filesystem>

namespace gainsweep::execute {

/// Where the libraries of the LibTorch in use lie; its devices' libraries are looked for there.
std::filesystem::path libtorch_folder();

}  // namespace gainsweep::execute
