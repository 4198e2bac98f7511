"""Measured times, with the real program: what is asked for, stored, marked and left out."""

import json

import h5py
import numpy as np
import pytest
from conftest import merged, tiny_spec
from variant_test import EMBEDDED

STRICT = {"precision": 1e-9}  # no clock is that precise


@pytest.fixture(scope="module")
def written(material, tmp_path_factory):
    """Writes the embedded model's spec with changes."""
    folder = tmp_path_factory.mktemp("specs")

    def write(name, **changes):
        path = folder / f"{name}.yaml"
        spec = merged(merged(tiny_spec(material), EMBEDDED), changes)
        path.write_text(json.dumps(spec, indent=1))
        return path

    return write


@pytest.fixture(scope="module")
def timed(program, written, tmp_path_factory):
    """A run whose times miss the precision that is asked for, and what it said."""
    folder = tmp_path_factory.mktemp("timed")
    solve = {"objectives": ["time", "macs"], "gain": "median"}
    spec = written("median", latency=STRICT, solve=solve)
    result = program("run", spec, "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder, spec, result.stderr


def test_times_that_are_not_precise_go_on_once_and_are_marked(program, timed):
    folder, _, said = timed
    with h5py.File(folder / "out/archive.h5") as archive:
        contests = archive["measured/contests"]
        assert (contests["blocks"][()] == 4).all(), "2 repetitions, and one more round of 2"
        assert (contests["is_precise"][()] == 0).all()
        assert (contests["width"][()] > 1e-9).all()
        baselines = contests["baseline"][()]
        of_subgraphs = contests["assignment_key"].asstr()[()] == ""
        quietest = np.flatnonzero(contests["is_quietest"])
        assert baselines[quietest] == [baselines[of_subgraphs].min()]
        rounds = archive["measured/latency/class_0/round"][()]
        assert rounds.tolist() == [0, 1]
    assert "times are less precise than the 1e-07 % of a run" in said
    status = program("status", folder / "out").stdout
    assert "times are less precise" in status
    listed = json.loads(program("status", folder / "out", "--json").stdout)
    assert len(listed["remarks"]) == 1


def test_what_plans_save_is_a_part_of_a_run(timed):
    folder, _, _ = timed
    with h5py.File(folder / "out/archive.h5") as archive:
        tables = archive["measured/latency"]
        medians = {}
        for name, table in tables.items():
            seconds = table["seconds"][()].reshape(-1, table["seconds"].shape[-1])
            parts = (seconds[:, :1] - seconds) / seconds[:, :1]
            medians[name] = np.median(parts, axis=0)
        gains = archive["measured/gains/time"]
        classes = archive["subgraphs/class"][()]
        members = np.bincount(classes)
        for subgraph, place, saved in zip(
            gains["subgraph"], gains["configuration"], gains["saved"], strict=True
        ):
            cls = classes[subgraph]
            assert saved == pytest.approx(medians[f"class_{cls}"][place] / members[cls], abs=1e-15)
        np.testing.assert_array_equal(gains["gain"][()], np.rint(1e9 * gains["saved"][()]))
        savings = archive["measured/savings"]
        known = dict(zip(savings["assignment_key"].asstr()[()], savings["saved"], strict=True))
        plans = archive["measured/plans/time/ip"]
        key = plans["assignment_key"].asstr()[0, 0]
        assert known[key] == pytest.approx(plans["gain"][0, 0] / 1e9, abs=1e-7)
        assert (savings["saved_low"][()] <= savings["saved_high"][()]).all()


def test_solve_makes_the_same_of_the_same_times(program, timed):
    folder, spec, _ = timed
    result = program("solve", folder / "out/archive.h5", spec, "--out", folder / "new.h5")
    assert result.returncode == 0, result.stderr
    same = program("diff", folder / "out/archive.h5", folder / "new.h5", "--measured")
    assert same.returncode == 0, same.stdout


def test_the_lower_end_counts_unless_medians_are_asked_for(program, written, timed):
    folder, _, _ = timed
    spec = written("lower", latency=STRICT, solve={"objectives": ["time", "macs"]})
    result = program("solve", folder / "out/archive.h5", spec, "--out", folder / "lower.h5")
    assert result.returncode == 0, result.stderr
    with h5py.File(folder / "lower.h5") as archive:
        gains = archive["measured/gains/time"]
        low, high = gains["saved_low"][()], gains["saved_high"][()]
        counted = np.where((low <= 0) & (high >= 0), 0, low)
        np.testing.assert_array_equal(gains["gain"][()], np.rint(1e9 * counted))


def test_without_the_objective_nothing_is_timed_or_counted(program, written):
    long = {"length": 100_000}  # no position of the model is that late
    spec = written("macs", latency=long, solve={"objectives": ["macs"]})
    assert program("check", spec).returncode == 0
    planned = json.loads(program("plan", spec, "--json").stdout)
    stages = {stage["stage"]: stage for stage in planned["stages"]}
    assert (stages["timing"]["units"], stages["timing"]["seconds"]) == (0, 0)
    assert "timed" not in planned
    assert "100000" in program.refuses("check", written("long", latency=long))


def test_plans_that_are_not_timed_cost_no_time(program, written):
    def seconds(name, **evaluate):
        spec = written(name, evaluate=evaluate, latency={"repetitions": 1000})
        stages = json.loads(program("plan", spec, "--json").stdout)["stages"]
        return next(stage["seconds"] for stage in stages if stage["stage"] == "planning")

    # A thousand repetitions of plans are not to be overlooked.
    assert seconds("timed") > 3 * seconds("untimed", time=False)
    assert seconds("timed") > 3 * seconds("none", strategies=[])
