#include "parallel/comm.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <thread>

#include "base/error.hpp"
#include "parallel/handle.hpp"
#include "parallel/launcher.hpp"

namespace gainsweep::parallel {

void check(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(ErrorKind::environment,
              std::string(call) + " failed (" +
                  std::string(text, static_cast<std::size_t>(length)) +
                  "). Check the MPI installation and the network between the nodes.");
}

int count_of(unsigned long long bytes) {
  if (bytes <= static_cast<unsigned long long>(std::numeric_limits<int>::max()))
    return static_cast<int>(bytes);
  throw Error(ErrorKind::internal, "texts of " + std::to_string(bytes) +
                                       " bytes are too long to cross ranks (MPI counts to " +
                                       std::to_string(std::numeric_limits<int>::max()) + ")");
}

void Patience::rest() {
  using namespace std::chrono_literals;
  const auto waited = std::chrono::steady_clock::now() - start_;
  if (waited < 20us)
    std::this_thread::yield();
  else
    std::this_thread::sleep_for(
        std::clamp<std::chrono::nanoseconds>(waited / 20, std::chrono::nanoseconds(20us), 5ms));
}

void wait(MPI_Request& request, const char* call, const std::function<void()>& meanwhile) {
  Patience patience;
  for (int done = 0;;) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    if (done) return;
    if (meanwhile) meanwhile();
    patience.rest();
  }
}

namespace {

std::vector<unsigned long long> gather_sizes(MPI_Comm handle, int num_ranks,
                                             unsigned long long mine) {
  std::vector<unsigned long long> sizes(static_cast<std::size_t>(num_ranks));
  MPI_Request request;
  check(MPI_Iallgather(&mine, 1, MPI_UNSIGNED_LONG_LONG, sizes.data(), 1, MPI_UNSIGNED_LONG_LONG,
                       handle, &request),
        "MPI_Iallgather");
  wait(request, "MPI_Iallgather");
  return sizes;
}

// Everybody's elements, one rank's after another's.
template <class Element>
std::vector<Element> gather_all(MPI_Comm handle, MPI_Datatype type, std::span<const Element> mine,
                                const std::vector<unsigned long long>& sizes) {
  const int total = count_of(std::accumulate(sizes.begin(), sizes.end(), 0ULL));
  const std::vector<int> lengths(sizes.begin(), sizes.end());
  std::vector<int> offsets(lengths.size());
  std::exclusive_scan(lengths.begin(), lengths.end(), offsets.begin(), 0);
  std::vector<Element> all(static_cast<std::size_t>(total));
  MPI_Request request;
  check(MPI_Iallgatherv(mine.data(), static_cast<int>(mine.size()), type, all.data(),
                        lengths.data(), offsets.data(), type, handle, &request),
        "MPI_Iallgatherv");
  wait(request, "MPI_Iallgatherv");
  return all;
}

template <class Piece>
std::vector<Piece> split(const std::vector<typename Piece::value_type>& all,
                         const std::vector<unsigned long long>& sizes) {
  std::vector<Piece> pieces;
  auto begin = all.begin();
  for (const auto size : sizes) {
    const auto end = begin + static_cast<std::ptrdiff_t>(size);
    pieces.emplace_back(begin, end);
    begin = end;
  }
  return pieces;
}

/// Keeps what a crash does as it is now. Open MPI's handlers print the stack and allocate for that:
/// after a crash inside the allocator they wait for its lock for ever, and so does the job.
class CrashSignals {
 public:
  CrashSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], nullptr, &actions_[i]);
  }
  CrashSignals(const CrashSignals&) = delete;
  CrashSignals& operator=(const CrashSignals&) = delete;
  ~CrashSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &actions_[i], nullptr);
  }

 private:
  static constexpr std::array signals{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
  std::array<struct sigaction, signals.size()> actions_{};
};

// A process that was started alone needs no daemon of Open MPI, which wants ssh on the path even to
// start nobody, nor Slurm's step, without whose PMIx it would not start at all.
void start_alone() {
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  unsetenv("SLURM_STEP_ID");
}

}  // namespace

Session::Session(int& argc, char**& argv) {
#ifdef OPEN_MPI
  constexpr bool open_mpi = true;
#else
  constexpr bool open_mpi = false;
#endif
  const auto launch = read_launch([](const char* name) { return std::getenv(name); });
  if (const auto wrong = wrong_launcher(launch, open_mpi))
    throw Error(ErrorKind::environment, *wrong);
  if (open_mpi && started_alone(launch)) start_alone();
  const CrashSignals kept;
  int provided = 0;
  if (MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS ||
      provided < MPI_THREAD_MULTIPLE)
    throw Error(ErrorKind::environment,
                "MPI offers no MPI_THREAD_MULTIPLE (units are served by a thread of rank 0). "
                "Use an MPI built with thread support.");
  int ranks = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (const auto wrong = wrong_world(launch, ranks)) {
    MPI_Finalize();
    throw Error(ErrorKind::environment, *wrong);
  }
}

Session::~Session() {
  MPI_Finalize();
}

Comm::State::~State() {
  if (handle != MPI_COMM_NULL) MPI_Comm_free(&handle);
}

Comm::Comm(std::unique_ptr<State> state) : state_(std::move(state)) {
  check(MPI_Comm_set_errhandler(state_->handle, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(state_->handle, &state_->rank), "MPI_Comm_rank");
  check(MPI_Comm_size(state_->handle, &state_->size), "MPI_Comm_size");
}
Comm::Comm(Comm&&) noexcept = default;
Comm& Comm::operator=(Comm&&) noexcept = default;
Comm::~Comm() = default;

Comm Comm::world() {
  auto state = std::make_unique<State>();
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_dup(MPI_COMM_WORLD, &state->handle), "MPI_Comm_dup");
  return Comm(std::move(state));
}

Comm Comm::node() const {
  // The call below has no non-blocking kind: wait for the others where waiting is idle.
  barrier();
  auto state = std::make_unique<State>();
  check(MPI_Comm_split_type(state_->handle, MPI_COMM_TYPE_SHARED, rank(), MPI_INFO_NULL,
                            &state->handle),
        "MPI_Comm_split_type");
  return Comm(std::move(state));
}

int Comm::rank() const {
  return state_->rank;
}
int Comm::size() const {
  return state_->size;
}

void Comm::barrier() const {
  MPI_Request request;
  check(MPI_Ibarrier(state_->handle, &request), "MPI_Ibarrier");
  wait(request, "MPI_Ibarrier");
}

bool Comm::all_of(bool holds) const {
  const int mine = holds ? 1 : 0;
  int all = 0;
  MPI_Request request;
  check(MPI_Iallreduce(&mine, &all, 1, MPI_INT, MPI_MIN, state_->handle, &request),
        "MPI_Iallreduce");
  wait(request, "MPI_Iallreduce");
  return all == 1;
}

std::string Comm::broadcast(const std::string& text) const {
  unsigned long long length = text.size();
  MPI_Request request;
  check(MPI_Ibcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, state_->handle, &request), "MPI_Ibcast");
  wait(request, "MPI_Ibcast");
  const int count = count_of(length);
  std::string received = is_root() ? text : std::string(length, '\0');
  check(MPI_Ibcast(received.data(), count, MPI_CHAR, 0, state_->handle, &request), "MPI_Ibcast");
  wait(request, "MPI_Ibcast");
  return received;
}

std::vector<std::string> Comm::gather(const std::string& text) const {
  const auto sizes = gather_sizes(state_->handle, size(), text.size());
  const auto all = gather_all(state_->handle, MPI_CHAR, std::span(text.data(), text.size()), sizes);
  return split<std::string>(all, sizes);
}

std::vector<std::vector<double>> Comm::gather(std::span<const double> numbers) const {
  const auto sizes = gather_sizes(state_->handle, size(), numbers.size());
  const auto all = gather_all(state_->handle, MPI_DOUBLE, numbers, sizes);
  return split<std::vector<double>>(all, sizes);
}

void abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

}  // namespace gainsweep::parallel
