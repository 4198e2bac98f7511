#pragma once

/// What `libgainsweep_cuda.so` does about CUDA graphs (src/cuda/graph.cpp), found by `dlsym`.
/// Errors are LibTorch's exceptions.
namespace gainsweep::execute {

extern "C" {

/// From now on the current stream collects what it is given; a side stream has to be current.
void* gainsweep_cuda_graph_begin();
/// What was collected can be run from now on.
void gainsweep_cuda_graph_end(void* graph);
/// Runs it on the current stream.
void gainsweep_cuda_graph_replay(void* graph);
void gainsweep_cuda_graph_free(void* graph);

}  // extern "C"

}  // namespace gainsweep::execute
