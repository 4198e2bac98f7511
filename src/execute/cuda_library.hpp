#pragma once

#include <filesystem>
#include <string>

/// LibTorch's CUDA library, opened by processes that need it: nothing of it is linked.
namespace gainsweep::execute {

/// What is not there of LibTorch's CUDA library in the folder of the LibTorch in use; empty where
/// there is one to open.
std::string missing_cuda_library(const std::filesystem::path& folder);

/// Opens that library, then the project's own (`libgainsweep_cuda.so`) where it is installed. May
/// be called again. Error(environment) for what cannot be opened, for a library without a guard or
/// hooks, and where no card is visible.
void open_cuda_library(const std::filesystem::path& folder);

/// Whether the project's own library is open: kernels that are built with a CUDA toolkit.
bool cuda_extension();

}  // namespace gainsweep::execute
