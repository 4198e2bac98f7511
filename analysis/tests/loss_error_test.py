"""Predictions from per-sample scores against sums written out."""

import math

import numpy as np
import pytest
from gainsweep_analysis.loss_error import (
    contributions,
    loss_errors,
    noise_constant,
    predicted_mse,
    predicted_tau,
)


def by_hand(found, noise, op, place):
    """d of one op and format, written out as the formulas of docs/method.md."""
    format_ = found.formats[place]
    operands = [k for k, operand in enumerate(found.operands) if operand.op == op]
    total = 0.0
    for r in range(len(found.scores.loss)):
        if noise == "empirical":
            total += sum(found.scores.signed_error[r, k, place - 1] for k in operands) ** 2
        elif format_.kind == "integer":
            total += sum(found.scores.step_norm[r, k, place - 1] for k in operands) / 12
        else:
            alpha = {"fp8_e4m3": 2**-6 / 12, "fp8_e5m2": 2**-4 / 12}[format_.name]
            if noise == "log_uniform":
                alpha *= 3 / (8 * math.log(2))
            total += alpha * sum(found.scores.sensitivity[r, k] for k in operands)
    return total / len(found.scores.loss)


@pytest.mark.parametrize("noise", ["empirical", "paper", "log_uniform"])
def test_loss_errors(cases, noise):
    found = cases("formats").archive
    errors = loss_errors(found, noise)
    assert errors.shape == (len(found.ops), 4)
    assert not errors[:, 0].any()
    for op in (0, 3, len(found.ops) - 1):
        for place in (1, 2, 3):
            assert errors[op, place] == pytest.approx(by_hand(found, noise, op, place), rel=1e-12)


def test_log_uniform_is_0_541_of_the_worst_case(cases):
    e4m3 = cases("formats").archive.formats[2]
    assert noise_constant(e4m3, "log_uniform") / noise_constant(e4m3, "paper") == pytest.approx(
        0.541, abs=5e-4
    )


def test_bias_model():
    assert predicted_mse("first_order", 1e-4, 256) == 1e-4
    assert predicted_mse("bias", 1e-4, 256) == pytest.approx(1e-4 + (128 * 1e-4) ** 2)


@pytest.mark.parametrize("name", ["whole", "formats"])
def test_agrees_with_the_archive(cases, name):
    """The stored plans' sums follow from the scores under the spec's own noise and loss model."""
    found = cases(name).archive
    contribution = contributions(found, "empirical")
    for plans in found.plans.values():
        assignment, stored = plans.assignment[-1, 0], plans.predicted_mse[-1, 0]
        estimate = predicted_tau(found, contribution, assignment, found.spec["solve"]["loss_model"])
        tau = math.sqrt(stored / np.mean(found.scores.loss**2))
        assert estimate.value == pytest.approx(tau, rel=1e-12)
        assert estimate.low <= estimate.value <= estimate.high
