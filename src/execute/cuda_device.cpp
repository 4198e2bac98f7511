#include "execute/cuda_device.hpp"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <memory>

#include "base/error.hpp"
#include "execute/cuda_driver.hpp"
#include "execute/cuda_graph.hpp"
#include "execute/cuda_library.hpp"
#include "execute/cuda_probe.hpp"
#include "execute/cuda_settings.hpp"
#include "execute/libtorch_folder.hpp"
#include "execute/nvml.hpp"

namespace gainsweep::execute {
namespace {

struct Driven {
  CudaSettings settings;
  std::size_t card = 0;  ///< taken
};

Driven& driven() {
  static Driven only;
  return only;
}

at::Device place() {
  return {at::kCUDA, static_cast<at::DeviceIndex>(driven().card)};
}

c10::impl::VirtualGuardImpl guard() {
  return c10::impl::VirtualGuardImpl(at::kCUDA);
}

CudaCard taken_card() {
  const auto cards = cuda_cards();
  return driven().card < cards.size() ? cards[driven().card] : CudaCard{.name = "CUDA"};
}

// UUIDs: where each process sees only its own card, all of them call it 0.
std::vector<std::string> visible() {
  const auto cards = cuda_cards();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < static_cast<std::size_t>(guard().deviceCount()); ++i)
    names.push_back(i < cards.size() ? cards[i].id : std::to_string(i));
  return names;
}

void take(std::size_t index) {
  driven().card = index;
  guard().setDevice(place());
}

std::string card_text(const CudaCard& card) {
  return card.name + ", compute capability " + std::to_string(card.major) + "." +
         std::to_string(card.minor);
}

std::string software() {
  const auto runtime = cuda_runtime_version(), driver = cuda_driver_version();
  return "CUDA " + (runtime.empty() ? "unknown" : runtime) + ", driver for CUDA " +
         (driver.empty() ? "unknown" : driver);
}

std::string casts() {
  return cuda_extension() ? "one kernel" : "three kernels";
}

std::string mode() {
  return "fp8 casts: " + casts() +
         ", fast accumulation: " + (driven().settings.fast_accumulation ? "on" : "off") +
         ", graphs: " + (driven().settings.graph ? "on" : "off");
}

Identity identity() {
  return {card_text(taken_card()), software(), mode()};
}

Event record() {
  auto event = std::make_shared<c10::Event>(at::kCUDA, c10::EventFlag::BACKEND_DEFAULT);
  event->record(guard().getStream(place()));
  return {[event] { event->synchronize(); }};
}

/// Asked of the card once a format.
std::string lacks(graph::OpKind /*kind*/, const format::Format& format) {
  static std::map<std::string, std::string> known;
  const auto [place_of, is_new] = known.try_emplace(format.name);
  if (is_new) {
    const auto why = why_not_run(format.name, place());
    if (!why.empty())
      place_of->second = "the card " + card_text(taken_card()) + " does not run " + format.name +
                         " (" + why + "; fp8 needs compute capability 8.9 or later)";
  }
  return place_of->second;
}

std::vector<std::string> kernels(const LinearShape& /*shape*/, Precision high) {
  return {std::string(spelling(high)) + " aten::linear",
          "fp8_e4m3 aten::_scaled_mm (" + mode() + ")",
          "int8 aten::_int_mm (cast: four kernels, scaling: one)"};
}

std::vector<std::string> notes() {
  const auto card = taken_card();
  std::vector<std::string> all{place().str() + ": " + card_text(card) + ", " + card.id +
                               (card.address.empty() ? "" : ", " + card.address) + "; " +
                               software() + "; " + mode()};
  if (!cuda_extension())
    all.emplace_back(
        "activations are cast to fp8 by three kernels, which fused ones of a serving runtime do "
        "better: gains of small layers are too small (libgainsweep_cuda.so is not installed)");
  return all;
}

CardState state() {
  const auto* library = nvml();
  const auto card = taken_card();
  return library == nullptr ? CardState{}
                            : library->state(card.address.empty() ? card.id : card.address);
}

std::optional<Captured> capture(const std::function<void()>& work) {
  if (!driven().settings.graph) return std::nullopt;
  return capture_cuda(place(), work);
}

std::size_t flushed_bytes() {
  constexpr std::size_t where_nobody_tells = std::size_t{128} << 20;
  if (driven().settings.l2 == CudaCache::warm) return 0;
  const auto cache = taken_card().cache_bytes;
  return 2 * (cache == 0 ? where_nobody_tells : cache);
}

void open_library() {
  open_cuda_library(libtorch_folder());
  if (!driven().settings.graph) return;
  if (const auto missing = missing_cuda_graph(); !missing.empty())
    throw Error(ErrorKind::environment,
                "cuda.graph: true cannot be had here (" + missing +
                    "). Build that with -DGAINSWEEP_CUDA=ON against LibTorch's CUDA build, or set "
                    "cuda.graph: false");
}

}  // namespace

void drive_cuda(const CudaSettings& settings) {
  driven().settings = settings;
}

Device cuda_device() {
  return {.name = "cuda",
          .target = [] { return driven().settings.fast_accumulation ? "cuda_fast" : "cuda"; },
          .missing = [] { return missing_cuda_library(libtorch_folder()); },
          .load = open_library,
          .visible = visible,
          .take = take,
          .place = [] { return place().str(); },
          .identity = identity,
          .record = record,
          .kernels = kernels,
          .lacks = lacks,
          .notes = notes,
          .state = state,
          .capture = capture,
          .flushed_bytes = flushed_bytes};
}

}  // namespace gainsweep::execute
