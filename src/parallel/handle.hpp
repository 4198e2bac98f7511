#pragma once

#include <mpi.h>

#include <chrono>
#include <functional>

#include "parallel/comm.hpp"

/// What the sources of this folder share; the only header with MPI in it.
namespace gainsweep::parallel {

/// Error(environment) with the library's own words unless the call went well.
void check(int code, const char* call);

/// A number of bytes as MPI counts them. Error(internal) from 2 GiB on; given what all ranks know,
/// all of them throw or none.
int count_of(unsigned long long bytes);

/// Rests between the polls of a wait: a twentieth of the time waited so far, between 20 µs and 5
/// ms. So a short wait answers fast and a long one costs about 1 % of a core (a blocking MPI call
/// burns all of it).
class Patience {
 public:
  void rest();
  void restart() { start_ = std::chrono::steady_clock::now(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Returns when the request is over; `meanwhile`, if any, is called at each poll.
void wait(MPI_Request& request, const char* call, const std::function<void()>& meanwhile = {});

struct Comm::State {
  MPI_Comm handle = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;

  ~State();
};

}  // namespace gainsweep::parallel
