#pragma once

#include <cstddef>
#include <memory>

#include "execute/device.hpp"
#include "execute/program.hpp"

namespace gainsweep::execute {

/// What the rest of a model does to a device's caches before a piece of it runs: the weights of
/// other pieces pass through them, and the piece before has just made this one's inputs.
class Interlude {
 public:
  /// `bytes` pass through the caches.
  Interlude(const Device& device, std::size_t bytes);
  Interlude(Interlude&&) noexcept;
  Interlude& operator=(Interlude&&) noexcept;
  ~Interlude();

  /// Before a piece that reads `next`.
  void play(const Inputs& next);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gainsweep::execute
