"""Digests of checkpoints that runs remember from one to the next.

A remembered digest that is wrong on purpose shows in the archive whether it was believed. Entries
are written here as docs/decisions/0014-digest-cache.md describes them: files must have been left
alone for a minute before a run remembers them itself.
"""

import hashlib
import os
import shutil
import time
from pathlib import Path

import h5py
import pytest
from conftest import SOURCE, is_identical, shipped

FORGED = "ab" * 32


def hexdigest(data):
    return hashlib.sha256(data).hexdigest()


def entry_path(cache, file):
    """Where the entry of a file is: the digest of its place, labelled field by field."""
    status = file.stat()

    def number(value):
        return b"i", value.to_bytes(8, "little")

    fields = {
        b"path": (b"t", str(file.resolve()).encode()),
        b"device": number(status.st_dev),
        b"inode": number(status.st_ino),
    }
    joined = b"".join(
        len(label).to_bytes(8, "little") + label + kind + len(value).to_bytes(8, "little") + value
        for label, (kind, value) in fields.items()
    )
    return cache / "gainsweep" / f"{hexdigest(joined)}.digest"


def entry_text(file, digest):
    status = file.stat()
    content = (
        "gainsweep digest of a file, format 1\n"
        f"device {status.st_dev}\ninode {status.st_ino}\nbytes {status.st_size}\n"
        f"modified_ns {status.st_mtime_ns}\nchanged_ns {status.st_ctime_ns}\ndated 1\n"
        f"path {file.resolve()}\ndigest {digest}\n"
    )
    return content + f"seal {hexdigest(content.encode())}\n"


def remember(cache, file, digest):
    path = entry_path(cache, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(entry_text(file, digest))
    return path


def model_digest(out):
    with h5py.File(out / "archive.h5") as archive:
        return archive["points/model_digest"].asstr()[0]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def copied(tmp_path, material, write_spec):
    """A spec on a checkpoint of its own, and the file of its weights."""
    model = shutil.copytree(material / "checkpoints/good", tmp_path / "model")
    spec = write_spec(model={"checkpoint": str(model)})
    return spec, model / "model.safetensors"


@pytest.fixture
def run(program, tmp_path):
    count = iter(range(100))

    def start(spec, ranks=1):
        out = tmp_path / f"out{next(count)}"
        result = program("run", spec, "--out", out, ranks=ranks)
        assert result.returncode == 0, result.stderr
        return out

    return start


def dated(folder):
    """Whether the program believes change times here; it says so by remembering nothing."""
    kinds = {"ext2/ext3", "xfs", "btrfs", "tmpfs", "nfs", "zfs", "f2fs"}
    kind = os.popen(f"stat -f -c %T '{folder}'").read().strip()
    if kind not in kinds:
        pytest.skip(f"the temporary folder is on {kind}, whose change times count for nothing")


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_remembered_digest_is_used_until_the_file_changes(run, cache, copied, tmp_path, ranks):
    dated(tmp_path)
    spec, weights = copied
    truth = model_digest(run(spec, ranks))
    remember(cache, weights, FORGED)
    assert model_digest(run(spec, ranks)) != truth, "the forged digest was not used"

    before = weights.stat()
    content = weights.read_bytes()
    time.sleep(0.05)
    weights.write_bytes(content)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert weights.stat().st_size == before.st_size
    assert weights.stat().st_mtime_ns == before.st_mtime_ns
    assert model_digest(run(spec, ranks)) == truth


def test_a_damaged_entry_is_not_used(run, cache, copied):
    spec, weights = copied
    truth = model_digest(run(spec))
    entry = remember(cache, weights, FORGED)
    sound = bytearray(entry.read_bytes())
    for place in (0, len(sound) // 2, len(sound) - 2):
        damaged = bytearray(sound)
        damaged[place] ^= 1
        entry.write_bytes(damaged)
        assert model_digest(run(spec)) == truth
    entry.write_bytes(sound[:-40])
    assert model_digest(run(spec)) == truth


def test_one_ranks_forgery_is_not_another_ranks_truth(
    program, cache, material, tmp_path, write_spec
):
    """Ranks that see files of their own do not share digests: they agree or are refused."""
    dated(tmp_path)
    for rank in range(2):
        shutil.copytree(material / "checkpoints/good", tmp_path / f"{rank}/model")
    spec = write_spec(model={"checkpoint": "model"})
    script = tmp_path / "by_rank.sh"
    line = f"cd {tmp_path}/$OMPI_COMM_WORLD_RANK && exec {program.path}"
    script.write_text(f"#!/bin/sh\n{line} run {spec} --out {tmp_path}/out\n")
    script.chmod(0o755)
    command = type(program)(str(script))
    assert command(ranks=2).returncode == 0
    remember(cache, tmp_path / "1/model/model.safetensors", FORGED)
    result = command(ranks=2)
    assert result.returncode == 2, result.stderr
    assert "rank 1 has another model digest" in result.stderr


def test_a_folder_that_cannot_be_written_is_no_harm(run, program, finished, cache, tmp_path):
    cache.write_text("a file stands where the folder should be")
    out = run(finished / "spec.yaml")
    same, differences = is_identical(program, finished / "out", out)
    assert same, differences
    assert cache.is_file()


def test_files_that_just_changed_are_not_remembered(run, cache, copied):
    spec, _ = copied
    run(spec)
    assert not cache.exists()


def test_files_left_alone_are_remembered_and_change_no_archive(run, program, cache):
    weights = SOURCE / "configs/models/embedded/model.safetensors"
    dated(weights.parent)
    status = weights.stat()
    if time.time() - max(status.st_mtime, status.st_ctime) < 120:
        pytest.skip("the sources were checked out a moment ago")
    first = run(shipped("smoke"))
    entry = entry_path(cache, weights)
    text = entry.read_text()
    digest = text.splitlines()[-2].removeprefix("digest ")
    assert text == entry_text(weights, digest)
    second = run(shipped("smoke"), 2)
    same, differences = is_identical(program, first, second)
    assert same, differences
    assert sorted(Path(cache / "gainsweep").iterdir()) == sorted(
        entry_path(cache, file) for file in (weights, weights.parent / "config.json")
    )
