"""Evaluations cut into chunks of samples, and plans under constraints, with the real program."""

import json

import h5py
import numpy as np
import pytest
from conftest import merged, tiny_spec
from gainsweep_analysis import archive as analysis


def run(program, material, folder, changes, ranks=1):
    folder.mkdir()
    (folder / "spec.yaml").write_text(json.dumps(merged(tiny_spec(material), changes)))
    done = program("run", folder / "spec.yaml", "--out", folder / "out", ranks=ranks)
    return folder / "out/archive.h5", done


@pytest.fixture(scope="module")
def whole(program, material, tmp_path_factory):
    path, done = run(program, material, tmp_path_factory.mktemp("whole") / "run", {})
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("ranks", [1, 2])
def test_chunks_give_the_losses_of_the_whole_set(program, material, whole, tmp_path, ranks):
    changes = {"evaluate": {"chunk": 1}}
    path, done = run(program, material, tmp_path / "run", changes, ranks)
    assert done.returncode == 0, done.stderr
    with h5py.File(path) as file:
        rows = file["evaluations/losses"]
        assert rows["loss"].shape[1] == 1
        assert rows["first_sample"][:6].tolist() == [0, 1, 2] * 2
        with h5py.File(whole) as at_once:
            for name in ("entropy", "spread", "divergence", "tilt"):
                expected = at_once[f"evaluations/losses/{name}"][()]
                assert np.array_equal(rows[name][()].ravel(), expected.ravel()), name
    expected, found = analysis.read(whole), analysis.read(path)
    assert expected.evaluations.keys() == found.evaluations.keys()
    for key, evaluation in expected.evaluations.items():
        assert np.array_equal(evaluation.loss, found.evaluations[key].loss)


def gains(plans):
    """By threshold."""
    return dict(zip(plans["threshold"][()].tolist(), plans["gain"][:, 0].tolist(), strict=True))


def test_constraints_are_kept_and_told(program, material, whole, tmp_path):
    changes = {"solve": {"constraints": {"bits": 14}, "strategies": ["ip"], "frontier": False}}
    path, done = run(program, material, tmp_path / "run", changes)
    assert done.returncode == 3, "small thresholds leave no plan with so few bits"
    with h5py.File(path) as file:
        assert "no plan keeps the threshold and solve.constraints" in done.stderr
        reasons = file["failures/reason"].asstr()[()]
        assert all("bits: 14 allowed" in reason for reason in reasons) and len(reasons)
        plans = file["plans/macs/ip"]
        assert plans["constraint"].asstr()[()].tolist() == [["bits"]] * len(plans["threshold"])
        assert (plans["amount"][()] <= 14).all()
        kept = gains(plans)
    with h5py.File(whole) as file:
        free = gains(file["plans/macs/ip"])
    assert kept and all(gain <= free[threshold] for threshold, gain in kept.items())
