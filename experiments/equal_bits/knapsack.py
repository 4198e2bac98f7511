"""The exact multiple-choice knapsack: one choice a group, least loss within a budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Choices:
    """What each choice of a group takes (whole bits) and costs."""

    bits: Sequence[int]
    losses: Sequence[float]


@dataclass(frozen=True)
class Stage:
    """Selections so far that no other one beats in bits and loss, by rising bits; where each
    comes from."""

    bits: np.ndarray
    losses: np.ndarray
    before: np.ndarray  # of the stage before
    choice: np.ndarray


class Solver:
    """Keeps what no other selection beats, group by group, and answers for any budget."""

    def __init__(self, groups: Sequence[Choices]) -> None:
        zero = np.zeros(1)
        self._stages = [Stage(zero.astype(np.int64), zero, zero.astype(int), zero.astype(int))]
        for group in groups:
            self._stages.append(_extended(self._stages[-1], group))

    def best(self, budget: float) -> list[int] | None:
        """The choice of each group; None where nothing fits into so many bits."""
        place = int(np.searchsorted(self._stages[-1].bits, budget, side="right")) - 1
        if place < 0:
            return None
        chosen = []
        for stage in reversed(self._stages[1:]):
            chosen.append(int(stage.choice[place]))
            place = int(stage.before[place])
        return chosen[::-1]


def _extended(stage: Stage, group: Choices) -> Stage:
    size, many = len(stage.bits), len(group.bits)
    bits = (stage.bits[:, None] + np.asarray(group.bits, np.int64)).ravel()
    losses = (stage.losses[:, None] + np.asarray(group.losses)).ravel()
    before, choice = np.divmod(np.arange(size * many), many)
    order = np.lexsort((losses, bits))
    least = np.minimum.accumulate(losses[order])
    better = np.concatenate(([True], least[1:] < least[:-1]))
    kept = order[better]
    return Stage(bits[kept], losses[kept], before[kept], choice[kept])
