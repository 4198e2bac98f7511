"""What the archive predicts, against sums written out from the samples' scores."""

import json
import math

import h5py
import numpy as np
import pytest
from conftest import merged, tiny_spec

MODELS = {
    "first_order": lambda total, length: total,
    "bias": lambda total, length: total + (length / 2 * total) ** 2,
}


LENGTH = 16


@pytest.fixture(scope="module")
def archive(program, material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    changes = {
        "calibration": {"length": LENGTH},
        "formats": {"low": ["int8", "fp8_e4m3", "fp8_e5m2"]},
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
    if file["formats/kind"].asstr()[place] == "integer":
        return scores["step_norm"][sample, operands, place - 1].sum() / 12
    bits = int(file["formats/mantissa_bits"][place])
    alpha = 2.0 ** (-2 * bits) / 12 * (3 / (8 * math.log(2)) if noise == "log_uniform" else 1)
    return alpha * scores["sensitivity"][sample, operands].sum()


@pytest.mark.parametrize("noise", ["empirical", "paper", "log_uniform"])
def test_loss_errors_are_means_over_samples(archive, noise):
    stored = archive[f"loss_errors/{noise}"][()]
    samples = range(len(archive["scores/loss"]))
    for op in range(stored.shape[0]):
        for place in range(stored.shape[1]):
            terms = [contribution(archive, noise, sample, op, place) for sample in samples]
            assert stored[op, place] == pytest.approx(np.mean(terms), rel=1e-12)


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
    assert set(models) == set(MODELS) and len(set(noises)) == 3
    assert set(keys) == {key for key, assignment in assignments.items() if assignment.any()}
    for row, (key, noise, model) in enumerate(zip(keys, noises, models, strict=True)):
        errors = archive[f"loss_errors/{noise}"][()]
        total = errors[np.arange(len(errors)), assignments[key]].sum()
        mse = MODELS[model](total, LENGTH)
        assert table["loss_error"][row] == pytest.approx(total, rel=1e-12)
        assert table["predicted_mse"][row] == pytest.approx(mse, rel=1e-12)
        error = table["predicted_error"][row]
        assert error == pytest.approx(math.sqrt(mse / square), rel=1e-12)
        assert table["low"][row] <= error <= table["high"][row]
        assert table["low"][row] < table["high"][row]


def test_plans_have_the_same_predictions(archive):
    """Under the spec's own noise and loss model."""
    predicted = {}
    names = ("assignment_key", "noise", "loss_model")
    columns = [archive[f"predictions/{name}"].asstr()[()] for name in names]
    for row, place in enumerate(zip(*columns, strict=True)):
        predicted[place] = archive["predictions/predicted_mse"][row]
    found = 0
    for objective in archive["plans"]:
        plans = archive[f"plans/{objective}/ip"]
        for keys, values in zip(
            plans["assignment_key"].asstr()[()], plans["predicted_mse"][()], strict=True
        ):
            stored = predicted.get((keys[0], "empirical", "bias"))
            if stored is not None:
                found += 1
                assert stored == pytest.approx(values[0], rel=1e-12)
    assert found > 3
