#include "parallel/launcher.hpp"

#include <charconv>
#include <string_view>

namespace gainsweep::parallel {
namespace {

constexpr const char* inside_slurm =
    "In a Slurm job use Open MPI's mpirun, without srun (`mpirun --bind-to none gainsweep run SPEC "
    "--out DIR` in the batch script or the shell of salloc takes the job's nodes by itself), or "
    "`srun --mpi=pmix` where `srun --mpi=list` names pmix";

std::optional<int> number_in(const char* text) {
  if (!text) return std::nullopt;
  const std::string_view view = text;
  int number = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), number);
  if (error != std::errc{} || end != view.data() + view.size() || number < 1) return std::nullopt;
  return number;
}

std::string alone(int processes, const std::string& launcher) {
  return std::to_string(processes) + " processes were started by " + launcher +
         ", but each of them would be a run of its own with one rank, and all would use the same "
         "folder (launcher and program are of different MPI libraries). ";
}

}  // namespace

Launch read_launch(const Variables& variables) {
  return {.open_mpi = number_in(variables("OMPI_COMM_WORLD_SIZE")),
          .pmi = number_in(variables("PMI_SIZE")),
          .slurm_step = number_in(variables("SLURM_STEP_NUM_TASKS")),
          .pmix = variables("PMIX_RANK") != nullptr};
}

bool started_alone(const Launch& launch) {
  return !launch.open_mpi && !launch.pmix && launch.pmi.value_or(1) == 1 &&
         launch.slurm_step.value_or(1) == 1;
}

std::optional<std::string> wrong_launcher(const Launch& launch, bool open_mpi) {
  if (!open_mpi || launch.open_mpi || launch.pmix || launch.pmi) return std::nullopt;
  if (launch.slurm_step.value_or(1) == 1) return std::nullopt;
  return std::to_string(*launch.slurm_step) +
         " processes were started by srun without PMIx, so they cannot find each other. " +
         inside_slurm + ".";
}

std::optional<std::string> wrong_world(const Launch& launch, int ranks) {
  if (ranks > 1) return std::nullopt;
  if (launch.open_mpi)  // it knows best: mpirun may be started by one of the others
    return *launch.open_mpi == 1
               ? std::nullopt
               : std::optional(alone(*launch.open_mpi, "Open MPI's mpirun") +
                               "Use the mpiexec of the MPI library that gainsweep "
                               "was built with.");
  if (launch.pmix) return std::nullopt;
  if (launch.pmi.value_or(1) > 1 && !launch.slurm_step)
    return alone(*launch.pmi, "the mpiexec of MPICH, Intel MPI or another MPI") +
           "Use the mpirun of the MPI library that gainsweep was built with: `ldd $(command -v "
           "gainsweep) | grep libmpi` names it; for Open MPI `mpirun.openmpi --bind-to none -np N "
           "gainsweep run SPEC --out DIR`.";
  if (launch.slurm_step.value_or(1) > 1)
    return alone(*launch.slurm_step, "srun") + inside_slurm + ".";
  return std::nullopt;
}

}  // namespace gainsweep::parallel
