"""Estimates and their intervals."""

import math

import numpy as np
import pytest
from gainsweep_analysis import statistics
from gainsweep_analysis.statistics import (
    Estimate,
    arithmetic_floor,
    bootstrap,
    measured_tau,
    perplexity,
    time_saved,
    widened,
)


def mean(values):
    return np.mean(values, axis=-1)


def median(values):
    return np.median(values, axis=-1)


@pytest.mark.parametrize("statistic", [mean, median])
def test_intervals_cover_the_truth(statistic):
    random = np.random.default_rng(7)
    trials, covered = 300, 0
    for _ in range(trials):
        estimate = bootstrap(statistic, random.normal(5, 2, size=40), resamples=400)
        covered += estimate.low <= 5 <= estimate.high
    # 95 % intended; a percentile interval of 40 values loses a little, 300 trials scatter by 1.3 %.
    assert 0.88 <= covered / trials <= 0.99


def test_interval_of_a_mean_is_two_standard_errors_wide():
    values = np.random.default_rng(1).normal(size=2000)
    estimate = bootstrap(mean, values)
    width = 2 * 1.96 * values.std() / math.sqrt(len(values))
    assert estimate.high - estimate.low == pytest.approx(width, rel=0.05)
    assert estimate.low < estimate.value < estimate.high


def test_seeded_and_independent_of_batches(monkeypatch):
    values = np.random.default_rng(2).normal(size=50)
    once = bootstrap(mean, values)
    monkeypatch.setattr(statistics, "BATCH_ELEMENTS", 1000)
    assert bootstrap(mean, values) == once
    assert bootstrap(mean, values, seed=1) != once


def test_columns_are_drawn_together():
    x = np.random.default_rng(3).normal(size=30)
    estimate = bootstrap(lambda a, b: np.mean(a - b, axis=-1), x, x)
    assert (estimate.value, estimate.low, estimate.high) == (0, 0, 0)


def test_one_observation_has_no_interval():
    estimate = bootstrap(mean, np.array([3.0]))
    assert estimate.value == 3
    assert math.isnan(estimate.low)


def test_the_arithmetic_floor_covers_another_draw():
    # τ scatters by 3 % of itself; two draws of three plans show it.
    generator = np.random.default_rng(1)
    high, change = np.full(50, 2.0), generator.normal(size=50)
    floors = []
    for _ in range(400):
        draws = 0.1 * (1 + 0.03 * generator.normal(size=(3, 2)))
        floors.append(
            arithmetic_floor([(high + a * change, high + b * change) for a, b in draws], high)
        )
    assert np.sqrt(np.mean(np.square(floors))) == pytest.approx(1.96 * 0.03, rel=0.1)
    assert arithmetic_floor([(high, high)], high) == 0


def test_a_widened_interval_adds_in_quadrature():
    assert widened(Estimate(10, 7, 13), 0.4) == Estimate(10, 5, 15)
    assert widened(Estimate(1, 0.9, 1.1), 2).low == 0
    assert math.isnan(widened(Estimate(1, math.nan, math.nan), 0.1).low)
    assert widened(Estimate(10, 7, 13), 0) == Estimate(10, 7, 13)


def test_by_hand():
    loss, high = np.array([2.0, 3.5, 1.0]), np.array([2.5, 3.0, 1.0])
    tau = math.sqrt((0.25 + 0.25 + 0) / 3) / math.sqrt((6.25 + 9 + 1) / 3)
    assert measured_tau(loss, high).value == pytest.approx(tau, rel=1e-14)
    assert perplexity(np.array([1.0, 3.0])) == pytest.approx(math.e**2)
    seconds = np.array([[5.0, 4.0], [6.0, 4.5], [9.0, 7.9]])
    assert time_saved(seconds).value == pytest.approx(1 / 5)  # of 1/5, 1.5/6 and 1.1/9
    whole = np.array([10.0, 10.0, 10.0])
    assert time_saved(seconds, whole=whole).value == pytest.approx(0.11)
