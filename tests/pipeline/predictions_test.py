"""What the archive predicts, against sums written out from the samples' scores."""

import json
import math

import h5py
import numpy as np
import pytest
from conftest import merged, tiny_spec
from gainsweep_analysis.statistics import mean_change as mean_change_of_samples

LENGTH = 16
ANCHORS = 4
MODEL_ERROR = 1.959964 * 0.15 / 2  # of 95 %, on the logarithm of a root mean square


def predicted_mse(model, total, rate):
    beta = {"first_order": 0, "bias": LENGTH / 2, "anchored": rate}[model]
    return total + (beta * total) ** 2


@pytest.fixture(scope="module")
def archive(program, material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    changes = {
        "calibration": {"length": LENGTH},
        "formats": {"low": ["int8", "fp8_e4m3", "fp8_e5m2"]},
        "sensitivity": {"anchor_samples": ANCHORS, "precision": "fp32"},
    }
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps(merged(tiny_spec(material), changes)))
    done = program("run", spec, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    with h5py.File(folder / "out/archive.h5") as file:
        yield file


def contribution(file, noise, sample, op, place):
    """What a sample adds to the loss error of an op in a format: docs/method.md."""
    if place == 0:
        return 0
    scores = file["scores"]
    operands = np.flatnonzero(file["operands/op"][()] == op)
    if noise == "empirical":
        return scores["signed_error"][sample, operands, place - 1].sum() ** 2
    if noise == "squares":
        return scores["square_error"][sample, operands, place - 1].sum()
    if file["formats/weight_kind"].asstr()[place] == "integer":
        return scores["step_norm"][sample, operands, place - 1].sum() / 12
    bits = int(file["formats/weight_mantissa_bits"][place])
    alpha = 2.0 ** (-2 * bits) / 12 * (3 / (8 * math.log(2)) if noise == "log_uniform" else 1)
    return alpha * scores["sensitivity"][sample, operands].sum()


@pytest.mark.parametrize("noise", ["empirical", "squares", "paper", "log_uniform"])
def test_loss_errors_are_means_over_samples(archive, noise):
    stored = archive[f"loss_errors/{noise}"][()]
    samples = range(len(archive["scores/loss"]))
    for op in range(stored.shape[0]):
        for place in range(stored.shape[1]):
            terms = [contribution(archive, noise, sample, op, place) for sample in samples]
            assert stored[op, place] == pytest.approx(np.mean(terms), rel=1e-12)


def test_shrunken_loss_errors_lie_between_signed_errors_and_squares(archive):
    """docs/method.md, "Shrunken"; over all ops, each rounded in every format."""
    samples, ops = range(len(archive["scores/loss"])), range(len(archive["ops/path"]))
    for place in range(1, len(archive["formats/name"])):
        e, q = (
            np.array([[contribution(archive, noise, r, op, place) for op in ops] for r in samples])
            for noise in ("empirical", "squares")
        )
        ratios = np.log(e.mean(axis=0) / q.mean(axis=0))
        sampling = (e / e.mean(axis=0) - q / q.mean(axis=0)).var(axis=0, ddof=1) / len(samples)
        factor = np.exp(ratios.mean())
        reliability = max(0, 1 - sampling.mean() / ratios.var(ddof=1))
        mixed = e.mean(axis=0) ** reliability * (factor * q.mean(axis=0)) ** (1 - reliability)
        mixed *= e.mean(axis=0).sum() / mixed.sum()
        np.testing.assert_allclose(archive["loss_errors/shrunken"][:, place], mixed, rtol=1e-9)
        assert archive["shrinkage/factor"][place - 1] == pytest.approx(factor, rel=1e-9)
        assert archive["shrinkage/reliability"][place - 1] == pytest.approx(reliability, abs=1e-9)
        assert factor > 0 and 0 <= reliability < 1


def mean_change(loss, entropy, spread, loss_change, divergence, tilt):
    """What samples say of the mean change of the loss: docs/method.md, "Anchors"."""
    gap = np.mean(loss - entropy)
    flattening = tilt.sum() / spread.sum()
    correction = gap * flattening
    closed = divergence.mean() - correction
    error = loss_change.var(ddof=1) / len(loss_change)
    weight = (correction / 2) ** 2 / ((correction / 2) ** 2 + error)
    change = closed + weight * (loss_change.mean() - closed)
    return change, loss_change.mean(), divergence.mean(), gap, flattening


def changes_of_anchors(file):
    """By low format."""
    anchors = {name: file["anchors"][name][()] for name in file["anchors"] if name != "points"}
    of_sample = [anchors[name] for name in ("loss", "entropy", "spread")]
    by_format = [anchors[name].T for name in ("loss_change", "divergence", "tilt")]
    return [mean_change(*of_sample, *numbers) for numbers in zip(*by_format, strict=True)]


def rate_of(file, noise):
    """β: of all anchors together."""
    whole = file[f"loss_errors/{noise}"][:, 1:].sum()
    return sum(change[0] for change in changes_of_anchors(file)) / whole


def test_anchors_are_the_first_samples(archive):
    assert archive["anchors/sample"][()].tolist() == list(range(ANCHORS))
    losses = archive["scores/loss"][:ANCHORS]
    assert archive["anchors/loss"][()] == pytest.approx(losses, rel=1e-5), "evaluation's arithmetic"
    assert (archive["anchors/divergence"][()] > 0).all()


def test_mean_changes_follow_from_anchors(archive):
    table = archive["mean_changes"]
    names = ("change", "measured", "divergence", "gap", "flattening")
    stored = np.array([table[name][()] for name in names]).T
    assert table["format"].asstr()[()].tolist() == ["int8", "fp8_e4m3", "fp8_e5m2"]
    np.testing.assert_allclose(stored, changes_of_anchors(archive), rtol=1e-9)


def test_the_analysis_has_the_same_formula(archive):
    anchors = archive["anchors"]
    found = mean_change_of_samples(
        anchors["loss_change"][()].T,
        anchors["loss"][()] - anchors["entropy"][()],
        anchors["spread"][()],
        anchors["divergence"][()].T,
        anchors["tilt"][()].T,
    )
    assert found == pytest.approx(archive["mean_changes/change"][()], rel=1e-9)


def test_bias_rates_follow_from_mean_changes(archive):
    table = archive["bias_rates"]
    for noise, rate, low, high in zip(
        table["noise"].asstr()[()],
        *(table[name][()] for name in ("bias_rate", "low", "high")),
        strict=True,
    ):
        assert rate == pytest.approx(rate_of(archive, noise), rel=1e-9)
        assert low < rate < high


def test_evaluations_show_what_plans_do(archive):
    """The all-high row is where every departure starts; those of plans are theirs."""
    rows = archive["evaluations/losses"]
    assignments = rows["assignment"][()]
    high = ~assignments.any(axis=1)
    assert not rows["divergence"][high].any() and not rows["tilt"][high].any()
    assert (rows["divergence"][~high] > 0).all()
    assert (rows["entropy"][()] > 0).all() and (rows["spread"][()] > 0).all()


def test_predictions_follow_from_loss_errors(archive):
    assignments = dict(
        zip(
            archive["evaluations/losses/assignment_key"].asstr()[()],
            archive["evaluations/losses/assignment"][()],
            strict=True,
        )
    )
    square = np.mean(archive["scores/loss"][()] ** 2)
    table = {name: archive["predictions"][name] for name in archive["predictions"]}
    keys, noises, models = (
        table[name].asstr()[()] for name in ("assignment_key", "noise", "loss_model")
    )
    assert set(models) == {"first_order", "bias", "anchored"} and len(set(noises)) == 5
    assert set(keys) == {key for key, assignment in assignments.items() if assignment.any()}
    for row, (key, noise, model) in enumerate(zip(keys, noises, models, strict=True)):
        errors = archive[f"loss_errors/{noise}"][()]
        total = errors[np.arange(len(errors)), assignments[key]].sum()
        mse = predicted_mse(model, total, rate_of(archive, noise))
        assert table["loss_error"][row] == pytest.approx(total, rel=1e-12)
        assert table["predicted_mse"][row] == pytest.approx(mse, rel=1e-9)
        if model == "anchored":
            bias = rate_of(archive, noise) * total
            assert table["predicted_bias"][row] == pytest.approx(bias, rel=1e-9)
        error = table["predicted_error"][row]
        assert error == pytest.approx(math.sqrt(mse / square), rel=1e-9)
        for end in (table["high"][row] / error, error / table["low"][row]):
            assert end >= math.exp(MODEL_ERROR) * (1 - 1e-9), "the model's own error at least"


def test_plans_have_the_same_predictions(archive):
    """Under the spec's own noise and loss model."""
    predicted = {}
    names = ("assignment_key", "noise", "loss_model")
    columns = [archive[f"predictions/{name}"].asstr()[()] for name in names]
    for row, place in enumerate(zip(*columns, strict=True)):
        predicted[place] = tuple(
            archive[f"predictions/{name}"][row] for name in ("predicted_mse", "low", "high")
        )
    found = 0
    for objective in archive["plans"]:
        plans = archive[f"plans/{objective}/ip"]
        keys = plans["assignment_key"].asstr()[:, 0]
        ends = [plans[f"predicted_{end}"][:, 0] for end in ("low", "high")]
        for key, value, low, high in zip(keys, plans["predicted_mse"][:, 0], *ends, strict=True):
            stored = predicted.get((key, "empirical", "anchored"))
            if stored is None:
                assert low == high == value == 0, "nothing is lowered"
                continue
            found += 1
            assert stored == (pytest.approx(value, rel=1e-12), low, high)
    assert found > 3


def test_no_anchors_count_as_bias(program, material, tmp_path):
    changes = {"calibration": {"length": LENGTH}, "sensitivity": {"anchor_samples": 0}}
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(merged(tiny_spec(material), changes)))
    done = program("run", spec, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "out/archive.h5") as file:
        assert not {"anchors", "mean_changes", "bias_rates"} & set(file)
        rows = file["predictions"]
        models = rows["loss_model"].asstr()[()]
        mse = rows["predicted_mse"][()]
        assert (mse[models == "anchored"] == mse[models == "bias"]).all()
