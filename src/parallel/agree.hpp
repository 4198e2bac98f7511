#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::parallel {

/// An Error that every rank has: all may leave in good order, none waits for another.
class SharedError : public Error {
 public:
  using Error::Error;
};

/// Collective. Runs `act` on every rank. When it throws anywhere, every rank throws the SharedError
/// of the lowest rank that did, naming it. `act` itself must not be collective.
void together(const Comm& comm, const std::function<void()>& act);

/// Something that has to be the same on all ranks.
struct Claim {
  std::string what;                         ///< "program version"
  std::string value;                        ///< one line, or many
  ErrorKind kind = ErrorKind::environment;  ///< of the error when it differs
};

/// Collective. SharedError naming the first claim that differs from the root's, the rank, and both
/// values (long ones where they begin to differ). Every rank gives the same claims in one order.
void agree(const Comm& comm, const std::vector<Claim>& claims);

}  // namespace gainsweep::parallel
