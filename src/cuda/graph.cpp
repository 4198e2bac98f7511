// CUDA graphs of LibTorch's own, which are reached by CUDA's headers alone, behind C functions that
// the program looks up.

#include <ATen/cuda/CUDAGraph.h>

#include <memory>

#include "execute/cuda_graph_calls.hpp"

namespace gainsweep::cuda {
namespace {

at::cuda::CUDAGraph& to_graph(void* made) {
  return *static_cast<at::cuda::CUDAGraph*>(made);
}

}  // namespace
}  // namespace gainsweep::cuda

namespace gainsweep::execute {

extern "C" {

void* gainsweep_cuda_graph_begin() {
  auto made = std::make_unique<at::cuda::CUDAGraph>();
  made->capture_begin();
  return made.release();
}

void gainsweep_cuda_graph_end(void* graph) {
  cuda::to_graph(graph).capture_end();
}

void gainsweep_cuda_graph_replay(void* graph) {
  cuda::to_graph(graph).replay();
}

void gainsweep_cuda_graph_free(void* graph) {
  delete &cuda::to_graph(graph);
}

}  // extern "C"

}  // namespace gainsweep::execute
