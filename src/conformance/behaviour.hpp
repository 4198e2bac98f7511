#pragma once

#include "conformance/check.hpp"

/// Checks of how a device goes about its work. Private to this folder.
namespace gainsweep::conformance {

/// What was taken, with its software and mode.
Finding card(const execute::Device& device);

/// Operators of all programs are there, with the arguments that the programs give.
Finding operators(const execute::Device& device);

/// Nothing runs on the host in silence.
Finding host(const execute::Device& device);

/// Waiting for an event is waiting for the work before it: a copy to the host behind timed runs has
/// none of them left to wait for.
Finding waiting(const execute::Device& device);

/// A program compiles in its first run alone.
Finding compilations(const execute::Device& device);

/// Kernels of linear layers in all formats have names.
Finding kernels(const execute::Device& device);

/// Clocks, power and temperature can be read.
Finding state(const execute::Device& device);

}  // namespace gainsweep::conformance
