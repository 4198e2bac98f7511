#include "parallel/launcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace gainsweep::parallel {
namespace {

using testing::HasSubstr;
using testing::Optional;

Launch launch_of(const std::map<std::string, const char*>& variables) {
  return read_launch([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second;
  });
}

// As Open MPI 4.1 and Slurm 22.05 set them.
const auto plain = launch_of({});
const auto mpirun = launch_of({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "0"}});
const auto mpirun_in_slurm = launch_of({{"OMPI_COMM_WORLD_SIZE", "4"},
                                        {"PMIX_RANK", "1"},
                                        {"SLURM_NTASKS", "4"},
                                        {"SLURM_STEP_NUM_TASKS", "2"}});
const auto srun_pmix = launch_of({{"PMIX_RANK", "1"}, {"SLURM_STEP_NUM_TASKS", "4"}});
const auto srun_pmi2 = launch_of({{"PMI_SIZE", "4"}, {"SLURM_STEP_NUM_TASKS", "4"}});
const auto srun_none = launch_of({{"SLURM_STEP_NUM_TASKS", "4"}});
const auto hydra = launch_of({{"PMI_SIZE", "4"}, {"PMI_RANK", "2"}});

TEST(Launcher, OneThatFitsIsNotInTheWay) {
  for (const auto& launch : {mpirun, mpirun_in_slurm, srun_pmix}) {
    EXPECT_EQ(wrong_launcher(launch, true), std::nullopt);
    EXPECT_EQ(wrong_world(launch, 4), std::nullopt);
    EXPECT_FALSE(started_alone(launch));
  }
  EXPECT_EQ(wrong_world(hydra, 4), std::nullopt);  // a program of MPICH
  EXPECT_EQ(wrong_launcher(hydra, false), std::nullopt);
}

TEST(Launcher, APlainProcessIsAlone) {
  const auto in_a_batch_script = launch_of({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}});
  const auto in_a_step_of_one = launch_of({{"SLURM_STEP_NUM_TASKS", "1"}, {"PMI_SIZE", "1"}});
  for (const auto& launch : {plain, in_a_batch_script, in_a_step_of_one}) {
    EXPECT_TRUE(started_alone(launch));
    EXPECT_EQ(wrong_launcher(launch, true), std::nullopt);
    EXPECT_EQ(wrong_world(launch, 1), std::nullopt);
  }
}

TEST(Launcher, OneRankOfAnAllocationOfManyIsFine) {
  const auto launch =
      launch_of({{"OMPI_COMM_WORLD_SIZE", "1"}, {"PMIX_RANK", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}});
  EXPECT_EQ(wrong_world(launch, 1), std::nullopt);
}

TEST(Launcher, SrunWithoutPmixIsToldBeforeOpenMpiStops) {
  EXPECT_THAT(wrong_launcher(srun_none, true),
              Optional(HasSubstr("4 processes were started by srun")));
  EXPECT_THAT(wrong_launcher(srun_none, true), Optional(HasSubstr("srun --mpi=pmix")));
  EXPECT_EQ(wrong_launcher(srun_none, false), std::nullopt);  // other libraries start there
}

TEST(Launcher, ManyWorldsOfOneAreRefused) {
  EXPECT_THAT(wrong_world(hydra, 1), Optional(HasSubstr("MPICH, Intel MPI")));
  EXPECT_THAT(wrong_world(hydra, 1), Optional(HasSubstr("mpirun.openmpi --bind-to none")));
  EXPECT_THAT(wrong_world(srun_pmi2, 1), Optional(HasSubstr("srun --mpi=pmix")));
  EXPECT_THAT(wrong_world(srun_none, 1), Optional(HasSubstr("started by srun")));
  EXPECT_THAT(wrong_world(mpirun, 1), Optional(HasSubstr("Open MPI's mpirun")));
}

TEST(Launcher, OddNumbersCountAsNone) {
  for (const char* odd : {"", "four", "0", "-2", "4x", "99999999999999"})
    EXPECT_EQ(launch_of({{"PMI_SIZE", odd}}), Launch{}) << odd;
}

}  // namespace
}  // namespace gainsweep::parallel
