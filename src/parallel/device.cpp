#include "parallel/device.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "parallel/agree.hpp"
#include "parallel/handle.hpp"

namespace gainsweep::parallel {
namespace {

std::string processor_name() {
  char name[MPI_MAX_PROCESSOR_NAME];
  int length = 0;
  check(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
  return {name, static_cast<std::size_t>(length)};
}

std::string to_text(const DeviceView& view) {
  return std::to_string(view.rank) + "\n" + join(view.devices, "\n");
}

DeviceView view_of(const std::string& text) {
  auto lines = split(text, '\n');
  const int rank = std::stoi(lines.front());
  lines.erase(lines.begin());
  return {rank, std::move(lines)};
}

Error shared_device(std::size_t local, const std::vector<DeviceView>& node,
                    const std::map<std::string, int>& holders, const std::string& kind,
                    const std::string& node_name) {
  const auto& view = node[local];
  const auto& device = view.devices[local % view.devices.size()];
  std::set<std::string> all;
  for (const auto& of : node) all.insert(of.devices.begin(), of.devices.end());
  const auto count = std::to_string(all.size());
  return {ErrorKind::environment,
          "rank " + std::to_string(view.rank) + " and rank " + std::to_string(holders.at(device)) +
              " on node " + node_name + " would share " + kind + " device " + device + " (" +
              std::to_string(node.size()) + " ranks, " + count + " devices; a device serves one " +
              "rank alone). Start at most " + count +
              " ranks on a node, and let each see all of its node's devices or one of its own."};
}

}  // namespace

std::size_t device_of(std::size_t local, const std::vector<DeviceView>& node,
                      const std::string& kind, const std::string& node_name) {
  std::map<std::string, int> holders;
  std::size_t chosen = 0;
  for (std::size_t place = 0; place <= local; ++place) {
    const auto& view = node[place];
    if (view.devices.empty())
      throw Error(ErrorKind::environment, "rank " + std::to_string(view.rank) + " on node " +
                                              node_name + " sees no " + kind +
                                              " device. Start fewer ranks on this node.");
    const auto free = std::find_if(view.devices.begin(), view.devices.end(),
                                   [&](const auto& name) { return holders.count(name) == 0; });
    if (free == view.devices.end()) throw shared_device(place, node, holders, kind, node_name);
    holders[*free] = view.rank;
    chosen = static_cast<std::size_t>(free - view.devices.begin());
  }
  return chosen;
}

std::size_t own_device(const Comm& comm, const std::string& kind,
                       const std::vector<std::string>& devices) {
  const auto node = comm.node();
  std::vector<DeviceView> views;
  for (const auto& text : node.gather(to_text({comm.rank(), devices})))
    views.push_back(view_of(text));
  std::size_t index = 0;
  together(comm, [&] {
    index = device_of(static_cast<std::size_t>(node.rank()), views, kind, processor_name());
  });
  return index;
}

}  // namespace gainsweep::parallel
