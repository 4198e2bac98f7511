"""cluster/slurm under a real Slurm: results, preemption, arrays, the loss of a node, refusals."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import h5py
import pytest
from conftest import SOURCE, shipped
from local_slurm import GAUDI_PER_NODE, LocalSlurm, obstacle, wait_until

RUN = "cluster/slurm/run.sbatch"
ARRAY = "cluster/slurm/array.sbatch"
TWO_NODES = ("--nodes=2", "--ntasks-per-node=1")
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}

# Nothing measured, so that archives are equal to the bit; seconds of scoring to be interrupted in.
LONG_SPEC = """\
schema: 2
name: long
model:
  checkpoint: configs/models/embedded
calibration: {tokens: configs/data/embedded.h5, samples: 160, length: 64, scale_samples: 4}
formats: {high: bf16, low: [int8]}
threads: 1
solve:
  objectives: [macs, memory]
  thresholds: [1.0e-3, 1.0e-2, 1.0e-1]
  strategies: [ip]
evaluate: {samples: 4, strategies: [ip], every: 3}
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if why := obstacle():
        pytest.skip(why)
    state = tmp_path_factory.mktemp("slurm") / "state"
    with LocalSlurm(state) as cluster:
        yield cluster
    shutil.rmtree(state)


@pytest.fixture(scope="module")
def long_spec(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "long.yaml"
    path.write_text(LONG_SPEC)
    return path


@pytest.fixture(scope="module")
def undisturbed(program, long_spec, tmp_path_factory) -> Path:
    """The archive of the long spec from one process outside Slurm."""
    folder = tmp_path_factory.mktemp("undisturbed")
    command = [program, "run", long_spec, "--out", folder]
    subprocess.run(command, cwd=SOURCE, check=True, capture_output=True)
    return folder / "archive.h5"


@pytest.fixture
def submit(slurm, program, tmp_path):
    """Submits a script of cluster/slurm as a user would, logging in tmp_path; the job's number."""

    def submitting(script: str, *arguments, options=TWO_NODES) -> str:
        answer = slurm.command(
            *("sbatch", "--parsable", f"--chdir={SOURCE}", f"--output={tmp_path}/%j.log"),
            *(*options, str(SOURCE / script), *map(str, arguments)),
            GAINSWEEP=str(program),
            GAINSWEEP_ROOT=str(SOURCE),
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    return submitting


def end_of(slurm, job: str, tmp_path: Path, seconds: float = 60) -> dict[str, str]:
    """The job's record when it has ended well."""
    record = wait_until(lambda: _ended(slurm, job), seconds, f"the end of job {job}")
    log = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert record["JobState"] == "COMPLETED", log
    return record


def _ended(slurm, job: str) -> dict[str, str] | None:
    record = slurm.job(job)
    return record if record.get("JobState") in ENDED else None


def wait_for_stage(folder: Path, stage: str):
    """Until a run in `folder` has begun `stage`."""

    def begun() -> bool:
        try:
            stages = json.loads((folder / "run.json").read_text())["stages"]
            return any(known["name"] == stage and known["units"] for known in stages)
        except FileNotFoundError:
            return False

    wait_until(begun, 30, f"{stage} begun in {folder}")


def assert_equal(program: Path, archive: Path, other: Path):
    diff = subprocess.run([program, "diff", archive, other], capture_output=True, text=True)
    assert diff.returncode == 0, diff.stdout + diff.stderr


def test_run_leaves_an_archive(slurm, submit, tmp_path, record_testsuite_property):
    start = time.monotonic()
    job = submit(RUN, shipped("smoke"), tmp_path / "smoke")
    end_of(slurm, job, tmp_path)
    seconds = time.monotonic() - start
    print(f"sbatch to result: {seconds:.1f} s")
    record_testsuite_property("sbatch_to_result_seconds", f"{seconds:.1f}")
    assert (tmp_path / "smoke" / "archive.h5").exists()
    assert "2 ranks on node[1-2]" in (tmp_path / f"{job}.log").read_text()


def test_signal_stops_requeues_and_goes_on(
    slurm, submit, program, long_spec, undisturbed, tmp_path
):
    job = submit(RUN, long_spec, tmp_path / "out")
    wait_for_stage(tmp_path / "out", "score")
    slurm.command("scancel", "--signal=USR1", "--batch", job)
    wait_until(lambda: slurm.job(job)["Restarts"] == "1", 20, "the requeue")
    assert not (tmp_path / "out" / "archive.h5").exists()
    end_of(slurm, job, tmp_path)
    log = (tmp_path / f"{job}.log").read_text()
    assert "stopped to be continued (exit code 75)" in log
    assert "restart 1," in log
    assert_equal(program, tmp_path / "out" / "archive.h5", undisturbed)


def test_array_runs_a_spec_a_task(slurm, submit, program, long_spec, undisturbed, tmp_path):
    options = ("--array=0-1", "--ntasks-per-node=1")
    job = submit(ARRAY, tmp_path / "out", shipped("smoke"), long_spec, options=options)
    for task in ("0", "1"):
        end_of(slurm, f"{job}_{task}", tmp_path)
    assert (tmp_path / "out" / "smoke" / "archive.h5").exists()
    assert_equal(program, tmp_path / "out" / "long" / "archive.h5", undisturbed)


def test_lost_node_requeues_and_goes_on(slurm, submit, program, long_spec, undisturbed, tmp_path):
    job = submit(RUN, long_spec, tmp_path / "out")
    wait_for_stage(tmp_path / "out", "score")
    slurm.lose_node("node2")
    wait_until(lambda: slurm.job(job)["JobState"] == "PENDING", 20, "the requeue")
    slurm.start_node("node2")
    record = end_of(slurm, job, tmp_path)
    assert record["Restarts"] == "1"
    assert_equal(program, tmp_path / "out" / "archive.h5", undisturbed)


def test_devices_are_granted_and_overasking_is_refused(slurm):
    def test_only(count: int) -> subprocess.CompletedProcess:
        script = str(SOURCE / RUN)
        # As the script's head tells: what a site needs comes from sbatch's own variables.
        return slurm.command("sbatch", "--test-only", script, "spec", SBATCH_GRES=f"gaudi:{count}")

    assert test_only(GAUDI_PER_NODE).returncode == 0
    refused = test_only(GAUDI_PER_NODE + 1)
    assert refused.returncode != 0
    assert "Requested node configuration is not available" in refused.stderr


@pytest.fixture
def step(slurm, program, tmp_path):
    """Runs the smoke spec as a step of srun, without a script."""

    def stepping(*options: str) -> subprocess.CompletedProcess:
        return slurm.command(
            *("srun", f"--chdir={SOURCE}", *options),
            *(str(program), "run", str(shipped("smoke")), "--out", str(tmp_path / "out")),
        )

    return stepping


@pytest.mark.parametrize("kind", ["none", "pmi2"])
def test_srun_without_pmix_starts_no_run(step, tmp_path, kind):
    answer = step(f"--mpi={kind}", "--ntasks=2")
    assert answer.returncode == 1
    assert not (tmp_path / "out").exists()
    if kind == "none":  # with pmi2 a build of Open MPI for it would work; others say it themselves
        assert "srun without PMIx" in answer.stderr
        assert "srun --mpi=pmix" in answer.stderr


def test_srun_with_pmix_starts_ranks(step, tmp_path):
    answer = step("--mpi=pmix", "--ntasks=2", "--nodes=2")
    assert answer.returncode == 0, answer.stderr
    with h5py.File(tmp_path / "out" / "archive.h5", locking=False) as archive:
        assert archive["measured/machine"].attrs["ranks"] == "2"


def test_a_step_of_one_is_a_plain_run(step, tmp_path):
    answer = step("--mpi=none", "--ntasks=1")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "out" / "archive.h5").exists()
