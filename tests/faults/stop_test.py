"""Queues' signals, hanging units, failing units, and units of another archive."""

import os
import signal
import subprocess
import time

import h5py
import pytest
from conftest import check_same, scenarios, status


def running(program, out):
    """Waits until some units of the stage `score` are over."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (out / "run.json").exists():
            stages = status(program, out)["stages"]
            if stages.get("score", {}).get("done", 0) > 0:
                return
        time.sleep(0.02)
    raise AssertionError("no unit was over within a minute")


@pytest.fixture(scope="module")
def long(program, make_spec, tmp_path_factory):
    """A spec of some seconds, and the archive it leads to."""
    changes = {"calibration": {"length": 24}, "evaluate": {"samples": 1}}
    spec = make_spec(**changes)
    out = tmp_path_factory.mktemp("long") / "out"
    assert program("run", spec, "--out", out).returncode == 0
    return spec, out


# Hurts the first rank that comes that far in a stage: which rank gets how many units is chance.
def in_one_rank(action, folder):
    where = {"rank": "any", "claim": folder / "claim", "call": "posix_memalign", "count": 400}
    return where | {"action": action}


@pytest.mark.parametrize("to", ["launcher", "one rank"])
def test_sigusr1_stops_all_ranks_with_75(program, job, tmp_path, to):
    spec, out = scenarios.shipped("embedded"), tmp_path / "out"
    started = job(spec, out, 2)
    running(program, out)
    target = started.process.pid if to == "launcher" else started.ranks()[-1]
    os.kill(target, signal.SIGUSR1)
    code, messages = started.end()
    assert code == 75, messages
    assert "stopped by SIGUSR1; the same command goes on" in messages
    after = status(program, out)
    assert after["state"] == "stopped before its end"
    performed = sum(rank["done"] for rank in after["ranks"])
    stored = sum(stage["done"] for stage in after["stages"].values())
    assert performed == stored, "a finished unit was not stored"


def test_sigterm_stores_what_is_finished(program, job, tmp_path):
    spec, out = scenarios.shipped("embedded"), tmp_path / "out"
    started = job(spec, out, 2)
    running(program, out)
    before = status(program, out)["stages"]["score"]["done"]
    # As Slurm does; mpirun alone would kill them a second later, and a slow disk takes longer.
    for rank in started.ranks():
        os.kill(rank, signal.SIGTERM)
    code, messages = started.end()
    assert code != 0
    assert "ended by signal 15; finished units are stored" in messages
    assert status(program, out)["stages"]["score"]["done"] >= before


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_still_opens_its_inputs_ends_at_once(program, make_spec, tmp_path, asked):
    spec, out, claim = make_spec(), tmp_path / "out", tmp_path / "claim"
    fault = {"RANK": "any", "CLAIM": claim, "CALL": "pread", "MATCH": "/tokens.h5", "COUNT": 1}
    fault["ACTION"] = "hang"
    started = subprocess.Popen(
        [program.path, "run", str(spec), "--out", str(out)],
        env=os.environ
        | {"LD_PRELOAD": os.environ["GAINSWEEP_FAULT_HOOK"]}
        | {f"FAULT_{name}": str(value) for name, value in fault.items()},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not claim.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    started.send_signal(asked)
    _, messages = started.communicate(timeout=20)
    assert started.returncode == 128 + asked, messages
    assert f"ended by signal {int(asked)} before the first unit" in messages
    assert not out.exists()


def test_a_hanging_unit_fails_and_the_same_command_goes_on(program, job, undisturbed, tmp_path):
    spec, reference = undisturbed
    out = tmp_path / "out"
    limit = ["--unit-limit", "2"]
    code, messages = job(spec, out, 2, *limit, fault=in_one_rank("hang", tmp_path)).end()
    assert code == 1, messages
    assert "was not over after 2 s (--unit-limit)" in messages
    code, messages = job(spec, out, 2, *limit).end()
    assert code == 3, messages
    failures = status(program, out)["failures"]
    assert len(failures) == 1 and "--unit-limit" in failures[0]["reason"]
    code, messages = job(spec, out, 3, *limit, "--retry-failed").end()
    assert code == 0, messages
    check_same(program, reference, out)


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_unit_without_memory_ends_the_job_which_goes_on_with_it(
    program, job, undisturbed, tmp_path, ranks
):
    spec, reference = undisturbed
    out = tmp_path / "out"
    code, messages = job(spec, out, ranks, fault=in_one_rank("fail", tmp_path)).end()
    assert code == 1, messages
    assert "score of sample " in messages and "can't allocate memory" in messages
    assert "Finished units are stored; the same command goes on with this one." in messages
    assert status(program, out)["failures"] == []
    code, messages = job(spec, out, 1).end()
    assert code == 0, messages
    check_same(program, reference, out)


def num_tables(archive):
    """Units whose result is a table of its own, which tells no key: frontiers, and the weights'
    largest magnitudes."""
    with h5py.File(archive) as file:
        frontiers = len(file.get("frontier", ())) + len(file.get("measured/frontier", ()))
        return frontiers + ("weight_maxima" in file)


def test_timings_of_another_archive_give_its_plans(program, job, tmp_path):
    spec, first, second = scenarios.shipped("smoke"), tmp_path / "first", tmp_path / "second"
    assert job(spec, first, 2).end()[0] == 0
    donor = str(first / "archive.h5")
    code, messages = job(spec, second, 3, "--from", donor).end()
    assert code == 0, messages
    done = sum(rank["done"] for rank in status(program, second)["ranks"])
    assert done == num_tables(donor), "an archive holds every unit but tables"
    result = program("diff", "--measured", donor, second / "archive.h5")
    for line in result.stdout.splitlines():
        assert line.startswith(("/measured/machine/", "/measured/usage/")), line
