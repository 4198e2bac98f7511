"""What a plan scores in a task, beside the all-high model on the same items."""

import math
from dataclasses import dataclass

import numpy as np

from ..contents import Answers, Task
from ..statistics import BATCH_ELEMENTS, CONFIDENCE, Estimate
from .metrics import METRICS, Metric, items_asked, right_loglikelihood, square_changes

DRAWS = 10_000  # of items, for every interval
SEED = 0  # of them


@dataclass(frozen=True)
class Pairs:
    """Items that a plan and the all-high model answer differently."""

    only_baseline: int  # answered rightly by it alone
    only_plan: int
    p_value: float  # exact McNemar: that both are as often right
    flipped: float  # share of the items with another answer, whatever is right
    difference_error: float | None  # standard error of the paired difference


@dataclass(frozen=True)
class Score:
    """A metric of one plan; intervals are of items drawn again, the same ones for both models."""

    metric: Metric
    value: Estimate
    standard_error: float | None  # of shares alone
    difference: Estimate  # less the all-high model's
    pairs: Pairs | None  # of shares alone

    @property
    def is_apart(self) -> bool:
        """Whether the difference can be told from chance: by McNemar's test, or its interval."""
        if self.pairs is not None:
            return self.pairs.p_value < 1 - CONFIDENCE
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True)
class Result:
    """A task under one plan."""

    scores: dict[str, Score]  # by name of the metric
    right_change: Estimate | None  # of the right choice's log-likelihood, mean, nat
    square_change: Estimate  # mean of (Δll a token)² over requests, nat²


def results(task: Task) -> dict[str, Result]:
    """By assignment key; empty without answers of the all-high model, or items to score."""
    places, base = items_asked(task), task.baseline
    if base is None or not places.size:
        return {}
    sheet = _Sheet(places)
    for key, answers in task.answers.items():
        for metric in METRICS[task.kind]:
            sheet.add((key, metric.name), *metric.columns(task, answers))
        sheet.add((key, "square_change"), *_square_columns(task, answers, base))
        if task.kind != "rolling":
            change = right_loglikelihood(task, answers) - right_loglikelihood(task, base)
            sheet.add((key, "right_change"), change)
    sheet.draw()
    own = next(key for key, answers in task.answers.items() if answers is base)
    return {key: _result(task, sheet, key, own) for key in task.answers}


def _square_columns(task: Task, answers: Answers, base: Answers) -> tuple[np.ndarray, np.ndarray]:
    """Sums over the requests of each item, and their number."""
    count = len(task.label)
    squares = square_changes(task, answers, base)
    return np.bincount(task.item, squares, count), np.bincount(task.item, minlength=count)


def _result(task: Task, sheet: "_Sheet", key: str, base: str) -> Result:
    scores = {}
    for metric in METRICS[task.kind]:
        own, other = (sheet.values(metric.value, (k, metric.name)) for k in (key, base))
        pairs = None
        if metric.answers is not None:
            pairs = _pairs(task, metric, sheet, key, base)
        scores[metric.name] = Score(
            metric,
            _estimate(*own),
            _standard_error(sheet.column(key, metric.name)) if metric.is_share else None,
            _estimate(own[0] - other[0], own[1] - other[1]),
            pairs,
        )
    right = (key, "right_change")
    return Result(
        scores,
        _estimate(*sheet.values(lambda mean: mean, right)) if right in sheet else None,
        _estimate(*sheet.values(lambda squares, count: squares / count, (key, "square_change"))),
    )


def _pairs(task: Task, metric: Metric, sheet: "_Sheet", key: str, base: str) -> Pairs:
    assert metric.answers is not None
    difference = sheet.column(key, metric.name) - sheet.column(base, metric.name)
    given = (metric.answers(task, task.answers[k])[sheet.places] for k in (key, base))
    lost, won = int(np.sum(difference < 0)), int(np.sum(difference > 0))
    flipped = float(np.mean(np.not_equal(*given)))
    return Pairs(lost, won, mcnemar(lost, won), flipped, _standard_error(difference))


def mcnemar(lost: int, won: int) -> float:
    """Exact two-sided p-value of as many discordant pairs if both ways were equally likely."""
    count, least = lost + won, min(lost, won)
    tail = sum(math.comb(count, k) for k in range(least + 1))
    return min(1.0, 2 * tail / 2**count)


def _standard_error(values: np.ndarray) -> float | None:
    """Of a mean; None of one value."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def _estimate(value: np.ndarray, drawn: np.ndarray) -> Estimate:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if drawn.size else (math.nan, math.nan)
    return Estimate(float(value), float(low), float(high))


class _Sheet:
    """Columns of numbers of each item, whose means are taken over all items and over draws."""

    def __init__(self, places: np.ndarray):
        self.places = places
        self._columns: list[np.ndarray] = []
        self._found: dict[tuple[str, str], slice] = {}

    def __contains__(self, name: tuple[str, str]) -> bool:
        return name in self._found

    def add(self, name: tuple[str, str], *columns: np.ndarray) -> None:
        first = len(self._columns)
        self._columns += [np.asarray(column, float)[self.places] for column in columns]
        self._found[name] = slice(first, len(self._columns))

    def draw(self) -> None:
        """Every draw takes as many items as there are; none of a single item."""
        table = np.stack(self._columns, axis=1)
        count = len(table)
        self._means = table.mean(axis=0)
        drawn = [np.empty((0, table.shape[1]))]
        generator, batch = np.random.default_rng(SEED), max(1, BATCH_ELEMENTS // count)
        for first in range(0, DRAWS if count > 1 else 0, batch):
            size = min(batch, DRAWS - first)
            places = generator.integers(count, size=(size, count))
            places += count * np.arange(size)[:, None]
            times = np.bincount(places.ravel(), minlength=size * count).reshape(size, count)
            drawn.append(times @ table / count)
        self._drawn = np.concatenate(drawn)

    def column(self, key: str, name: str) -> np.ndarray:
        """The first of a name."""
        return self._columns[self._found[key, name].start]

    def values(self, value, name: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
        """A function of the means of a name's columns: over all items, and of every draw."""
        columns = self._found[name]
        return value(*self._means[columns]), value(*self._drawn[:, columns].T)
