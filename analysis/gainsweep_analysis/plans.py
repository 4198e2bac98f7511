"""Plans beside what was measured of them: one row per objective and threshold."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from .contents import Archive, Contest, Evaluation
from .planned import GivenPlan, Plans
from .statistics import (
    Estimate,
    arithmetic_floor,
    bootstrap,
    mean,
    mean_change,
    measured_tau,
    perplexity,
    tau,
    time_saved,
    widened,
)

RESAMPLED = "ip"  # the strategy whose programs are solved again on resamples


@dataclass(frozen=True)
class PlanRow:
    objective: str
    strategy: str
    threshold: float  # allowed τ; NaN of given plans and within a budget
    lowered: dict[str, float]  # share of the ops by low format
    gain: int | None  # as it counted when the plan was chosen; None where it is not known
    gain_units: str
    expected_gain: float | None  # in the same units; of measured times the sum of medians
    gain_share: float | None  # the expected gain over what all-high takes
    predicted_tau: float
    predicted_interval: tuple[float, float]  # of τ
    predicted_bias: float  # mean change of the loss, nat
    measured_tau: Estimate | None
    measured_bias: Estimate | None  # nat
    divergence: Estimate | None  # mean KL(all-high‖plan), nat
    alike: Estimate | None  # part of the targets whose likeliest class is all-high's
    top1: Estimate | None  # part of the targets that have the largest score
    top1_change: Estimate | None  # from all-high's, on the same samples
    top5: Estimate | None  # part that is among the five largest
    top5_change: Estimate | None
    predicted_time: Estimate | None  # part of an all-high run that is saved
    measured_time: Estimate | None  # the same
    is_predicted_precisely: bool  # the times that the prediction comes from are as precise as asked
    is_measured_precisely: bool  # the times of the whole plan are
    perplexity: float | None
    loss: float | None  # mean over the evaluation samples, nat
    other_gains: dict[str, float]  # of the other strategies, the median over their draws
    other_expected: dict[str, float]  # the same, of measured times the sums of medians
    resampled_gain: Estimate | None  # of the plans on resampled calibration samples
    agreement: float | None  # mean over ops of the share of those plans with the op's format
    assignment: np.ndarray  # [op], index of the format
    assignment_key: str
    resource: str = ""  # of the budget that it keeps; empty under a threshold
    budget: float | None = None  # in the resource's units
    taken: float | None = None  # the same

    @property
    def is_off(self) -> bool:
        """Whether the predicted τ lies outside the interval of the measured one."""
        measured = self.measured_tau
        return measured is not None and not measured.low <= self.predicted_tau <= measured.high

    @property
    def time_is_outside(self) -> bool:
        """Whether the predicted time lies outside the interval of the measured one."""
        predicted, measured = self.predicted_time, self.measured_time
        if predicted is None or measured is None or math.isnan(measured.low):
            return False
        return not measured.low <= predicted.value <= measured.high

    @property
    def time(self) -> Estimate | None:
        """What is known best of the time that is saved: measured, or else predicted."""
        return self.predicted_time if self.measured_time is None else self.measured_time


def main_strategy(archive: Archive, objective: str) -> str:
    """The first of the spec's that has plans."""
    return archive.strategies(objective)[0]


def rows(archive: Archive, objective: str) -> list[PlanRow]:
    """The plans of the main strategy of an objective, by threshold."""
    plans = archive.plans[objective, main_strategy(archive, objective)]
    return [plan_row(archive, plans, point) for point in np.argsort(plans.threshold, kind="stable")]


def given_rows(archive: Archive, objective: str) -> list[PlanRow]:
    """The given plans, each as a strategy of its own without a threshold, `given: NAME`."""
    return [plan_row(archive, _given(plan, objective), 0) for plan in archive.given]


def given_name(name: str) -> str:
    """What stands where those of strategies do."""
    return f"given: {name}"


def _given(plan: GivenPlan, objective: str) -> Plans:
    """As a table of one plan; a gain that is not known is NaN."""

    def cell(value: float) -> np.ndarray:
        return np.array([[value]])

    return Plans(
        objective=objective,
        strategy=given_name(plan.name),
        threshold=np.array([math.nan]),
        budget=np.array([math.nan]),
        assignment=plan.assignment[None, None, :],
        assignment_key=np.array([[plan.assignment_key]]),
        gain=cell(plan.gains.get(objective, math.nan)),
        loss_error=cell(plan.loss_error),
        predicted_mse=cell(plan.predicted_mse),
        predicted_bias=cell(plan.predicted_bias),
        predicted_low=cell(plan.predicted_low),
        predicted_high=cell(plan.predicted_high),
        num_samples=np.zeros(1, int),
        certificate_gap=np.zeros(1),
        certificate_nodes=np.zeros(1, int),
        passes=np.zeros(1, int),
    )


def plan_row(archive: Archive, plans: Plans, point: int) -> PlanRow:
    """The plan at one place of a table of plans, of several draws the first."""
    threshold = math.nan if plans.resource else float(plans.threshold[point])
    assignment = plans.assignment[point, 0]
    key = str(plans.assignment_key[point, 0])
    evaluation = archive.evaluations.get(key, Evaluation(key))
    high = archive.baseline or Evaluation("")
    gain = plans.gain[point, 0]
    is_known = not np.isnan(gain)
    expected = expected_gains(archive, plans, point)[0] if is_known else None
    timed = _contest(archive, plan=key)
    return PlanRow(
        objective=plans.objective,
        strategy=plans.strategy,
        threshold=threshold,
        lowered=lowered_share(archive, assignment),
        gain=int(gain) if is_known else None,
        gain_units=archive.objective(plans.objective).units,
        expected_gain=expected,
        gain_share=_share(expected, total_cost(archive, plans.objective)),
        predicted_tau=tau(plans.predicted_mse[point, 0], archive.mean_square_loss),
        predicted_interval=(
            float(plans.predicted_low[point, 0]),
            float(plans.predicted_high[point, 0]),
        ),
        predicted_bias=float(plans.predicted_bias[point, 0]),
        measured_tau=evaluated_tau(archive, evaluation),
        measured_bias=evaluated_bias(archive, evaluation),
        divergence=evaluated_divergence(evaluation),
        alike=_mean(evaluation.agreement),
        top1=_mean(evaluation.top1),
        top1_change=_change(evaluation.top1, high.top1),
        top5=_mean(evaluation.top5),
        top5_change=_change(evaluation.top5, high.top5),
        predicted_time=archive.savings.get(key),
        measured_time=None if evaluation.seconds is None else time_saved(evaluation.seconds),
        is_predicted_precisely=all(c.is_precise for c in contests_behind(archive, assignment)),
        is_measured_precisely=timed is None or timed.is_precise,
        perplexity=None if evaluation.loss is None else perplexity(evaluation.loss),
        loss=None if evaluation.loss is None else float(evaluation.loss.mean()),
        other_gains=_others(archive, plans, threshold, lambda other, place: other.gain[place]),
        other_expected=_others(
            archive, plans, threshold, lambda other, place: expected_gains(archive, other, place)
        ),
        resampled_gain=resampled_gain(archive, plans, threshold),
        agreement=agreement(archive, plans, threshold, assignment),
        assignment=assignment,
        assignment_key=key,
        resource=plans.resource,
        budget=float(plans.threshold[point]) if plans.resource else None,
        taken=None if plans.taken is None else float(plans.taken[point, 0]),
    )


def format_shares(archive: Archive, objective: str, threshold: float) -> np.ndarray | None:
    """Of the plans on resampled calibration samples, [op, format]: the share that has the op in the
    format; None where there are none."""
    found = archive.stability.get(objective)
    point = None if found is None else found.point(threshold)
    if found is None or point is None:
        return None
    low = found.share[point]
    return np.column_stack([1 - low.sum(axis=1), low])


def resampled_gain(archive: Archive, plans: Plans, threshold: float) -> Estimate | None:
    found = archive.stability.get(plans.objective)
    point = None if found is None else found.point(threshold)
    return None if found is None or point is None else found.gain[point]


def agreement(
    archive: Archive, plans: Plans, threshold: float, assignment: np.ndarray
) -> float | None:
    """What plans of `ip` have in common with those on resampled calibration samples."""
    shares = format_shares(archive, plans.objective, threshold)
    if shares is None or plans.strategy != RESAMPLED:
        return None
    return float(np.mean(shares[np.arange(len(assignment)), assignment]))


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if whole and part is not None else None


def expected_gains(archive: Archive, plans: Plans, point: int) -> list[float]:
    """What the draws of a plan are expected to gain: of measured times the sum of medians, whatever
    savings counted when plans were chosen; of everything else the gain."""
    gains = [float(gain) for gain in plans.gain[point]]
    about = archive.objective(plans.objective)
    if not about.of_times:
        return gains
    found = [archive.savings.get(str(key)) for key in plans.assignment_key[point]]
    return [
        gain if saved is None else saved.value * about.whole
        for gain, saved in zip(gains, found, strict=True)
    ]


def _others(
    archive: Archive, plans: Plans, threshold: float, gains_of: Callable[[Plans, int], Iterable]
) -> dict[str, float]:
    gains = {}
    for strategy in archive.strategies(plans.objective):
        other = archive.plans[plans.objective, strategy]
        point = other.point(threshold)
        if strategy != plans.strategy and point is not None:
            gains[strategy] = float(np.median(gains_of(other, point)))
    return gains


def contests_behind(archive: Archive, assignment: np.ndarray) -> list[Contest]:
    """Those that timed the sub-graphs which an assignment lowers."""
    tables = set()
    for place, subgraph in enumerate(archive.subgraphs):
        if any(assignment[op] for op in subgraph.ops):
            tables |= {f"latency/class_{subgraph.cls}", f"latency/subgraph_{place}"}
    return [contest for contest in archive.contests if contest.table in tables]


def _contest(archive: Archive, plan: str) -> Contest | None:
    return next((c for c in archive.contests if c.assignment_key == plan), None)


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
    found = measured_tau(evaluation.loss, baseline.loss)
    if np.array_equal(evaluation.loss, baseline.loss):
        return found
    return widened(found, measured_floor(archive) or 0)


def measured_floor(archive: Archive) -> float | None:
    """The half-width, as a share of a measured τ, that its interval has from arithmetic alone; None
    where no plan was measured at other scales."""
    pairs = [
        (found.loss, found.next_loss)
        for found in archive.evaluations.values()
        if found.loss is not None and found.next_loss is not None
    ]
    if not pairs or archive.baseline is None:
        return None
    return arithmetic_floor(pairs, archive.baseline.loss)


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


def evaluated_divergence(evaluation: Evaluation) -> Estimate | None:
    """The mean divergence of a plan's predictions from all-high's, nat; None where the model gives
    no class scores."""
    return _mean(evaluation.divergence)


def _mean(of_samples: np.ndarray | None) -> Estimate | None:
    return None if of_samples is None else bootstrap(mean, of_samples)


def _change(of_plan: np.ndarray | None, of_high: np.ndarray | None) -> Estimate | None:
    """Paired: the same samples are drawn for both."""
    return None if of_plan is None or of_high is None else bootstrap(mean, of_plan - of_high)


def quietest(archive: Archive) -> Contest | None:
    """The contest whose all-high time seconds are shown of; None where nothing was timed."""
    return next((contest for contest in archive.contests if contest.is_quietest), None)


def baseline_seconds(archive: Archive) -> float | None:
    """The time of an all-high forward pass: that contest's median, or what a source says."""
    if archive.time_source is not None:
        return archive.time_source.baseline.value
    contest = quietest(archive)
    return None if contest is None else contest.baseline


def expected_time_word(archive: Archive) -> str:
    """What times are called that were not measured of a whole plan."""
    return "predicted" if archive.time_source is None else archive.time_source.name


def total_cost(archive: Archive, objective: str) -> float | None:
    """What all-high takes, in the units of the gain."""
    return archive.objective(objective).whole or None
