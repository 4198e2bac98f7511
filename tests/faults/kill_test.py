"""Ranks die at random moments, in every way; whoever resumes gets the same archive.

Each trial kills one rank of a job with 1, 2 or 3 ranks, from outside at a random time or from
inside at a chosen write, fsync or rename of a part or of the archive, and goes on with another
number of ranks. Then the archive equals the undisturbed one, and no stored unit was done again. How
much is lost has a test of its own, at moments that are known exactly. GAINSWEEP_FAULTS sets the
number of kills.
"""

import os
import random
import signal
import time

import pytest
from conftest import check_same, scenarios, status

KILLS = int(os.environ.get("GAINSWEEP_FAULTS", "50"))
MOST_IN_MEMORY = 64  # units a rank buffers before it writes a part
SIGNALS = [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT]
FILES = ["/parts/.tmp-", "/out/.tmp-archive", "run.json"]
STATES = "/states/.tmp-"


def random_fault(chance, ranks, files):
    file = chance.choice(files)
    calls = ["rename", "write"] if file == FILES[2] else ["rename", "write", "fsync"]
    return {
        # The root writes the rest.
        "rank": chance.randrange(ranks) if file in (FILES[0], STATES) else 0,
        "call": chance.choice(calls),
        "match": file,
        "count": 1 if file == FILES[1] else chance.randint(1, 4),
        "action": chance.choice(["exit", "kill", "segv", "abort"]),
        "late": chance.randrange(2),
    }


def kill_from_outside(job, chance, seconds, out):
    """One rank, at a random moment from when it knows its folder on; whether there was one to kill.

    Open MPI's launcher may wait for ever for a rank that dies while MPI starts.
    """
    while not (out / "lock").exists() and job.process.poll() is None:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.8 * seconds))
    ranks = job.ranks()
    if ranks:
        os.kill(chance.choice(ranks), chance.choice(SIGNALS))
    return bool(ranks)


def stored_units(program, out):
    if not (out / "run.json").exists():
        return 0
    stages = status(program, out)["stages"]
    return sum(count["done"] for count in stages.values())


def hurt(job, spec, out, chance, seconds, files=FILES, **options):
    """A job that is hurt once; whether it died of that."""
    ranks = chance.choice([1, 2, 3])
    if chance.random() < 0.5:
        fault = random_fault(chance, ranks, files)
        return job(spec, out, ranks, fault=fault, **options).end()[0] != 0, ranks, fault
    started = job(spec, out, ranks, **options)
    killed = kill_from_outside(started, chance, seconds, out)
    return started.end()[0] != 0 and killed, ranks, "from outside"


def resume(program, job, spec, out, ranks, reference, **options):
    before = stored_units(program, out)
    code, messages = job(spec, out, ranks, **options).end()
    assert code == 0, messages
    check_same(program, reference, out)
    performed = sum(rank["done"] for rank in status(program, out)["ranks"])
    assert performed == stored_units(program, reference) - before, "stored units were done again"
    assert not list(out.rglob("*tmp*")), "leftovers of a killed writer"


def test_whoever_dies_the_resumed_archive_is_the_same(program, job, undisturbed, tmp_path):
    spec, reference = undisturbed
    seed = int(os.environ.get("GAINSWEEP_FAULT_SEED", time.time()))
    chance = random.Random(seed)
    start = time.monotonic()
    assert job(spec, tmp_path / "timed/out", 2).end()[0] == 0
    seconds = time.monotonic() - start  # of a job that nobody hurts
    kills, trial = 0, 0
    while kills < KILLS:
        trial += 1
        assert trial < 5 * KILLS + 20, "too few of the jobs died"
        out = tmp_path / f"{trial}/out"
        died, ranks, fault = hurt(job, spec, out, chance, seconds)
        print(f"seed {seed} trial {trial}: {ranks} ranks, {fault}, died: {died}")
        kills += died
        if not died:
            continue
        others = [n for n in (1, 2, 3) if n != ranks]
        resume(program, job, spec, out, chance.choice(others), reference)
    print(f"{kills} kills in {trial} jobs, all resumed alike")


def chains(out):
    """A job of chains that hand on a state, some of all ranks together."""
    return {"command": [os.environ["GAINSWEEP_FAULT_CHAINS"], str(out)]}


def test_chains_go_on_from_what_the_dead_left(program, job, tmp_path):
    reference = tmp_path / "reference"
    seed = int(os.environ.get("GAINSWEEP_FAULT_SEED", time.time()))
    chance = random.Random(seed)
    start = time.monotonic()
    assert job(None, reference, 2, **chains(reference)).end()[0] == 0
    seconds = time.monotonic() - start
    kills, trial = 0, 0
    while kills < KILLS // 5:
        trial += 1
        assert trial < KILLS + 20, "too few of the jobs died"
        out = tmp_path / f"{trial}/out"
        died, ranks, fault = hurt(job, None, out, chance, seconds, [*FILES, STATES], **chains(out))
        print(f"seed {seed} trial {trial}: {ranks} ranks, {fault}, died: {died}")
        kills += died
        if not died:
            continue
        others = [n for n in (1, 2, 3) if n != ranks]
        resume(program, job, None, out, chance.choice(others), reference, **chains(out))
        states = list((out / "states").iterdir())
        assert len(states) == len(list((reference / "states").iterdir())), "states pile up"
    print(f"{kills} kills in {trial} jobs of chains, all resumed alike")


@pytest.mark.parametrize("part", [1, 2, 3, 4])
def test_what_is_lost_is_at_most_the_units_since_the_last_part(
    program, job, undisturbed, tmp_path, part
):
    """One rank dies about to name a part: which one says how many units were finished."""
    spec, reference = undisturbed
    out = tmp_path / "out"
    in_parts = [
        3 + 1,  # with the weights' largest magnitudes
        MOST_IN_MEMORY,
        MOST_IN_MEMORY,
        150 - 2 * MOST_IN_MEMORY,
    ]  # observe, score
    fault = {
        "rank": 0,
        "call": "rename",
        "match": "/parts/",
        "count": part,
        "action": "kill",
    }
    assert job(spec, out, 1, fault=fault).end()[0] != 0
    stored = stored_units(program, out)
    assert stored == sum(in_parts[: part - 1])
    assert sum(in_parts[:part]) - stored <= MOST_IN_MEMORY
    resume(program, job, spec, out, 2, reference)


def test_a_job_killed_while_it_times_goes_on(program, job, tmp_path):
    """The root dies between timing rounds: those stored are kept, and all else stays the same."""
    spec, reference, out = (
        scenarios.shipped("smoke"),
        tmp_path / "reference",
        tmp_path / "out",
    )
    assert program("run", spec, "--out", reference).returncode == 0
    fault = {
        "rank": 0,
        "call": "rename",
        "match": "/parts/",
        "count": 5,
        "action": "kill",
    }
    assert job(spec, out, 2, fault=fault).end()[0] != 0
    stored = status(program, out)["stages"]["timing"]["done"]
    assert stored > 0, "the kill came before the timing rounds"
    kept = scenarios.parts(out)
    assert job(spec, out, 3).end()[0] == 0
    assert kept.items() <= scenarios.parts(out).items()
    check_same(program, reference, out)
