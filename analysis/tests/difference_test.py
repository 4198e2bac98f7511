"""Paired differences of plans."""

from dataclasses import replace

import numpy as np
import pytest
from gainsweep_analysis import ArchiveError, Evaluation, difference, difference_of


def made_up(seed=5, count=400, apart=0.2):
    """All-high and two plans whose errors go with how hard a sample is; the second's are larger by
    `apart`."""
    random = np.random.default_rng(seed)
    base = random.normal(2.5, 0.5, count)
    hard = random.lognormal(sigma=1.5, size=count)

    def plan(key, factor):
        error = 1e-2 * hard * np.sqrt(factor)
        return Evaluation(key, loss=base + error, divergence=1e-3 * factor * hard)

    high = Evaluation("high", loss=base, divergence=np.zeros(count))
    return high, plan("first", 1.0), plan("second", 1 + apart)


def test_values_are_differences_of_means():
    high, first, second = made_up()
    found = difference(first, second, high)
    squares = [np.mean((plan.loss - high.loss) ** 2) for plan in (first, second)]
    assert found.samples == 400
    assert found.loss_mse.value == pytest.approx(squares[1] - squares[0], rel=1e-12)
    assert found.loss.value == pytest.approx(second.loss.mean() - first.loss.mean(), rel=1e-9)
    apart = second.divergence.mean() - first.divergence.mean()
    assert found.divergence.value == pytest.approx(apart, rel=1e-12)


def test_intervals_are_paired():
    """What makes samples hard for every plan cancels: intervals of the plans themselves overlap
    widely, that of their difference does not hold 0."""
    high, first, second = made_up()
    found = difference(first, second, high)
    errors = [plan.divergence.std() / np.sqrt(400) for plan in (first, second)]
    assert found.divergence.value < 2 * min(errors)
    assert 0 < found.divergence.low < found.divergence.high
    assert found.loss_mse.low > 0


def test_the_interval_of_a_mean_is_two_standard_errors_wide():
    high, first, second = made_up()
    found = difference(first, second, high)
    error = (second.divergence - first.divergence).std(ddof=1) / np.sqrt(400)
    assert found.divergence.high - found.divergence.low == pytest.approx(3.92 * error, rel=0.1)


def test_intervals_cover_no_difference():
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(200):
        base, *errors = random.normal(size=(3, 60))
        plans = [Evaluation("p", loss=base + 0.1 * error) for error in errors]
        found = difference(*plans, Evaluation("high", loss=base), resamples=300)
        covered += found.loss_mse.low <= 0 <= found.loss_mse.high
    assert 0.88 <= covered / 200 <= 0.99


def test_swapped_plans_swap_signs():
    high, first, second = made_up()
    found, swapped = difference(first, second, high), difference(second, first, high)
    for name in ("loss_mse", "loss", "divergence"):
        one, other = getattr(found, name), getattr(swapped, name)
        values = (-other.value, -other.high, -other.low)
        assert (one.value, one.low, one.high) == pytest.approx(values, rel=1e-9)


def test_no_class_scores_no_divergence():
    high, first, second = made_up()
    found = difference(first, replace(second, divergence=None), high)
    assert found.divergence is None and found.loss_mse.value > 0


def test_other_samples_are_refused():
    high, first, second = made_up()
    fewer = replace(second, loss=second.loss[:-1])
    with pytest.raises(ArchiveError, match=r"400, 399, 400 samples .* are not of the same"):
        difference(first, fewer, high)
    with pytest.raises(ArchiveError, match="has times alone"):
        difference(first, replace(second, loss=None), high)


def test_plans_of_an_archive(cases):
    found = cases("whole").archive
    first, second = (str(found.plans["macs", "ip"].assignment_key[place, 0]) for place in (0, -1))
    apart = difference_of(found, first, second)
    losses = [found.evaluations[key].loss - found.baseline.loss for key in (first, second)]
    change = np.mean(losses[1] ** 2) - np.mean(losses[0] ** 2)
    assert apart.loss_mse.value == pytest.approx(change, rel=1e-9)
    with pytest.raises(ArchiveError, match=r"plan nowhere was not evaluated.*evaluate\.plans"):
        difference_of(found, first, "nowhere")
