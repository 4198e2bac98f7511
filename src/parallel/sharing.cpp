#include "parallel/sharing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/exception.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "parallel/handle.hpp"

namespace gainsweep::parallel {
namespace {

using Clock = std::chrono::steady_clock;
using Words = std::array<std::uint64_t, 2>;

constexpr int request_tag = 1, reply_tag = 2;
// A request for at most this many units; none at all asks to stop the sharing.
constexpr std::uint64_t stop_request = 0;
constexpr std::uint64_t most_at_once = 4'096;

/// The root's book: what was handed out to whom. Used by its own work and its answering thread.
class Book {
 public:
  Book(std::size_t num_units, std::size_t kindred, int num_ranks)
      : num_units_(num_units), kindred_(kindred), held_(static_cast<std::size_t>(num_ranks)) {}

  Range take(int rank, std::uint64_t wanted) {
    const std::lock_guard guard(mutex_);
    if (wanted == stop_request) {
      num_units_ = next_;
      return {next_, next_};
    }
    auto& held = held_[static_cast<std::size_t>(rank)];
    over_ += held;
    held = next_ < kindred_ ? share(std::min(num_units_, kindred_) - next_, wanted)
                            : row(num_units_ - next_);
    next_ += held;
    return {next_ - held, next_};
  }

  std::size_t over() const {
    const std::lock_guard guard(mutex_);
    return over_;
  }

 private:
  std::size_t share(std::size_t left, std::uint64_t wanted) const {
    const auto most = std::max<std::size_t>(1, left / (2 * held_.size()));
    return std::min({left, most, static_cast<std::size_t>(wanted)});
  }
  std::size_t row(std::size_t left) const {
    const auto rows = 2 * held_.size() - 1;
    return (left + rows - 1) / rows;
  }

  mutable std::mutex mutex_;
  std::size_t num_units_;
  std::size_t kindred_;  // the first one that comes in rows
  std::size_t next_ = 0;
  std::size_t over_ = 0;
  std::vector<std::size_t> held_;
};

/// How many units a rank asks for: twice as many while they are over quickly.
class Appetite {
 public:
  std::uint64_t wanted() {
    const auto now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(125)) wanted_ = std::min(2 * wanted_, most_at_once);
    if (now - last_ > std::chrono::milliseconds(250))
      wanted_ = std::max<std::uint64_t>(1, wanted_ / 2);
    return wanted_;
  }
  void served() { last_ = Clock::now(); }

 private:
  std::uint64_t wanted_ = 1;
  Clock::time_point last_{};  // long ago: the first request asks for one unit
};

}  // namespace

struct Sharing::State {
  const Comm& comm;
  std::function<bool()> stop_wanted;
  Book book;
  Appetite appetite;
  MPI_Comm handle = MPI_COMM_NULL;
  bool stopped = false;  // this rank asked to stop
  std::atomic<bool> ended = false;
  std::thread server;

  State(const Comm& of, std::size_t num_units, std::size_t kindred, std::function<bool()> stop)
      : comm(of), stop_wanted(std::move(stop)), book(num_units, kindred, of.size()) {}

  Range ask(std::uint64_t wanted) {
    if (comm.is_root()) return book.take(0, wanted);
    Words words{wanted, 0};
    MPI_Request request;
    check(MPI_Isend(words.data(), 1, MPI_UINT64_T, 0, request_tag, handle, &request), "MPI_Isend");
    wait(request, "MPI_Isend");
    check(MPI_Irecv(words.data(), 2, MPI_UINT64_T, 0, reply_tag, handle, &request), "MPI_Irecv");
    wait(request, "MPI_Irecv");
    return {words[0], words[1]};
  }

  void stop_if_wanted() {
    if (stopped || !stop_wanted || !stop_wanted()) return;
    ask(stop_request);
    stopped = true;
  }

  bool answer_one() {
    int waiting = 0;
    MPI_Status status;
    check(MPI_Iprobe(MPI_ANY_SOURCE, request_tag, handle, &waiting, &status), "MPI_Iprobe");
    if (!waiting) return false;
    std::uint64_t wanted = 0;
    const int rank = status.MPI_SOURCE;
    check(MPI_Recv(&wanted, 1, MPI_UINT64_T, rank, request_tag, handle, MPI_STATUS_IGNORE),
          "MPI_Recv");
    const auto range = book.take(rank, wanted);
    const Words words{range.first, range.last};
    check(MPI_Send(words.data(), 2, MPI_UINT64_T, rank, reply_tag, handle), "MPI_Send");
    return true;
  }

  void serve() {
    try {
      Patience patience;
      while (!ended) {
        if (answer_one())
          patience.restart();
        else
          patience.rest();
      }
    } catch (const std::exception& error) {
      log_line("gainsweep: " + message_of(error), LogLevel::error);
      abort(1);
    }
  }

  void end_server() {
    ended = true;
    if (server.joinable()) server.join();
  }
};

Sharing::Sharing(const Comm& comm, std::size_t num_units, std::function<bool()> stop_wanted,
                 std::size_t kindred)
    : state_(std::make_unique<State>(comm, num_units, kindred, std::move(stop_wanted))) {
  if (comm.size() == 1) return;
  MPI_Request request;
  check(MPI_Comm_idup(comm.state_->handle, &state_->handle, &request), "MPI_Comm_idup");
  wait(request, "MPI_Comm_idup");
  check(MPI_Comm_set_errhandler(state_->handle, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (comm.is_root()) state_->server = std::thread([this] { state_->serve(); });
}

Sharing::~Sharing() {
  state_->end_server();
}

std::optional<Range> Sharing::next() {
  state_->stop_if_wanted();
  if (state_->stopped) return std::nullopt;
  const auto range = state_->ask(state_->appetite.wanted());
  state_->appetite.served();
  if (range.first == range.last) return std::nullopt;
  return range;
}

std::size_t Sharing::over() const {
  return state_->book.over();
}

bool Sharing::finish(const std::function<void()>& meanwhile) {
  const auto poll = [&] {
    state_->stop_if_wanted();
    if (meanwhile) meanwhile();
  };
  poll();
  if (state_->comm.size() == 1) return state_->stopped;
  MPI_Request request;
  check(MPI_Ibarrier(state_->handle, &request), "MPI_Ibarrier");
  wait(request, "MPI_Ibarrier", poll);
  // A rank may have asked to stop until it saw the others arrive: the root answers until all have.
  const bool stopped = !state_->comm.all_of(!state_->stopped);
  state_->end_server();
  check(MPI_Comm_free(&state_->handle), "MPI_Comm_free");
  return stopped;
}

}  // namespace gainsweep::parallel
