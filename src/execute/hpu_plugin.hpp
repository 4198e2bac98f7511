#pragma once

#include <cstdint>
#include <string>

#include "execute/hpu_settings.hpp"

/// Intel's bridge between LibTorch and a Gaudi: a library that is opened at run time, so that one
/// program serves machines with and without. Private to this folder.
namespace gainsweep::execute {

/// Why there is no plug-in to open; empty where there is one, or it is open already.
std::string missing_plugin(const HpuSettings& settings);

/// Sets the environment that the bridge reads and opens it, once a process. Error(environment)
/// naming all that it lacks: guard, hooks, operators, arguments of these.
void open_plugin(const HpuSettings& settings);

/// The opened file by name and digest, with the version of the driver where the system tells it.
std::string plugin_software();

/// What may run on the host for want of a kernel: `none`, a list, or anything.
std::string allowed_on_host();

/// Graphs that this process has compiled: each leaves its recipe in a folder.
std::int64_t compiled_graphs();

}  // namespace gainsweep::execute
