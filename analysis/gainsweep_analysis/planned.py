"""Plans as an archive holds them."""

from dataclasses import dataclass

import numpy as np

from .statistics import Estimate

PASSES_OF_LOSS_ERRORS = 3  # a forward pass, and a backward one that takes two


@dataclass(frozen=True)
class Plans:
    """The plans of one objective and strategy; `draw` has one place unless it draws several. With a
    `resource` they are those of least loss error within budgets of it: its amounts stand for
    thresholds and budgets, in its units."""

    objective: str
    strategy: str
    threshold: np.ndarray  # [point]
    budget: np.ndarray  # [point], nat²
    assignment: np.ndarray  # [point, draw, op], index of the format
    assignment_key: np.ndarray  # [point, draw]
    gain: np.ndarray  # [point, draw]
    loss_error: np.ndarray  # [point, draw], nat²
    predicted_mse: np.ndarray  # [point, draw], nat²
    predicted_bias: np.ndarray  # [point, draw], nat: mean change of the loss
    predicted_low: np.ndarray  # [point, draw], of the interval of τ
    predicted_high: np.ndarray  # [point, draw]
    num_samples: np.ndarray  # [point]
    certificate_gap: np.ndarray  # [point]
    certificate_nodes: np.ndarray  # [point]
    passes: np.ndarray  # [point], forward passes of a set of samples that it rests on
    reliability: np.ndarray | None = None  # [point], of scores from samples of searches
    resource: str = ""
    taken: np.ndarray | None = None  # [point, draw], of the resource

    def point(self, threshold: float) -> int | None:
        """The place of a threshold, None where its unit failed or was not asked for."""
        places = np.flatnonzero(np.isclose(self.threshold, threshold, rtol=1e-9, atol=0))
        return int(places[0]) if places.size else None


@dataclass(frozen=True)
class GivenPlan:
    """A plan of somebody else, read from a file of evaluate.plans."""

    name: str
    file: str
    assignment: np.ndarray  # [op], index of the format
    assignment_key: str
    loss_error: float  # nat²
    predicted_mse: float  # nat²
    predicted_bias: float  # nat
    predicted_low: float  # of the interval of τ
    predicted_high: float
    gains: dict[str, int]  # by objective, those that are known


@dataclass(frozen=True)
class Frontier:
    gain: np.ndarray
    loss_error: np.ndarray
    predicted_mse: np.ndarray
    assignment: np.ndarray  # [row, op], index of the format


@dataclass(frozen=True)
class Stability:
    """How the plans of `ip` for an objective change when calibration samples are drawn again."""

    threshold: np.ndarray  # [row]
    resamples: np.ndarray  # [row], that have a plan
    share: np.ndarray  # [row, op, low format], of them in which the op is in the format
    gain: list[Estimate]  # [row]: median, 2.5 % and 97.5 %; NaN without any plan

    def point(self, threshold: float) -> int | None:
        """The place of a threshold with any plan."""
        places = np.flatnonzero(np.isclose(self.threshold, threshold, rtol=1e-9, atol=0))
        return int(places[0]) if places.size and self.resamples[places[0]] else None
