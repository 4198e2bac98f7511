"""Plans beside what was measured of them: one row per objective and threshold."""

from dataclasses import dataclass

import numpy as np

from .contents import Archive, Evaluation, Plans
from .statistics import Estimate, bootstrap, mean_change, measured_tau, perplexity, tau, time_saved

NANOSECOND = 1e-9


@dataclass(frozen=True)
class PlanRow:
    objective: str
    strategy: str
    threshold: float  # allowed τ
    lowered: dict[str, float]  # share of the ops by low format
    gain: int
    gain_units: str
    gain_share: float | None  # of what all-high takes
    predicted_tau: float
    predicted_interval: tuple[float, float]  # of τ
    predicted_bias: float  # mean change of the loss, nat
    measured_tau: Estimate | None
    measured_bias: Estimate | None  # nat
    predicted_time: float | None  # s saved a run
    measured_time: Estimate | None  # s saved a run
    perplexity: float | None
    other_gains: dict[str, float]  # of the other strategies, the median over their draws
    assignment: np.ndarray  # [op], index of the format
    assignment_key: str

    @property
    def is_off(self) -> bool:
        """Whether the predicted τ lies outside the interval of the measured one."""
        measured = self.measured_tau
        return measured is not None and not measured.low <= self.predicted_tau <= measured.high


def main_strategy(archive: Archive, objective: str) -> str:
    """The first of the spec's that has plans."""
    return archive.strategies(objective)[0]


def rows(archive: Archive, objective: str) -> list[PlanRow]:
    """The plans of the main strategy of an objective, by threshold."""
    plans = archive.plans[objective, main_strategy(archive, objective)]
    return [plan_row(archive, plans, point) for point in np.argsort(plans.threshold, kind="stable")]


def plan_row(archive: Archive, plans: Plans, point: int) -> PlanRow:
    """The plan at one place of a table of plans, of several draws the first."""
    threshold = float(plans.threshold[point])
    assignment = plans.assignment[point, 0]
    key = str(plans.assignment_key[point, 0])
    evaluation = archive.evaluations.get(key, Evaluation(key))
    gain = int(plans.gain[point, 0])
    total = total_cost(archive, plans.objective)
    saved = predicted_time(archive, assignment)
    return PlanRow(
        objective=plans.objective,
        strategy=plans.strategy,
        threshold=threshold,
        lowered=lowered_share(archive, assignment),
        gain=gain,
        gain_units=archive.objective(plans.objective).units,
        gain_share=gain / total if total else None,
        predicted_tau=tau(plans.predicted_mse[point, 0], archive.mean_square_loss),
        predicted_interval=(
            float(plans.predicted_low[point, 0]),
            float(plans.predicted_high[point, 0]),
        ),
        predicted_bias=float(plans.predicted_bias[point, 0]),
        measured_tau=evaluated_tau(archive, evaluation),
        measured_bias=evaluated_bias(archive, evaluation),
        predicted_time=saved,
        measured_time=None if evaluation.seconds is None else time_saved(evaluation.seconds),
        perplexity=None if evaluation.loss is None else perplexity(evaluation.loss),
        other_gains=_other_gains(archive, plans, threshold),
        assignment=assignment,
        assignment_key=key,
    )


def _other_gains(archive: Archive, plans: Plans, threshold: float) -> dict[str, float]:
    gains = {}
    for strategy in archive.strategies(plans.objective):
        other = archive.plans[plans.objective, strategy]
        point = other.point(threshold)
        if strategy != plans.strategy and point is not None:
            gains[strategy] = float(np.median(other.gain[point]))
    return gains


def lowered_share(archive: Archive, assignment: np.ndarray) -> dict[str, float]:
    return {
        name: float(np.mean(assignment == index)) for index, name in enumerate(archive.low, start=1)
    }


def predicted_error(row: PlanRow) -> Estimate:
    """A plan's predicted τ with the archive's interval."""
    return Estimate(row.predicted_tau, *row.predicted_interval)


def evaluated_tau(archive: Archive, evaluation: Evaluation) -> Estimate | None:
    baseline = archive.baseline
    if evaluation.loss is None or baseline is None:
        return None
    return measured_tau(evaluation.loss, baseline.loss)


def evaluated_bias(archive: Archive, evaluation: Evaluation) -> Estimate | None:
    """A plan's own mean change of the loss, nat; None where predictions show nothing."""
    high = archive.baseline
    if evaluation.loss is None or evaluation.divergence is None or high is None:
        return None
    if len(evaluation.loss) < 2:
        return None
    return bootstrap(
        mean_change,
        evaluation.loss - high.loss,
        high.loss - high.entropy,
        high.spread,
        evaluation.divergence,
        evaluation.tilt,
    )


def predicted_time(archive: Archive, assignment: np.ndarray) -> float | None:
    """Seconds that an assignment saves by the measured gains of its sub-graphs; None where a
    configuration was not timed (no real kernel)."""
    timed = [name for name in archive.gains if archive.objective(name).of_times]
    if not timed:
        return None
    names = [format_.name for format_ in archive.formats]
    total = 0
    for subgraph, gains in zip(archive.subgraphs, archive.gains[timed[0]], strict=True):
        gain = gains.get(tuple(names[assignment[op]] for op in subgraph.ops))
        if gain is None:
            return None
        total += gain
    return total * NANOSECOND


def baseline_seconds(archive: Archive) -> float | None:
    """Median time of the all-high forward pass; None where only sub-graphs were timed alone."""
    runs = [
        found.seconds[:, 0] for found in archive.evaluations.values() if found.seconds is not None
    ]
    if not runs and archive.spec["latency"]["scope"] == "model":
        runs = [timing.seconds[:, 0] for timing in archive.timings]
    return float(np.median(np.concatenate(runs))) if runs else None


def total_cost(archive: Archive, objective: str) -> float | None:
    """What all-high takes, in the units of the gain."""
    about = archive.objective(objective)
    if about.of_times:
        seconds = baseline_seconds(archive)
        return None if seconds is None else seconds / NANOSECOND
    return about.whole or None
