"""Token files that say where their samples lie and which targets count (docs/token_files.md)."""

import h5py
import numpy as np
import pytest
from conftest import random_tokens

LENGTH = 12


def write_samples(path, samples, mask=None):
    with h5py.File(path, "w") as file:
        file["tokens"] = np.concatenate(samples)
        file["samples/offset"] = np.cumsum([0, *map(len, samples)])
        if mask is not None:
            file["mask"] = np.asarray(mask, np.uint8)
    return path


@pytest.fixture
def windows():
    """Those that the plain file of the tiny spec is cut into."""
    stream = random_tokens(400)
    return [stream[i * LENGTH : (i + 1) * LENGTH + 1] for i in range(9)]


def test_samples_of_a_file_are_those_of_a_plain_stream(
    program, finished, write_spec, tmp_path, windows
):
    path = write_samples(tmp_path / "own.h5", windows, np.ones(9 * (LENGTH + 1)))
    spec = write_spec(calibration={"tokens": str(path)})
    result = program("run", spec, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with h5py.File(finished / "out/archive.h5") as a, h5py.File(tmp_path / "out/archive.h5") as b:
        for table in ("maxima", "scores", "anchors", "plans/macs/ip", "evaluations/losses"):
            assert a[table].attrs["sha256"] == b[table].attrs["sha256"], table
        assert "unit_key" in a["scores"], "equal keys, too"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"long": 4}, "sample 4 has 13 tokens and calibration.length is 12 (the most that"),
        ({"masked": 7}, "sample 7 has no target that counts"),
        ({"few": 8}, "8 samples where 9 are needed"),
    ],
)
def test_what_cannot_be_run_is_named(program, write_spec, tmp_path, windows, change, said):
    mask = np.ones(9 * (LENGTH + 1))
    if "long" in change:
        windows[change["long"]] = np.append(windows[change["long"]], 1)
        mask = None
    if "masked" in change:
        first = change["masked"] * (LENGTH + 1)
        mask[first + 1 : first + LENGTH + 1] = 0
    if "few" in change:
        windows = windows[: change["few"]]
        mask = None
    path = write_samples(tmp_path / "own.h5", windows, mask)
    spec = write_spec(calibration={"tokens": str(path)})
    for command in ("check", "plan"):
        message = program.refuses(command, spec)
        assert str(path) in message and said in message


def test_windows_without_a_target_that_counts_are_named(program, write_spec, tmp_path):
    path = tmp_path / "windows.h5"
    with h5py.File(path, "w") as file:
        file["tokens"] = random_tokens(400)
        file["mask"] = np.ones(400, np.uint8)
        file["mask"][5 * LENGTH + 1 : 6 * LENGTH + 1] = 0
    message = program.refuses("check", write_spec(calibration={"tokens": str(path)}))
    assert str(path) in message and "sample 5 has no target that counts" in message


def test_a_sample_of_one_token_is_named(program, write_spec, tmp_path, windows):
    windows[2] = windows[2][:1]
    path = write_samples(tmp_path / "own.h5", windows)
    message = program.refuses("check", write_spec(calibration={"tokens": str(path)}))
    assert "entry 3 is 27 behind 26 (a sample has a token and a target at least)" in message


def test_offsets_that_do_not_fit_are_named(program, write_spec, tmp_path, windows):
    path = write_samples(tmp_path / "own.h5", windows)
    with h5py.File(path, "r+") as file:
        file["samples/offset"][3] = 400
    message = program.refuses("check", write_spec(calibration={"tokens": str(path)}))
    assert "'samples/offset': entry 4 is 52 behind 400" in message
