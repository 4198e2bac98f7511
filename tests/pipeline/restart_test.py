"""Runs that are killed go on with the same command and end in the same archive."""

import os
import random
import signal
import subprocess
import time

import pytest
from conftest import is_identical, shipped


def kill_when(process, due):
    """SIGKILL to everything that was started, at a moment; whether it was still running."""
    while process.poll() is None and not due():
        time.sleep(0.002)
    running = process.poll() is None
    if running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running


def resume(program, finished, out, ranks=1):
    result = program("run", finished / "spec.yaml", "--out", out, ranks=ranks)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, finished / "out", out)
    assert same, differences
    assert not list(out.rglob("*tmp*")), "leftovers of a killed writer"


@pytest.mark.parametrize("stored", [1, 2, 3])
def test_a_run_killed_after_some_parts_goes_on(program, finished, tmp_path, stored):
    out = tmp_path / "out"
    process = program.start("run", finished / "spec.yaml", "--out", out)
    assert kill_when(process, lambda: len(list(out.glob("parts/*.h5"))) >= stored)
    assert not (out / "archive.h5").exists(), "an archive is there before the run is over"
    resume(program, finished, out)


def test_a_run_killed_again_and_again_goes_on(program, finished, tmp_path):
    out = tmp_path / "out"
    seed = int(time.time())
    print("seed", seed)
    moments = random.Random(seed)
    for _ in range(6):
        end = time.monotonic() + moments.uniform(0.0, 1.2)
        process = program.start("run", finished / "spec.yaml", "--out", out)
        kill_when(process, lambda end=end: time.monotonic() > end)
    resume(program, finished, out)


def test_two_ranks_killed_and_one_that_goes_on(program, finished, tmp_path):
    out = tmp_path / "out"
    process = program.start("run", finished / "spec.yaml", "--out", out, ranks=2)
    assert kill_when(process, lambda: len(list(out.glob("parts/*.h5"))) >= 2)
    wait_until_free(program, out)
    resume(program, finished, out)


def test_one_rank_killed_and_two_that_go_on(program, finished, tmp_path):
    out = tmp_path / "out"
    process = program.start("run", finished / "spec.yaml", "--out", out)
    assert kill_when(process, lambda: len(list(out.glob("parts/*.h5"))) >= 2)
    resume(program, finished, out, ranks=2)


def wait_until_free(program, out):
    """Ranks that mpirun had put into process groups of their own notice its end by themselves."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if ": running, " not in program("status", out).stdout:
            return
        time.sleep(0.1)
    raise AssertionError("ranks outlived mpirun by 20 s")


def test_a_damaged_part_is_done_again(program, finished, copy_of_finished):
    out = copy_of_finished / "out"
    part = min((out / "parts").glob("*.h5"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    (out / "archive.h5").unlink()
    result = program("run", copy_of_finished / "spec.yaml", "--out", out)
    assert result.returncode == 0, result.stderr
    assert f"{part} is damaged; its units are done again" in result.stderr
    same, differences = is_identical(program, finished / "out", out)
    assert same, differences


def test_one_run_a_folder(program, finished, tmp_path):
    out = tmp_path / "out"
    process = program.start("run", shipped("smoke"), "--out", out)
    try:
        while process.poll() is None and not (out / "run.json").exists():
            time.sleep(0.005)
        message = program.refuses("run", finished / "spec.yaml", "--out", out, code=1)
        assert f"{out} is in use" in message
        assert f"process {process.pid}" in message
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def digests_of_a_second_run(program, spec, folder):
    """How many digests a run makes that finds everything done."""
    out, count = folder / "out", folder / "digests"
    assert program("run", spec, "--out", out).returncode == 0
    (out / "archive.h5").unlink()  # a run with an archive does not even look at its parts
    environment = os.environ | {
        "LD_PRELOAD": os.environ["GAINSWEEP_DIGEST_COUNTER"],
        "DIGEST_COUNT": str(count),
    }
    command = program.command("run", spec, "--out", out)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return int(count.read_text())


def test_a_run_with_nothing_to_do_digests_each_sample_at_most_six_times(
    program, write_spec, tmp_path
):
    counts = {}
    for samples in (6, 16):
        folder = tmp_path / str(samples)
        folder.mkdir()
        spec = write_spec(
            calibration={"samples": samples, "scale_samples": samples},
            evaluate={"strategies": []},  # how many plans differ depends on the samples
        )
        counts[samples] = digests_of_a_second_run(program, spec, folder)
    assert 0 < counts[16] - counts[6] <= 6 * 10


def test_a_finished_run_is_not_done_again(program, copy_of_finished, write_spec):
    out, spec = copy_of_finished / "out", copy_of_finished / "spec.yaml"
    assert program("run", spec, "--out", out).returncode == 0  # its folder moved; so did its spec
    before = (out / "archive.h5").stat().st_mtime_ns
    again = program("run", spec, "--out", out, ranks=2)
    assert again.returncode == 0 and "nothing to do" in again.stderr, again.stderr
    assert (out / "archive.h5").stat().st_mtime_ns == before
    damaged = bytearray((out / "archive.h5").read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (out / "archive.h5").write_bytes(damaged)
    mended = program("run", spec, "--out", out)
    assert mended.returncode == 0 and "nothing to do" not in mended.stderr, mended.stderr
    other = program("run", write_spec(seed=1), "--out", out)
    assert other.returncode == 0 and "nothing to do" not in other.stderr, other.stderr
