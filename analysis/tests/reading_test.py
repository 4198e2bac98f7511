"""The package as a library: what its README promises to programs."""

import re
from pathlib import Path

import gainsweep_analysis as gainsweep
import h5py
import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_readmes_example_runs(cases, capsys):
    path = cases("whole").path
    (example,) = re.findall(
        r"```python\n(import gainsweep_analysis.*?)```", README.read_text(), re.S
    )
    assert '"out/embedded"' in example
    exec(example.replace('"out/embedded"', repr(str(path))), {})
    assert capsys.readouterr().out.startswith("0 {}\n")


def test_arrays_are_the_files(cases):
    path = cases("formats").path
    run = gainsweep.read(path)
    with h5py.File(path, locking=False) as file:
        assert np.array_equal(run.scores.loss, file["scores/loss"][()])
        assert np.array_equal(run.scores.signed_error, file["scores/signed_error"][()])
        plans = run.plans["macs", "ip"]
        for name in ("threshold", "assignment", "gain", "loss_error", "predicted_mse"):
            assert np.array_equal(getattr(plans, name), file[f"plans/macs/ip/{name}"][()]), name
        assert [op.path for op in run.ops] == list(file["ops/path"].asstr()[()])
    samples, operands, low = run.scores.signed_error.shape
    assert (samples, operands, low) == (len(run.scores.loss), len(run.operands), len(run.low))
    assert plans.assignment.shape == (len(plans.threshold), 1, len(run.ops))


def test_a_points_archive_is_the_sweeps(cases):
    path = cases("whole").path
    sweep = gainsweep.open(path)
    assert isinstance(sweep, gainsweep.Sweep)
    run = sweep.at(sweep.points[0])
    assert np.array_equal(run.scores.loss, sweep.tables["scores"]["loss"])
    assert gainsweep.open(path.parent).path == path  # the folder of a run


def test_what_is_no_archive_is_told(tmp_path):
    with pytest.raises(gainsweep.ArchiveError, match="there is no such file"):
        gainsweep.open(tmp_path / "absent.h5")


def test_every_name_is_there():
    assert all(hasattr(gainsweep, name) for name in gainsweep.__all__)
