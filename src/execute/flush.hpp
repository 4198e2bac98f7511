#pragma once

#include <cstddef>
#include <memory>

#include "execute/device.hpp"

namespace gainsweep::execute {

/// Memory of a device that is written between runs, so that its caches hold nothing of the one
/// before.
class Flush {
 public:
  Flush(const Device& device, std::size_t bytes);
  Flush(Flush&&) noexcept;
  Flush& operator=(Flush&&) noexcept;
  ~Flush();

  void play();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gainsweep::execute
