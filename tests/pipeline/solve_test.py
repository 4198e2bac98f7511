"""New plans from an archive, without the model."""

import h5py
import numpy as np
import pytest


@pytest.fixture
def archive(finished):
    return finished / "out/archive.h5"


def test_the_same_spec_gives_the_same_plans(program, finished, archive, tmp_path):
    new = tmp_path / "new.h5"
    result = program("solve", archive, finished / "spec.yaml", "--out", new)
    assert result.returncode == 0, result.stderr
    assert "20 plans and frontiers from 6 scored samples" in result.stdout
    same = program("diff", archive, new)
    assert same.returncode == 0, same.stdout


def test_other_thresholds_and_strategies(program, write_spec, archive, tmp_path):
    spec = write_spec(
        name="other.yaml",
        solve={"thresholds": [5e-4], "strategies": ["ip"], "objectives": ["memory"],
               "loss_model": "first_order", "noise": "paper", "frontier": False},
    )  # fmt: skip
    new = tmp_path / "new.h5"
    result = program("solve", archive, spec, "--out", new)
    assert result.returncode == 0, result.stderr
    with h5py.File(archive) as before, h5py.File(new) as after:
        assert list(after["plans"]) == ["memory"] and "frontier" not in after
        assert list(after["gains"]) == ["memory"]
        assert after["plans/memory/ip/threshold"][()].tolist() == [5e-4]
        loss = before["scores/loss"][()]
        budget = 5e-4**2 * np.mean(loss**2)
        assert after["plans/memory/ip/budget"][0] == pytest.approx(budget, rel=1e-12)
        assert after["scores"].attrs["sha256"] == before["scores"].attrs["sha256"]
        written = after["provenance"].get("spec_written")
        text = written.asstr()[()] if written else after["provenance"].attrs["spec_written"]
        assert text == spec.read_text()


def test_a_larger_threshold_never_gains_less(program, write_spec, archive, tmp_path):
    thresholds = [10 ** (k / 4) for k in range(-24, 1)]
    spec = write_spec(solve={"thresholds": thresholds, "strategies": ["ip"]})
    assert program("solve", archive, spec, "--out", tmp_path / "new.h5").returncode == 0
    with h5py.File(tmp_path / "new.h5") as new:
        for objective in ("macs", "memory"):
            gains = new[f"plans/{objective}/ip/gain"][:, 0]
            assert (np.diff(gains) >= 0).all() and gains[-1] > gains[0]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"calibration": {"samples": 5}}, "calibration: samples: 5"),
        ({"sensitivity": {"precision": "fp32"}}, "sensitivity: precision: fp32"),
        ({"seed": 3}, "seed: 3"),
        ({"formats": {"low": ["int8", "fp8_e4m3"]}}, "formats: low: [int8, fp8_e4m3]"),
    ],
)
def test_what_was_measured_cannot_change(program, write_spec, archive, tmp_path, changes, line):
    new = tmp_path / "new.h5"
    message = program.refuses("solve", archive, write_spec(**changes), "--out", new)
    assert f"differs from what {archive} measured" in message
    assert f"spec:    {line}" in message
    assert "run the spec anew" in message
    assert not new.exists()


def test_time_needs_timings(program, write_spec, archive, tmp_path):
    spec = write_spec(solve={"objectives": ["time"]})
    message = program.refuses("solve", archive, spec, "--out", tmp_path / "new.h5")
    assert "time is asked for, but nothing was timed" in message


def test_it_never_writes_into_an_old_archive(program, finished, archive):
    before = archive.read_bytes()
    message = program.refuses("solve", archive, finished / "spec.yaml", "--out", archive)
    assert "is there already" in message
    assert archive.read_bytes() == before


def test_diff_names_what_differs(program, write_spec, archive, tmp_path):
    spec = write_spec(solve={"thresholds": [1e-5, 1e-3, 2e-1]})
    assert program("solve", archive, spec, "--out", tmp_path / "new.h5").returncode == 0
    result = program("diff", archive, tmp_path / "new.h5")
    assert result.returncode == 1
    assert "plans/macs/ip" in result.stdout and "threshold" in result.stdout
    itself = program("diff", archive, archive, "--measured")
    assert (itself.returncode, itself.stdout) == (0, "bit-identical in everything\n")
