"""Estimates with bootstrap intervals."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95
NORMAL_QUANTILE = 1.959963984540054  # of (1 + CONFIDENCE) / 2
BATCH_ELEMENTS = 1 << 22


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; NaN bounds where one observation allows none."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> "Estimate":
        """`factor` must not be negative."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)


def bootstrap(
    statistic: Callable[..., np.ndarray],
    *columns: np.ndarray,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> Estimate:
    """The statistic of paired observations with its percentile bootstrap interval.

    `statistic` takes the columns and works along their last axis; observations are drawn together
    from all columns, the same ones for equal counts and seeds."""
    count = len(columns[0])
    value = float(statistic(*columns))
    if count < 2:
        return Estimate(value, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    batch = max(1, BATCH_ELEMENTS // count)
    drawn = []
    for first in range(0, resamples, batch):
        places = generator.integers(count, size=(min(batch, resamples - first), count))
        drawn.append(statistic(*(column[places] for column in columns)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def mean(values: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    return np.mean(values, axis=-1)


def tau(mean_square_error: float, mean_square_loss: float) -> float:
    return math.sqrt(mean_square_error / mean_square_loss)


def relative_rms(loss: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """τ: √mean (g − g_high)² / √mean g_high², along the last axis."""
    square = np.mean((loss - baseline) ** 2, axis=-1)
    return np.sqrt(square / np.mean(baseline**2, axis=-1))


def measured_tau(loss: np.ndarray, baseline: np.ndarray) -> Estimate:
    """τ over evaluation samples; the interval is over samples."""
    return bootstrap(relative_rms, loss, baseline)


def arithmetic_floor(pairs: list[tuple[np.ndarray, np.ndarray]], baseline: np.ndarray) -> float:
    """Half-width, as a share of τ, of the interval that arithmetic alone gives a measured τ.

    Each pair has a plan's losses and those of the same plan at the next larger static scales: two
    draws of the same rounding decisions, so that the difference of their τ has twice the variance
    of one."""
    errors = [
        (relative_rms(loss, baseline), relative_rms(other, baseline)) for loss, other in pairs
    ]
    changes = [(other - error) / error for error, other in errors if error > 0]
    if not changes:
        return 0.0
    return NORMAL_QUANTILE * float(np.sqrt(np.mean(np.square(changes)) / 2))


def widened(estimate: Estimate, share: float) -> Estimate:
    """An estimate that is not negative, whose interval also holds an independent error of this
    share of its value."""
    more = share * estimate.value
    low = estimate.value - np.hypot(estimate.value - estimate.low, more)
    high = estimate.value + np.hypot(estimate.high - estimate.value, more)
    return Estimate(estimate.value, float(np.maximum(low, 0)), float(high))


def mean_change(
    change: np.ndarray,
    surplus: np.ndarray,
    spread: np.ndarray,
    divergence: np.ndarray,
    tilt: np.ndarray,
) -> np.ndarray:
    """The mean change b of the loss, nat, along the last axis: docs/method.md, "Anchors".

    `change` is g̃ − g, `surplus` g − entropy of all-high."""
    count = change.shape[-1]
    total = np.sum(spread, axis=-1)
    flattening = np.sum(tilt, axis=-1) / np.where(total > 0, total, np.inf)
    correction = np.mean(surplus, axis=-1) * flattening
    closed = np.mean(divergence, axis=-1) - correction
    measured = np.mean(change, axis=-1)
    uncertain = correction**2 / 4
    error = np.var(change, axis=-1, ddof=1) / count
    weight = uncertain / np.where(uncertain > 0, uncertain + error, 1)
    return closed + weight * (measured - closed)


def time_saved(
    seconds: np.ndarray, configuration: int = 1, whole: np.ndarray | None = None
) -> Estimate:
    """Part of an all-high run that a configuration saves: the median over blocks of the time of
    configuration 0 minus its own, over that of the whole all-high model in the same block
    (configuration 0 unless given). A machine that grows slower between blocks changes nothing."""
    high = seconds[:, 0]
    return times_saved(seconds, [configuration], high if whole is None else whole)


def times_saved(seconds: np.ndarray, configurations: list[int], whole: np.ndarray) -> Estimate:
    """Sum of what configurations of the same blocks save, each by itself."""
    parts = ((seconds[:, 0] - seconds[:, place]) / whole for place in configurations)
    return bootstrap(lambda *saved: sum(np.median(one, axis=-1) for one in saved), *parts)


def perplexity(loss: np.ndarray) -> float:
    return float(np.exp(np.mean(loss)))
