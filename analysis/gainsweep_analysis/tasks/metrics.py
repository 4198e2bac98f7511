"""Metrics of tasks: what they are a mean of over items, and how they are shown."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..contents import Answers, Task


@dataclass(frozen=True)
class Metric:
    """A row of the table of metrics."""

    name: str
    title: str  # with its unit
    columns: Callable[[Task, Answers], tuple[np.ndarray, ...]]  # numbers of each item
    value: Callable[..., np.ndarray]  # of the columns' means
    answers: Callable[[Task, Answers], np.ndarray] | None = None  # of each item, where one is right

    @property
    def is_share(self) -> bool:
        """Whether it is the share of items that are answered rightly."""
        return self.answers is not None

    @property
    def factor(self) -> float:
        return 100 if self.is_share else 1

    @property
    def larger_is_better(self) -> bool:
        return self.is_share


def items_asked(task: Task) -> np.ndarray:
    """Places of the items that metrics are of: those of which it is known what is right."""
    return np.flatnonzero((task.label >= 0) | (task.kind != "choice"))


def chosen(task: Task, scores: np.ndarray) -> np.ndarray:
    """[item]: the choice with the largest score, of equal ones the first."""
    first = np.searchsorted(task.item, np.arange(len(task.label)))
    place = np.arange(len(task.item)) - first[task.item]
    padded = np.full((len(task.label), place.max() + 1), -np.inf)
    padded[task.item, place] = scores
    return np.argmax(padded, axis=1)


def right_loglikelihood(task: Task, answers: Answers) -> np.ndarray:
    """[item]: of the choice that is right; means nothing where none is."""
    first = np.searchsorted(task.item, np.arange(len(task.label)))
    return answers.loglikelihood[first + np.maximum(task.label, 0)]


def square_changes(task: Task, answers: Answers, baseline: Answers) -> np.ndarray:
    """[request]: (Δll a token)², nat²: the squared change of the loss of its targets."""
    return ((answers.loglikelihood - baseline.loglikelihood) / task.targets) ** 2


def _sums(task: Task, values: np.ndarray) -> np.ndarray:
    return np.bincount(task.item, values, len(task.label))


def _share(name: str, answers: Callable, right: Callable) -> Metric:
    return Metric(
        name,
        f"{name}, %",
        lambda task, given: (np.asarray(answers(task, given) == right(task), float),),
        lambda mean: mean,
        answers,
    )


def _of_choices(name: str, length: Callable[[Task], np.ndarray]) -> Metric:
    """The share of items whose right choice has the largest log-likelihood a unit of length."""
    return _share(
        name,
        lambda task, given: chosen(task, given.loglikelihood / length(task)),
        lambda task: task.label,
    )


def _perplexity(name: str, title: str, length: Callable[[Task], np.ndarray]) -> Metric:
    """By a unit of length, of which each item has as many."""
    return Metric(
        name,
        title,
        lambda task, given: (_sums(task, given.loglikelihood), length(task)),
        lambda mean, size: np.exp(-mean / size),
    )


PER_TOKEN = _perplexity("token_perplexity", "ppl/token", lambda task: _sums(task, task.targets))
METRICS = {  # by kind of task, the one that tables show first
    "choice": (
        _of_choices("acc", lambda task: np.ones(len(task.item))),
        _of_choices("acc_norm", lambda task: task.characters),
        _of_choices("acc_bytes", lambda task: task.bytes),
    ),
    "loglikelihood": (
        _share("acc", lambda task, given: given.greedy, lambda task: np.ones(len(task.label))),
        _perplexity("perplexity", "ppl", lambda task: np.ones(len(task.label))),
        PER_TOKEN,
    ),
    "rolling": (
        _perplexity("word_perplexity", "ppl/word", lambda task: task.item_words),
        _perplexity("byte_perplexity", "ppl/byte", lambda task: task.item_bytes),
        Metric(
            "bits_per_byte",
            "bits/byte",
            lambda task, given: (_sums(task, given.loglikelihood), task.item_bytes),
            lambda mean, size: -mean / size / np.log(2),
        ),
        PER_TOKEN,
    ),
}
SHOWN = {"hellaswag": ("acc_norm",), "loglikelihood": ("acc", "perplexity")}


def shown(task: Task) -> list[Metric]:
    """What tables of models show of a task: by its file's, or else its kind, or else the first."""
    of_kind = METRICS[task.kind]
    names = SHOWN.get(task.task, SHOWN.get(task.kind, (of_kind[0].name,)))
    return [metric for metric in of_kind if metric.name in names]
