"""Whatever is wrong with the input: exit code 2, one message tells it, nothing half-written."""

import importlib.util
import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from conftest import SOURCE, load_checkpoint_maker, random_tokens, write_tokens

SPECS = sorted((SOURCE / "tests/specs").glob("*.yaml"))
CHECKPOINTS = {name: text for name, (_, text) in load_checkpoint_maker().cases().items()}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_wrong_specs(program, path):
    expected = path.with_suffix(".expected").read_text()
    assert program.refuses("check", path.name, cwd=path.parent) == expected


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_wrong_checkpoints(program, material, write_spec, tmp_path, name):
    spec = write_spec(model={"checkpoint": str(material / "checkpoints" / name)})
    assert CHECKPOINTS[name] in program.refuses("check", spec)


def test_a_run_refuses_before_it_writes(program, material, write_spec, tmp_path):
    for name in ("truncated", "missing_tensor"):
        spec = write_spec(model={"checkpoint": str(material / "checkpoints" / name)})
        message = program.refuses("run", spec, "--out", tmp_path / "out")
        assert CHECKPOINTS[name] in message
        assert not (tmp_path / "out").exists()


def test_several_ranks_refuse_with_one_message(program, material, write_spec, tmp_path):
    spec = write_spec(model={"checkpoint": str(material / "checkpoints/truncated")})
    result = program("run", spec, "--out", tmp_path / "out", ranks=2)
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("truncated (tensor") == 1, result.stderr
    assert not (tmp_path / "out").exists()


def test_stages_that_do_not_fit_into_memory(program, write_spec, tmp_path):
    spec = write_spec(memory_limit=0.001)
    message = program.refuses("run", spec, "--out", tmp_path / "out")
    assert "the stage observe needs about" in message
    assert "memory_limit allows a rank 0.001 GB" in message and "shorten calibration" in message
    assert not (tmp_path / "out").exists()
    plan = program("plan", spec)
    assert plan.returncode == 0 and "refused by run: the stage score needs" in plan.stdout
    assert "enough for 0 ranks" in plan.stdout
    stages = json.loads(program("plan", spec, "--json").stdout)["stages"]
    assert [stage["stage"] for stage in stages if stage["refused"]] == [
        stage["stage"] for stage in stages if stage["rank_bytes"] > 0
    ]


def out_of_vocabulary(path):
    tokens = random_tokens(400)
    tokens[77] = 16
    write_tokens(path, tokens)


def negative(path):
    tokens = random_tokens(400)
    tokens[3] = -1
    write_tokens(path, tokens)


TOKENS = {
    "out_of_vocabulary": (out_of_vocabulary, "77"),
    "negative": (negative, "-1"),
    "too_short": (lambda path: write_tokens(path, random_tokens(108)), "need 109"),
    "empty": (lambda path: write_tokens(path, random_tokens(0)), "0 tokens"),
    "real_numbers": (lambda path: write_tokens(path, np.ones(400)), "integer"),
    "two_dimensions": (
        lambda path: write_tokens(path, random_tokens(400).reshape(20, 20)),
        "dimension",
    ),
    "no_such_dataset": (lambda path: write_tokens(path, random_tokens(400), "ids"), "tokens"),
    "a_group": (lambda path: h5py.File(path, "w").create_group("tokens").file.close(), "tokens"),
    "not_hdf5": (lambda path: path.write_bytes(b"1 2 3 4" * 300), "HDF5"),
    "no_bytes": (lambda path: path.write_bytes(b""), "HDF5"),
    "absent": (lambda path: None, "No such file"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
def test_wrong_token_files(program, write_spec, tmp_path, name):
    make, text = TOKENS[name]
    make(tmp_path / "wrong.h5")
    spec = write_spec(calibration={"tokens": str(tmp_path / "wrong.h5")})
    message = program.refuses("run", spec, "--out", tmp_path / "out")
    assert str(tmp_path / "wrong.h5") in message and text in message, message
    assert not (tmp_path / "out").exists()


def test_evaluation_must_not_repeat_calibration(program, write_spec, tmp_path):
    # The same texts under another name.
    write_tokens(tmp_path / "copy.h5", random_tokens(400))
    spec = write_spec(evaluate={"tokens": str(tmp_path / "copy.h5")})
    message = program.refuses("check", spec)
    assert "evaluation sample 0 is calibration sample 0" in message


def test_sequences_beyond_the_model(program, write_spec):
    message = program.refuses("check", write_spec(calibration={"length": 33}))
    assert "32" in message and "33" in message


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


@pytest.fixture(params=["truncated", "flipped", "foreign", "text", "absent"])
def wrong_archive(request, finished, tmp_path):
    path = tmp_path / "wrong.h5"
    good = (finished / "out/archive.h5").read_bytes()
    if request.param == "truncated":
        path.write_bytes(truncated(good))
    elif request.param == "flipped":
        path.write_bytes(flipped(good))
    elif request.param == "foreign":
        write_tokens(path, random_tokens(9))
    elif request.param == "text":
        path.write_text("not an archive\n")
    return path


def test_wrong_archives(program, finished, wrong_archive, tmp_path):
    good = finished / "out/archive.h5"
    new = tmp_path / "new.h5"
    spec = finished / "spec.yaml"
    assert str(wrong_archive) in program.refuses("solve", wrong_archive, spec, "--out", new)
    assert not new.exists()
    assert str(wrong_archive) in program.refuses("diff", good, wrong_archive)
    assert str(wrong_archive) in program.refuses("diff", wrong_archive, good)


def test_the_analysis_refuses_wrong_archives_too(wrong_archive, tmp_path):
    if importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    environment = os.environ | {"PYTHONPATH": str(SOURCE / "analysis")}
    for command in (["table"], ["report", "--out", str(tmp_path / "report.html")]):
        result = subprocess.run(
            [sys.executable, "-m", "gainsweep_analysis", command[0], wrong_archive, *command[1:]],
            check=False, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert result.returncode == 2, result.stderr
        assert "Traceback" not in result.stderr and str(wrong_archive) in result.stderr
        assert not (tmp_path / "report.html").exists()


def test_the_output_is_a_file(program, finished, tmp_path):
    (tmp_path / "out").write_text("precious")
    message = program.refuses("run", finished / "spec.yaml", "--out", tmp_path / "out")
    assert f"{tmp_path / 'out'} is a file" in message
    assert (tmp_path / "out").read_text() == "precious"


def test_the_output_cannot_be_written(program, finished):
    # Not even root can make a folder there.
    message = program.refuses("run", finished / "spec.yaml", "--out", "/proc/out", code=1)
    assert "/proc/out cannot be written" in message
    result = program("run", finished / "spec.yaml", "--out", "/proc/out", ranks=2)
    assert result.returncode == 1
    assert result.stderr.count("/proc/out cannot be written") == 1, result.stderr


def test_a_full_disk(program, finished, tmp_path):
    new = "/dev/full/new.h5"
    message = program.refuses("solve", finished / "out/archive.h5", finished / "spec.yaml",
                              "--out", new, code=1)  # fmt: skip
    assert new in message or "/dev/full" in message


def test_no_such_spec(program, tmp_path):
    for command in (
        ["check"],
        ["show"],
        ["plan"],
        ["run", "--out", str(tmp_path / "out")],
    ):
        for path in ("nothing.yaml", str(SOURCE)):
            message = program.refuses(command[0], path, *command[1:])
            assert path in message
    assert not (tmp_path / "out").exists()


def test_a_damaged_ledger(program, copy_of_finished):
    ledger = copy_of_finished / "out/run.json"
    for text in ("", "{", "[]", json.dumps({"name": 3})):
        ledger.write_text(text)
        assert f"{ledger} is damaged" in program.refuses("status", copy_of_finished / "out")
