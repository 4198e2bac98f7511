#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

/// The only place that knows MPI. What crosses ranks is texts and numbers; none are added up here.
namespace gainsweep::parallel {

/// MPI from start to end. Created once in main, before any Comm; a plain run is one rank. A rank
/// that crashes dies of the signal at once. Error(environment) where the launcher is of another MPI
/// (launcher.hpp).
class Session {
 public:
  Session(int& argc, char**& argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

/// A communicator with errors returned and checked: Error(environment)
/// naming the call. Waiting polls with short sleeps, so a waiting rank is idle. Move-only: a copy
/// would be a hidden collective.
class Comm {
 public:
  /// Collective. A duplicate of the world communicator.
  static Comm world();
  Comm(Comm&&) noexcept;
  Comm& operator=(Comm&&) noexcept;
  ~Comm();

  /// Collective. The ranks that run on this rank's machine, in the order of their ranks here, as a
  /// communicator of their own.
  Comm node() const;

  /// Local.
  int rank() const;
  int size() const;
  bool is_root() const { return rank() == 0; }

  /// Collective. Returns when every rank has called it.
  void barrier() const;
  /// Collective. Whether it holds on every rank.
  bool all_of(bool holds) const;
  /// Collective. Whether it holds on any rank.
  bool any_of(bool holds) const { return !all_of(!holds); }
  /// Collective. The root's text on every rank. Error(internal) on all when it has 2 GiB.
  std::string broadcast(const std::string& text) const;
  /// Collective. Every rank's text in rank order, on every rank. Error(internal) on all when they
  /// have 2 GiB together.
  std::vector<std::string> gather(const std::string& text) const;
  /// Collective. Every rank's numbers in rank order, on every rank; as many of each as it has.
  std::vector<std::vector<double>> gather(std::span<const double> numbers) const;

 private:
  friend class Sharing;
  struct State;
  explicit Comm(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Ends all ranks at once with an exit code. Local; does not return.
[[noreturn]] void abort(int code);

}  // namespace gainsweep::parallel
