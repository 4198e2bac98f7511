"""The main job end to end: the shipped smoke spec, a second run, other specs on its folder."""

import h5py
import numpy as np
import pytest
from conftest import is_identical, parts, shipped

SMOKE = shipped("smoke")

DETERMINISTIC = {
    "ops", "operands", "subgraphs", "formats", "maxima", "weight_maxima", "scales", "scores",
    "timed_configurations",
    "anchors", "mean_changes", "bias_rates",
    "gains/macs", "gains/memory", "frontier/macs", "frontier/memory", "evaluations/losses",
    *(f"plans/{o}/{s}" for o in ("macs", "memory") for s in ("ip", "prefix", "random")),
}  # fmt: skip
MEASURED = {
    "gains/time", "frontier/time", "latency/class_0", "evaluations/times", "contests", "savings",
    *(f"plans/time/{s}" for s in ("ip", "prefix", "random")),
}  # fmt: skip


@pytest.fixture(scope="module")
def stored_weights(maker):
    """The tiny model's tensors as arrays, by name."""
    header, data = maker.tensors()
    return {
        name: np.frombuffer(data[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
        for name, entry in header.items()
    }


@pytest.fixture(scope="module")
def smoke(program, tmp_path_factory):
    folder = tmp_path_factory.mktemp("smoke")
    result = program("run", SMOKE, "--out", folder / "one")
    assert result.returncode == 0, result.stderr
    return folder


def test_the_archive_has_every_table(smoke):
    with h5py.File(smoke / "one/archive.h5") as archive:
        assert archive.attrs["schema"] == "gainsweep archive"
        for table in DETERMINISTIC | {f"measured/{table}" for table in MEASURED}:
            assert "long_name" in archive[table].attrs, table
        assert "failures" not in archive
        assert archive["scores/loss"].shape == (4,)
        assert archive["plans/macs/random/gain"].shape == (3, 5)
        assert archive["evaluations/losses/loss"].shape[1] == 4
        assert (archive["measured/latency/class_0/seconds"][()] > 0).all()
        assert archive["provenance"].attrs["name"] == "smoke"


def test_ops_name_the_modules_of_their_weights(finished, maker):
    header, _ = maker.tensors()
    with h5py.File(finished / "out/archive.h5") as archive:
        ops = archive["ops"]
        modules = dict(zip(ops["path"].asstr()[()], ops["module"].asstr()[()], strict=True))
        elements = dict(zip(ops["path"].asstr()[()], ops["weight_elements"][()], strict=True))
    assert modules["layers.0.attention.q"] == "model.layers.0.self_attn.q_proj"
    assert modules["lm_head"] == "model.embed_tokens"  # tied
    for path, module in modules.items():
        assert (module == "") == (elements[path] == 0)
        if module:
            first, second = header[module + ".weight"]["shape"]
            assert first * second == elements[path]


def test_scales_are_those_of_stored_weights_and_observed_activations(
    program, write_spec, tmp_path, stored_weights
):
    """The tiny model by numpy: int8 with a scale a channel, fp8 with a backoff."""
    low = {"int8": {"granularity": "channel"}, "fp8_e4m3": {"backoff": 0.5}}
    spec = write_spec(formats={"low": list(low), **low}, solve={"objectives": ["macs"]})
    result = program("run", spec, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        names = [archive[f"operands/{name}"].asstr()[()] for name in ("path", "role")]
        modules = archive["ops/module"].asstr()[()][archive["operands/op"][()]]
        scales = archive["scales/scale"][()]
        observed = archive["maxima/maximum"][()].max(axis=0)
        rows = {name: archive[f"weight_maxima/{name}"][()] for name in ("operand", "maximum")}
        backoffs = archive["formats/weight_backoff"][()]
    assert backoffs.tolist() == [1, 1, 0.5]
    assert {path.rsplit(".", 1)[1] for path in names[0]} == {
        *("input", "weight", "query", "key", "weights", "value")
    }
    for place, (role, module) in enumerate(zip(names[1], modules, strict=True)):
        amax = observed[place]
        if role == "weight":
            by_row = np.abs(stored_weights[module + ".weight"]).max(axis=1)
            assert (rows["maximum"][rows["operand"] == place] == by_row).all()
            amax = by_row.max()
        expected = [amax / 127, amax / (448 * 0.5)]
        assert scales[place] == pytest.approx(expected, rel=1e-6), names[0][place]


def test_ip_is_never_worse_than_the_baselines(smoke):
    with h5py.File(smoke / "one/archive.h5") as archive:
        for where in ("plans/macs", "plans/memory", "measured/plans/time"):
            plans = archive[where]
            best = plans["ip/gain"][:, 0]
            for strategy in ("prefix", "random"):
                assert (plans[f"{strategy}/gain"][()] <= best[:, None]).all(), where
            for strategy in ("ip", "prefix", "random"):
                cost, budget = (
                    plans[f"{strategy}/loss_error"],
                    plans[f"{strategy}/budget"],
                )
                assert (cost[()] <= budget[()][:, None] * (1 + 1e-12)).all(), where


def test_a_second_run_does_no_unit_again(program, smoke):
    before = parts(smoke / "one")
    result = program("run", SMOKE, "--out", smoke / "one")
    assert result.returncode == 0, result.stderr
    assert "units/s" not in result.stderr, "some unit was run again"
    assert parts(smoke / "one") == before


def test_other_ranks_take_over_a_finished_run(program, finished, copy_of_finished):
    before = parts(copy_of_finished / "out")
    command = ("run", copy_of_finished / "spec.yaml", "--out", copy_of_finished / "out")
    result = program(*command, ranks=2)
    assert result.returncode == 0, result.stderr
    assert parts(copy_of_finished / "out") == before
    same, differences = is_identical(program, finished / "out", copy_of_finished / "out")
    assert same, differences


def test_more_ranks_than_units_are_no_harm(program, write_spec, tmp_path):
    spec = write_spec(calibration={"samples": 1, "scale_samples": 1}, evaluate={"samples": 1})
    result = program("run", spec, "--out", tmp_path / "out", ranks=4)
    assert result.returncode == 0, result.stderr


def test_a_new_threshold_scores_nothing_again(program, finished, copy_of_finished, write_spec):
    before = parts(copy_of_finished / "out")
    spec = write_spec(solve={"thresholds": [1e-5, 2e-4, 1e-3, 1e-1]})
    result = program("run", spec, "--out", copy_of_finished / "out")
    assert result.returncode == 0, result.stderr
    done = {line.split()[0]: line for line in result.stderr.splitlines()}
    assert "units/s" not in done["observe"] and "units/s" not in done["score"]
    assert "units/s" in done["planning"], "the new threshold has plans of its own"
    after = parts(copy_of_finished / "out")
    assert before.items() <= after.items(), "old parts stay as they are"
    with h5py.File(copy_of_finished / "out/archive.h5") as archive:
        assert archive["plans/macs/ip/threshold"][()].tolist() == [
            1e-5,
            2e-4,
            1e-3,
            1e-1,
        ]


def test_going_back_leaves_no_trace(program, finished, copy_of_finished, write_spec):
    out = copy_of_finished / "out"
    spec = write_spec(solve={"thresholds": [2e-4]}, evaluate={"samples": 2})
    assert program("run", spec, "--out", out).returncode == 0
    assert program("run", copy_of_finished / "spec.yaml", "--out", out).returncode == 0
    with (
        h5py.File(finished / "out/archive.h5") as a,
        h5py.File(out / "archive.h5") as b,
    ):
        assert a.attrs["sha256"] == b.attrs["sha256"], "the digest of all deterministic contents"
