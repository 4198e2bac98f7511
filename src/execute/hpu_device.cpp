#include "execute/hpu_device.hpp"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "execute/hpu_cards.hpp"
#include "execute/hpu_plugin.hpp"
#include "execute/hpu_settings.hpp"

namespace gainsweep::execute {
namespace {

struct Driven {
  HpuSettings settings;
  std::string module;  ///< taken
};

Driven& driven() {
  static Driven only;
  return only;
}

/// What the system tells of the card that was taken; its module alone where it tells nothing.
HpuCard taken_card() {
  const auto cards = hpu_cards();
  const auto found = std::find_if(cards.begin(), cards.end(),
                                  [](const auto& card) { return card.module == driven().module; });
  return found == cards.end() ? HpuCard{driven().module, "HPU", ""} : *found;
}

// Once a process. The bridge reads both at the first use. With HLS_MODULE_ID alone it may take any
// free card where that one is taken, and two ranks would swap theirs unseen.
void take(std::size_t index) {
  if (!driven().module.empty()) return;
  driven().module = visible_modules(hpu_cards()).at(index);
  setenv("HLS_MODULE_ID", driven().module.c_str(), 1);
  setenv("HABANA_VISIBLE_MODULES", driven().module.c_str(), 1);
}

Identity identity() {
  return {taken_card().type, plugin_software(),
          std::string(spelling(driven().settings.mode)) + ", on the host: " + allowed_on_host()};
}

// A Gaudi's guard has no synchronizeDevice; an event is its step marker as well.
Event record() {
  const at::Device card(at::kHPU, 0);
  auto event = std::make_shared<c10::Event>(at::kHPU, c10::EventFlag::BACKEND_DEFAULT);
  event->record(c10::impl::VirtualGuardImpl(at::kHPU).getStream(card));
  return {[event] { event->synchronize(); }};
}

std::vector<std::string> kernels(const LinearShape& /*shape*/, Precision high) {
  return {"fp8_e4m3_gaudi2 hpu::fp8_gemm_v2", std::string(spelling(high)) + " aten::linear"};
}

std::vector<std::string> notes() {
  const auto card = taken_card();
  std::vector<std::string> all{
      "hpu module " + card.module + " (" + card.type +
      (card.address.empty() ? "" : ", " + card.address) +
      (card.numa_node ? ", NUMA node " + std::to_string(*card.numa_node) : "") + "), " +
      plugin_software() + ", " + spelling(driven().settings.mode) + " mode"};
  if (const auto warning = numa_warning(card); !warning.empty()) all.push_back(warning);
  return all;
}

}  // namespace

void drive_hpu(const HpuSettings& settings) {
  driven().settings = settings;
}

Device hpu_device() {
  return {.name = "hpu",
          .target = [] { return std::string("gaudi2"); },
          .missing = [] { return missing_plugin(driven().settings); },
          .load = [] { open_plugin(driven().settings); },
          .visible = [] { return visible_modules(hpu_cards()); },
          .take = take,
          .place = [] { return std::string("hpu:0"); },
          .identity = identity,
          .record = record,
          .kernels = kernels,
          .notes = notes,
          .compilations = compiled_graphs,
          .allowed_on_host = execute::allowed_on_host};
}

}  // namespace gainsweep::execute
