#pragma once

#include <functional>
#include <optional>
#include <string>

/// Who started this process. A launcher that speaks another MPI's language starts N processes which
/// all believe that they are alone, and which would fight over one output folder.
namespace gainsweep::parallel {

/// What launchers leave in a process's environment. Numbers are of processes that they started
/// together.
struct Launch {
  std::optional<int> open_mpi;  ///< Open MPI's mpirun
  std::optional<int> pmi;  ///< mpiexec of MPICH, Intel MPI and others (Hydra), or srun --mpi=pmi2
  std::optional<int> slurm_step;  ///< srun, with any --mpi
  bool pmix = false;              ///< mpirun of Open MPI 4 and later, or srun --mpi=pmix

  bool operator==(const Launch&) const = default;
};

/// Reads a variable of the environment; null where it is not set.
using Variables = std::function<const char*(const char*)>;

/// What the environment says. What is no positive number counts as not there.
Launch read_launch(const Variables& variables);

/// Whether this process was started alone, so that Open MPI needs none of its services for it.
bool started_alone(const Launch& launch);

/// What is wrong before MPI starts, which would end the process with words of its own: Open MPI
/// under a srun without PMIx. Nothing where it may well work.
std::optional<std::string> wrong_launcher(const Launch& launch, bool open_mpi);

/// What is wrong when MPI says that its world has `ranks` processes: one where several were started
/// together.
std::optional<std::string> wrong_world(const Launch& launch, int ranks);

}  // namespace gainsweep::parallel
