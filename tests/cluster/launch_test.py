"""What cluster/slurm's scripts say and return, with mpirun and scontrol played by small scripts."""

import os
import signal
import subprocess

import pytest
from conftest import SOURCE
from local_slurm import wait_until

SLURM = SOURCE / "cluster" / "slurm"


@pytest.fixture
def job(tmp_path) -> dict[str, str]:
    """The environment of a job; its mpirun ends with $CODE, its scontrol notes what is asked."""
    program = tmp_path / "bin"
    program.mkdir()
    for name, body in {
        "mpirun": 'echo "$@" >mpirun.called; env >mpirun.environment; exit $CODE',
        "scontrol": 'echo "$@" >scontrol.called; exit ${SCONTROL:-0}',
        "gainsweep": "exit 0",
    }.items():
        (program / name).write_text(f"#!/bin/sh\n{body}\n")
        (program / name).chmod(0o755)
    (tmp_path / "spec.yaml").touch()
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "GAINSWEEP"))}
    return {
        **clean,
        "PATH": f"{program}:{os.environ['PATH']}",
        "GAINSWEEP": "gainsweep",
        "GAINSWEEP_ROOT": str(SOURCE),
        "SLURM_JOB_ID": "7",
        "SLURM_NTASKS": "3",
        "SLURM_CPUS_PER_TASK": "4",
        "CODE": "0",
    }


@pytest.fixture
def run(job, tmp_path):
    def running(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
        command = [SLURM / script, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=job | environment, capture_output=True, text=True, timeout=20
        )

    return running


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_exit_codes_pass_through(run, tmp_path, code):
    assert run("launch", "spec.yaml", "out", CODE=str(code)).returncode == code
    assert not (tmp_path / "scontrol.called").exists()


def test_a_stopped_run_is_requeued(run, tmp_path):
    assert run("launch", "spec.yaml", "out", CODE="75").returncode == 75
    assert (tmp_path / "scontrol.called").read_text() == "requeue 7\n"


def test_requeueing_ends_at_the_limit(run, tmp_path):
    limits = {"SLURM_RESTART_COUNT": "2", "GAINSWEEP_MAX_RESTARTS": "2"}
    done = run("launch", "spec.yaml", "out", CODE="75", **limits)
    assert done.returncode == 75
    assert "stopped after 2 restarts" in done.stderr
    assert not (tmp_path / "scontrol.called").exists()


def test_a_job_that_cannot_be_requeued_says_what_to_do(run):
    done = run("launch", "spec.yaml", "out", CODE="75", SCONTROL="1")
    assert done.returncode == 75
    assert "Submit the same command again" in done.stderr


@pytest.mark.parametrize(
    ("sent", "body", "code", "requeued"),
    [
        (signal.SIGUSR1, "trap 'sleep 0.3; exit 75' USR1; touch ready; sleep 9 & wait", 75, True),
        (signal.SIGUSR1, "touch ready; exec sleep 9", 75, True),
        (signal.SIGUSR1, "trap 'exit 0' USR1; touch ready; sleep 9 & wait", 0, False),
        (signal.SIGTERM, "trap 'exit 1' TERM; touch ready; sleep 9 & wait", 1, False),
    ],
    ids=["stops", "dies of the signal", "was done", "terminates"],
)
def test_signals_reach_mpirun(job, tmp_path, sent, body, code, requeued):
    (tmp_path / "bin" / "mpirun").write_text(f"#!/bin/sh\n{body}\n")
    command = [SLURM / "launch", "spec.yaml", "out"]
    output = tmp_path / "log"
    with (
        output.open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, env=job, stderr=log) as it,
    ):
        wait_until((tmp_path / "ready").exists, 10, "mpirun runs")
        it.send_signal(sent)
        assert it.wait(20) == code, output.read_text()
    assert (tmp_path / "scontrol.called").exists() == requeued


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("trap 'exit 75' USR1; touch ready; sleep 9 & wait", 75),
        ("trap '' USR1; sleep 0.5; trap 'exit 75' USR1; sleep 9 & wait", 75),
        ("exec sleep 9", 75),
    ],
    ids=["stops", "has no ranks yet", "dies of the signal"],
)
def test_a_signal_before_the_child_is_up_is_not_lost(job, tmp_path, body, code):
    """`date` holds the script up before there is an mpirun."""
    (tmp_path / "bin" / "mpirun").write_text(f"#!/bin/sh\n{body}\n")
    date = tmp_path / "bin" / "date"
    date.write_text("#!/bin/sh\ntouch early\nwhile [ ! -e go ]; do sleep 0.02; done\necho now\n")
    date.chmod(0o755)
    output = tmp_path / "log"
    command = [SLURM / "launch", "spec.yaml", "out"]
    with (
        output.open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, env=job, stderr=log) as it,
    ):
        wait_until((tmp_path / "early").exists, 10, "the script runs")
        it.send_signal(signal.SIGUSR1)
        (tmp_path / "go").touch()
        assert it.wait(8) == code, output.read_text()
    assert (tmp_path / "scontrol.called").read_text() == "requeue 7\n"


def test_a_signal_that_mpirun_misses_is_said_again(job, tmp_path):
    """Its ranks are not there yet, so it takes the first and tells nobody."""
    body = "trap '' USR1; touch ready; sleep 0.5; trap 'exit 75' USR1; sleep 9 & wait"
    (tmp_path / "bin" / "mpirun").write_text(f"#!/bin/sh\n{body}\n")
    with subprocess.Popen([SLURM / "launch", "spec.yaml", "out"], cwd=tmp_path, env=job) as it:
        wait_until((tmp_path / "ready").exists, 10, "mpirun runs")
        it.send_signal(signal.SIGUSR1)
        assert it.wait(8) == 75


@pytest.mark.parametrize(
    ("binding", "options"),
    [("none", "--bind-to none"), ("cores", "--bind-to core --map-by slot:PE=4")],
)
def test_binding_is_a_choice(run, tmp_path, binding, options):
    run("launch", "spec.yaml", "out", GAINSWEEP_BINDING=binding)
    called = (tmp_path / "mpirun.called").read_text()
    assert called.startswith(options)
    assert called.endswith("-np 3 gainsweep run spec.yaml --out out\n")


@pytest.mark.parametrize("there", [True, False])
def test_a_missing_ssh_is_no_obstacle(run, tmp_path, there):
    """Open MPI ends without one, unless it is told not to look for it."""
    tools = tmp_path / "bin"
    for name in ("bash", "date", "env", "id", "kill", "sleep", *["ssh"][: int(there)]):
        (tools / name).symlink_to(f"/usr/bin/{name}" if name != "ssh" else "/bin/true")
    assert run("launch", "spec.yaml", "out", PATH=str(tools)).returncode == 0
    told = "OMPI_MCA_plm_rsh_agent=" in (tmp_path / "mpirun.environment").read_text().split("\n")
    assert told == (not there)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"GAINSWEEP": "nowhere/gainsweep"}, "there is no nowhere/gainsweep"),
        ({"GAINSWEEP_BINDING": "socket"}, "GAINSWEEP_BINDING is 'socket'"),
        ({"SLURM_NTASKS": ""}, "no number of tasks"),
        ({"SLURM_JOB_ID": ""}, "not a Slurm job"),
    ],
)
def test_launch_refuses(run, tmp_path, environment, message):
    refused = run("launch", "spec.yaml", "out", **environment)
    assert refused.returncode != 0
    assert message in refused.stderr
    assert not (tmp_path / "mpirun.called").exists()


@pytest.mark.parametrize(
    ("script", "arguments", "environment", "message"),
    [
        ("run.sbatch", ["a.yaml"], {"SLURM_JOB_ID": ""}, "Submit it: sbatch"),
        ("run.sbatch", [], {}, "0 arguments. Usage: sbatch"),
        ("run.sbatch", ["a.yaml"], {"GAINSWEEP_ROOT": "/"}, "not the project's folder"),
        ("run.sbatch", ["no.yaml"], {"GAINSWEEP": "true"}, "no.yaml cannot be read"),
        ("array.sbatch", ["out", "a.yaml"], {}, "not a task of a Slurm array"),
        ("array.sbatch", ["out"], {"SLURM_ARRAY_TASK_ID": "0"}, "no spec"),
        ("array.sbatch", ["out", "a.yaml"], {"SLURM_ARRAY_TASK_ID": "1"}, "--array=0-0"),
        ("array.sbatch", ["o", "a.yaml", "b/a.yaml"], {"SLURM_ARRAY_TASK_ID": "0"}, "are named a "),
    ],
)
def test_job_scripts_refuse(run, script, arguments, environment, message):
    refused = run(script, *arguments, **environment)
    assert refused.returncode == 2
    assert message in refused.stderr


def test_job_scripts_ask_slurm_for_the_same():
    run, array = (
        {line for line in (SLURM / name).read_text().splitlines() if line.startswith("#SBATCH")}
        for name in ("run.sbatch", "array.sbatch")
    )
    assert run ^ array == {
        "#SBATCH --output=gainsweep-%j.log",
        "#SBATCH --output=gainsweep-%A_%a.log",
    }
