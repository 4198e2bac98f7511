#include "execute/cuda_graph.hpp"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <memory>
#include <optional>

#if __has_include(<ATen/core/GraphImplInterface.h>)
#include <ATen/core/GraphImplInterface.h>
#endif

#include "execute/cuda_graph_calls.hpp"

namespace gainsweep::execute {
namespace {

constexpr int warm_up_runs = 3;

/// A graph that is being made, whoever makes it.
struct Graph {
  std::function<void()> end;
  std::function<void()> replay;
};

/// LibTorch's own, in versions that have the registry.
std::optional<Graph> begin_registered() {
#if __has_include(<ATen/core/GraphImplInterface.h>)
  if (!at::has_graph_impl(at::kCUDA)) return std::nullopt;
  const std::shared_ptr<at::GraphImplInterface> graph = at::create_graph_impl(at::kCUDA);
  graph->capture_begin();
  return Graph{[graph] { graph->capture_end(); }, [graph] { graph->replay(); }};
#else
  return std::nullopt;
#endif
}

bool has_registered() {
#if __has_include(<ATen/core/GraphImplInterface.h>)
  return at::has_graph_impl(at::kCUDA);
#else
  return false;
#endif
}

/// A function of the project's own library; null where that is not open.
template <class Call>
Call* own(const char* name) {
  return reinterpret_cast<Call*>(dlsym(RTLD_DEFAULT, name));
}

Graph begin_own() {
  const std::shared_ptr<void> graph(
      own<decltype(gainsweep_cuda_graph_begin)>("gainsweep_cuda_graph_begin")(),
      own<decltype(gainsweep_cuda_graph_free)>("gainsweep_cuda_graph_free"));
  auto* const end = own<decltype(gainsweep_cuda_graph_end)>("gainsweep_cuda_graph_end");
  auto* const replay = own<decltype(gainsweep_cuda_graph_replay)>("gainsweep_cuda_graph_replay");
  return {[graph, end] { end(graph.get()); }, [graph, replay] { replay(graph.get()); }};
}

Graph begin() {
  auto registered = begin_registered();
  return registered ? *std::move(registered) : begin_own();
}

/// A stream of the pool is the current one for as long as this lives: the default one cannot be
/// captured.
class SideStream {
 public:
  explicit SideStream(at::Device place)
      : guard_(place.type()),
        stream_(guard_.getStreamFromGlobalPool(place)),
        before_(guard_.exchangeStream(stream_)) {}
  SideStream(const SideStream&) = delete;
  SideStream& operator=(const SideStream&) = delete;
  ~SideStream() { guard_.exchangeStream(before_); }

  void wait() const {
    c10::Event event(stream_.device_type(), c10::EventFlag::BACKEND_DEFAULT);
    event.record(stream_);
    event.synchronize();
  }

 private:
  c10::impl::VirtualGuardImpl guard_;
  c10::Stream stream_;
  c10::Stream before_;
};

}  // namespace

std::string missing_cuda_graph() {
  if (has_registered() || own<void()>("gainsweep_cuda_graph_begin") != nullptr) return "";
  return "this LibTorch registers no CUDA graphs, and libgainsweep_cuda.so, which captures them, "
         "is "
         "not installed";
}

Captured capture_cuda(at::Device place, const std::function<void()>& work) {
  const SideStream stream(place);
  for (int run = 0; run < warm_up_runs; ++run) work();
  stream.wait();
  const auto graph = begin();
  work();
  graph.end();
  return {graph.replay};
}

}  // namespace gainsweep::execute
