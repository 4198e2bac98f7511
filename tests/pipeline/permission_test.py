"""Files and folders that a user may not read or write are told as that, never as missing ones;
users of a group share an output folder under umask 002. As root, who may become other users."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import SOURCE, merged, tiny_spec

NOBODY, SOMEBODY, GROUP = 64001, 64002, 64003
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
SHARD = "model-00001-of-00001.safetensors"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root may become other users (by setpriv)",
)


def as_user(program, user, *arguments, umask="002"):
    drop = ["setpriv", f"--reuid={user}", f"--regid={GROUP}", "--clear-groups"]
    shell = ["sh", "-c", f'umask {umask} && exec "$@"', "sh"]
    return subprocess.run(
        [*drop, *shell, program.path, *map(str, arguments)],
        check=False, cwd=SOURCE, capture_output=True, text=True, timeout=120,
        env=os.environ | {"XDG_CACHE_HOME": "/nonexistent", "HOME": "/nonexistent"},
    )  # fmt: skip


@pytest.fixture
def place(program):
    """A folder that everybody may enter, unlike pytest's own."""
    if as_user(program, NOBODY, "--version").returncode != 0:
        pytest.skip("other users may not start the program where it lies")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def spec(place, material):
    """The tiny spec with copies of its inputs there."""
    shutil.copytree(material / "checkpoints/good", place / "model")
    shutil.copy(material / "tokens.h5", place)
    text = merged(
        tiny_spec(material),
        {
            "model": {"checkpoint": str(place / "model")},
            "calibration": {"tokens": str(place / "tokens.h5")},
        },
    )
    (place / "spec.yaml").write_text(json.dumps(text))
    return place / "spec.yaml"


def refused(result, path, code=2):
    assert result.returncode == code, result.stderr
    assert "ermission denied" in result.stderr and str(path) in result.stderr, result.stderr
    assert "no such" not in result.stderr.lower() and "not there" not in result.stderr
    return result.stderr


def shard(model):
    """Makes the checkpoint one of a shard and an index."""
    header = json.loads((model / SINGLE).read_bytes()[8:].split(b"]}}")[0] + b"]}}")
    (model / SINGLE).rename(model / SHARD)
    (model / INDEX).write_text(json.dumps({"weight_map": dict.fromkeys(header, SHARD)}))


@pytest.mark.parametrize(
    "name", ["spec.yaml", "tokens.h5", "model/config.json", f"model/{SINGLE}", "model"]
)
def test_a_file_that_may_not_be_read(program, place, spec, name):
    (place / name).chmod(0o000)
    for command in (["check"], ["plan"], ["run", "--out", "/nonexistent/out"]):
        refused(as_user(program, NOBODY, command[0], spec, *command[1:]), place / name)


@pytest.mark.parametrize("name", [SHARD, INDEX])
def test_a_shard_that_may_not_be_read(program, place, spec, name):
    shard(place / "model")
    assert as_user(program, NOBODY, "check", spec).returncode == 0
    (place / "model" / name).chmod(0o000)
    refused(as_user(program, NOBODY, "check", spec), place / "model" / name)


def test_a_folder_that_may_not_be_entered(program, place, spec):
    (place / "model").chmod(0o644)
    message = refused(as_user(program, NOBODY, "check", spec), place / "model/config.json")
    assert f"may not enter the folder {place / 'model'}" in message
    place.chmod(0o644)
    refused(as_user(program, NOBODY, "check", spec), spec)
    refused(as_user(program, NOBODY, "status", place / "out"), place / "out")
    place.chmod(0o755)


def test_an_output_folder_that_may_not_be_written(program, place, spec):
    (place / "out").mkdir(mode=0o755)
    refused(as_user(program, NOBODY, "run", spec, "--out", place / "out"), place / "out", code=1)
    refused(as_user(program, NOBODY, "run", spec, "--out", place / "new"), place / "new", code=1)
    assert list((place / "out").iterdir()) == []


def test_an_archive_that_may_not_be_read(program, place, spec):
    assert program("run", spec, "--out", place / "out").returncode == 0
    (place / "out/archive.h5").chmod(0o000)
    for arguments in (
        ["diff", place / "out/archive.h5", place / "out/archive.h5"],
        ["solve", place / "out/archive.h5", spec, "--out", place / "new.h5"],
    ):
        refused(as_user(program, NOBODY, *arguments), place / "out/archive.h5")


def test_users_of_a_group_share_a_folder(program, place, spec):
    out = place / "out"
    out.mkdir()
    os.chown(out, -1, GROUP)
    out.chmod(0o2775)
    first = as_user(program, NOBODY, "run", spec, "--out", out)
    assert first.returncode == 0, first.stderr
    for path in (out, *out.rglob("*")):
        status = path.stat()
        assert status.st_gid == GROUP, path
        assert status.st_mode & 0o020, f"{path} is not the group's to write"
    text = merged(json.loads(spec.read_text()), {"calibration": {"samples": 8}})
    spec.write_text(json.dumps(text))
    second = as_user(program, SOMEBODY, "run", spec, "--out", out)
    assert second.returncode == 0, second.stderr
    assert {path.stat().st_uid for path in out.rglob("*.h5")} == {NOBODY, SOMEBODY}
