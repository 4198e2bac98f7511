"""experiments/same_numbers: two archives by meaning, and old seconds solved again."""

import importlib.util
import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from conftest import SOURCE, merged, tiny_spec

FOLDER = SOURCE / "experiments/same_numbers"
CHANGED = {
    "maxima/maximum": "maxima/sample 0/maximum",
    "scores/signed_error": "scores/sample 0/signed_error",
    "gains/macs/gain": "gains/macs/",
    "plans/memory/prefix/loss_error": "plans/memory/prefix/threshold 1e-05/loss_error",
    "plans/macs/ip/assignment": "plans/macs/ip/threshold 1e-05/assignment",
    "frontier/macs/loss_error": "frontier/macs/loss_error",
    "evaluations/losses/loss": "evaluations/losses/assignment_key",
    "ops/macs": "ops/macs",
}


@pytest.fixture(scope="module")
def timed(program, material, tmp_path_factory):
    """An archive with times, beside fp32 so that every processor can take them."""
    folder = tmp_path_factory.mktemp("timed")
    changes = {
        "formats": {"high": "fp32"},
        "latency": {"warmup": 1, "repetitions": 4, "least_repetitions": 2, "budget_seconds": 1},
        "solve": {"objectives": ["time", "macs", "memory"]},
    }
    (folder / "spec.yaml").write_text(json.dumps(merged(tiny_spec(material), changes)))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder / "out/archive.h5"


def compare(*arguments):
    command = [sys.executable, FOLDER / "compare.py", "--same-layout", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def last_bit(values):
    """With the last bit of the first number flipped."""
    values = np.array(values)
    words = values.reshape(-1).view(np.int64)
    words[0] ^= 1
    return values


def changed_copy(archive, path, tmp_path, change=last_bit):
    copy = shutil.copy(archive, tmp_path / "changed.h5")
    with h5py.File(copy, "r+") as file:
        file[path][...] = change(file[path][()])
    return copy


def test_an_archive_has_its_own_numbers(timed):
    result = compare(timed, timed)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("the same numbers\n")


@pytest.mark.parametrize("path", CHANGED)
def test_one_bit_is_noticed_and_named(timed, tmp_path, path):
    for order in (1, -1):
        both = [timed, changed_copy(timed, path, tmp_path)][::order]
        result = compare(*both)
        assert result.returncode == 1, result.stdout + result.stderr
        assert f"DIFFERENT: {CHANGED[path]}" in result.stdout


def test_a_missing_row_is_noticed(timed, tmp_path):
    copy = shutil.copy(timed, tmp_path / "less.h5")
    with h5py.File(copy, "r+") as file:
        rows = {name: field[1:] for name, field in file["scores"].items()}
        for name, values in rows.items():
            old = file["scores"][name]
            units = old.attrs["units"]
            del file["scores"][name]
            dtype = (
                h5py.string_dtype("utf-8", values.dtype.itemsize)
                if values.dtype.kind == "S"
                else None
            )
            file["scores"].create_dataset(name, data=values, dtype=dtype).attrs["units"] = units
    result = compare(timed, copy)
    assert result.returncode == 1
    assert "scores/sample 0/loss: only in the old one" in result.stdout


def test_what_a_clock_led_to_may_differ(timed, tmp_path):
    """Other times, other plans for time; the rest is compared all the same."""
    path = "measured/gains/time/gain"
    result = compare(timed, changed_copy(timed, path, tmp_path))
    assert result.returncode == 0, result.stdout
    assert "gains/time" not in result.stdout


def test_old_seconds_give_the_old_gains_and_plans(timed, program, tmp_path):
    result = compare("--times", timed, program.path)
    assert result.returncode == 0, result.stdout + result.stderr
    for table in ("gains/time", "plans/time/ip", "frontier/time"):
        assert f"x {table}" in result.stdout
    quicker = changed_copy(
        timed,
        "measured/latency/class_0/seconds",
        tmp_path,
        lambda seconds: seconds * np.where(np.arange(seconds.shape[-1]) > 0, 0.1, 1),
    )
    result = compare("--times", quicker, program.path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "DIFFERENT: point 0: gains/time" in result.stdout


def test_a_resolved_spec_is_said_anew():
    spec = importlib.util.spec_from_file_location("convert", FOLDER / "convert.py")
    convert = importlib.util.module_from_spec(spec)
    sys.modules["convert"] = convert
    spec.loader.exec_module(convert)
    changes = convert.Changes(
        schema=2,
        moved_keys={"latency.device": "device"},
        gone_keys=frozenset({"sensitivity.noise"}),
    )
    old = (
        "schema: 1\nname: a\nsensitivity:\n  noise: [paper]\nlatency:\n  device: cpu\n"
        "  length: 8\nseed: 0\n"
    )
    assert changes.spec(old) == "schema: 2\nname: a\nlatency:\n  length: 8\nseed: 0\ndevice: cpu\n"
    assert changes.numbers({"scores/sample 0/loss": 1}) == {"scores/sample 0/loss": 1}
    renamed = convert.Changes(renamed={"scores": "marks", "scores/loss": "marks/g"})
    assert renamed.path("scores/sensitivity") == "marks/sensitivity"
