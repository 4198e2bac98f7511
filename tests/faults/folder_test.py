"""Output folders that fill up, vanish or are in use; ranks that see other inputs."""

import errno
import os
import re
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from conftest import check_same, scenarios


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own: small_disk(size) mounts or resizes it."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        remount = "remount," if os.path.ismount(folder) else ""
        command = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            remount + options,
            "tmpfs",
            str(folder),
        ]
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            pytest.skip("mounting a small disk takes rights that this user does not have")
        return folder

    yield mount
    if os.path.ismount(folder):
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("size", ["64k", "160k", "256k", "400k"])
def test_a_full_disk_ends_the_job_and_room_lets_it_go_on(
    program, job, undisturbed, small_disk, size
):
    spec, reference = undisturbed
    out = small_disk(f"size={size}") / "out"
    code, messages = job(spec, out, 2).end()
    assert code == 1, messages
    assert "No space left on device" in messages or "Is the disk full" in messages, messages
    small_disk("size=64m")
    code, messages = job(spec, out, 3).end()
    assert code == 0, messages
    check_same(program, reference, out)


def test_a_file_size_limit_ends_the_job(program, job, undisturbed, tmp_path):
    """Only the rank is limited: the launcher has files of its own."""
    spec, reference = undisturbed
    out = tmp_path / "out"
    limited = 'trap "" XFSZ; ulimit -f 16; exec "$@"'
    command = [
        "bash",
        "-c",
        limited,
        "bash",
        *program.command("run", spec, "--out", out),
    ]
    code, messages = job(spec, out, 1, command=command).end()
    assert code == 1, messages
    assert "cannot write" in messages or "cannot be written" in messages
    assert not (out / "archive.h5").exists()
    assert program("run", spec, "--out", out).returncode == 0
    check_same(program, reference, out)


def test_a_read_only_disk_is_refused(job, undisturbed, small_disk):
    spec, _ = undisturbed
    folder = small_disk("size=1m")
    (folder / "out").mkdir()
    small_disk("ro")
    code, messages = job(spec, folder / "out", 2).end()
    assert code == 1, messages
    assert "Read-only file system" in messages


def test_a_vanished_folder_ends_the_job(job, tmp_path):
    out = tmp_path / "out"
    started = job(scenarios.shipped("embedded"), out, 2)
    await_ledger(out)
    shutil.rmtree(out, ignore_errors=True)
    code, messages = started.end()
    assert code == 1, messages
    assert str(out) in messages


def await_ledger(out):
    deadline = time.monotonic() + 60
    while not (out / "run.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("lost", ["", "lock"])
def test_a_job_whose_folder_is_another_s_now_leaves_it_alone(
    program, job, undisturbed, tmp_path, lost
):
    """The folder, or its lock file alone, is moved away and another job starts there."""
    spec, reference = undisturbed
    out, away = tmp_path / "out", tmp_path / "away"
    first = job(scenarios.shipped("embedded"), out, 2)
    await_ledger(out)
    (out / lost).rename(away)
    second = job(spec, out, 2)
    code, messages = second.end()
    assert code == 0, messages
    code, messages = first.end()
    assert code == 1, messages
    assert f"{out}/lock was moved or removed during the run" in messages
    check_same(program, reference, out)
    assert not list(tmp_path.rglob(".tmp-*"))
    if not lost:
        assert (away / "parts").is_dir()
        assert not (away / "archive.h5").exists()


def test_a_second_job_on_a_folder_is_refused(job, tmp_path):
    out = tmp_path / "out"
    started = job(scenarios.shipped("embedded"), out, 2)
    await_ledger(out)
    code, messages = job(scenarios.shipped("embedded"), out, 2).end()
    assert code == 1, messages
    holder = re.search(r"is locked by process (\d+) on \S+\)", messages)
    assert holder, messages
    assert int(holder[1]) in started.ranks()


def without_flock(code):
    return {"rank": 0, "call": "flock", "match": "/lock", "count": code, "action": "fail"}


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_flock_gets_a_mark(program, job, undisturbed, tmp_path, code):
    spec, reference = undisturbed
    out = tmp_path / "out"
    first = job(scenarios.shipped("embedded"), out, 2, fault=without_flock(code))
    await_ledger(out)
    status, messages = job(spec, out, 2, fault=without_flock(code)).end()
    assert status == 1, messages
    assert f"{out}/lock.taken was made by process " in messages
    assert "the file system has no flock" in messages
    # Not the launcher: it gives ranks a second, and a slow disk takes longer.
    os.kill(int((out / "lock.taken").read_text().split()[1]), signal.SIGTERM)
    _, messages = first.end()
    assert f"{out}/lock.taken keeps other runs away" in messages, messages
    assert not (out / "lock.taken").exists(), "a run that ends in order leaves no mark"
    status, messages = job(spec, out, 2, "--replace", fault=without_flock(code)).end()
    assert status == 0, messages
    check_same(program, reference, out)
    assert not (out / "lock.taken").exists()


def test_a_mark_that_a_killed_job_left_is_taken_over(program, job, undisturbed, tmp_path):
    spec, reference = undisturbed
    out = tmp_path / "out"
    fault = without_flock(errno.ENOLCK)
    first = job(scenarios.shipped("embedded"), out, 1, fault=fault)
    await_ledger(out)
    for rank in first.ranks():
        os.kill(rank, signal.SIGKILL)
    first.end()
    assert (out / "lock.taken").exists()
    assert program("status", out).returncode == 0
    status, messages = job(spec, out, 2, fault=fault).end()
    assert status == 0, messages
    check_same(program, reference, out)
    # As if it had been another node.
    (out / "lock.taken").write_text("process 1 on elsewhere\n")
    status, messages = job(spec, out, 1, fault=fault).end()
    assert status == 1
    assert f"if it is gone, remove {out}/lock.taken and run the same command again" in messages


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def by_rank(tmp_path, line):
    """A command that each rank runs with its own number as $R."""
    script = tmp_path / "by_rank.sh"
    script.write_text(f"#!/bin/sh\nR=$OMPI_COMM_WORLD_RANK\n{line}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return [str(script)]


def test_a_rank_with_another_spec_is_named(program, job, undisturbed, tmp_path):
    spec, _ = undisturbed
    for rank in range(3):
        (tmp_path / f"{rank}.yaml").write_text(
            spec.read_text().replace('"draws": 3', f'"draws": {4 if rank == 2 else 3}')
        )
    line = f"exec {program.path} run {tmp_path}/$R.yaml --out {tmp_path}/out"
    code, messages = job(spec, tmp_path, 3, command=by_rank(tmp_path, line)).end()
    assert code == 2, messages
    assert "rank 2 has another spec: '" in messages and '"draws": 4' in messages
    assert not (tmp_path / "out").exists()


def test_a_rank_with_another_checkpoint_is_named(program, job, undisturbed, material, tmp_path):
    spec, _ = undisturbed
    for rank in range(2):
        shutil.copytree(material / "checkpoints/good", tmp_path / f"{rank}/model")
    flip(tmp_path / "1/model/model.safetensors", -3)
    text = spec.read_text().replace(str(material / "checkpoints/good"), "model")
    (tmp_path / "spec.yaml").write_text(text)
    line = f"cd {tmp_path}/$R && exec {program.path} run ../spec.yaml --out {tmp_path}/out"
    code, messages = job(spec, tmp_path, 2, command=by_rank(tmp_path, line)).end()
    assert code == 2, messages
    assert "rank 1 has another model digest" in messages


def test_a_rank_with_another_program_is_named(program, job, undisturbed, tmp_path):
    spec, _ = undisturbed
    version = program("--version").stdout
    commit = re.search(r"\((\S+)\)", version)[1].encode()
    binary = Path(program.path).read_bytes()
    assert commit + b"\0" in binary
    other = commit[:-1] + (b"0" if commit[-1:] != b"0" else b"1")
    shutil.copy(program.path, tmp_path / "0")
    shutil.copy(program.path, tmp_path / "1")
    (tmp_path / "1").write_bytes(binary.replace(commit + b"\0", other + b"\0"))
    line = f"exec {tmp_path}/$R run {spec} --out {tmp_path}/out"
    code, messages = job(spec, tmp_path, 2, command=by_rank(tmp_path, line)).end()
    assert code == 1, messages
    assert "rank 1 has another program version" in messages
    assert other.decode() in messages


def test_ranks_that_do_not_share_the_folder_are_refused(program, job, undisturbed, tmp_path):
    spec, _ = undisturbed
    for rank in range(2):
        (tmp_path / str(rank)).mkdir()
    line = f"cd {tmp_path}/$R && exec {program.path} run {spec} --out out"
    code, messages = job(spec, tmp_path, 2, command=by_rank(tmp_path, line)).end()
    assert code == 1, messages
    assert "output folder" in messages


def test_parts_of_finished_runs_are_untouched_by_a_second_run(job, undisturbed, tmp_path):
    spec, reference = undisturbed
    out = shutil.copytree(reference, tmp_path / "out")
    before = scenarios.parts(out)
    assert job(spec, out, 3).end()[0] == 0
    assert scenarios.parts(out) == before
