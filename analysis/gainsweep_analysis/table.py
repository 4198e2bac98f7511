"""The table of plans as text, CSV and JSON."""

import csv
import io
import json
import math
import textwrap
from collections.abc import Callable, Iterable

from . import grid
from .contents import Archive
from .notation import DASH, interval, listed, scaled_unit, significant
from .plans import (
    PlanRow,
    baseline_seconds,
    expected_time_word,
    given_rows,
    main_strategy,
    measured_floor,
    quietest,
    rows,
    total_cost,
)
from .qualities import hit_columns, hits_note, quality, quality_column
from .statistics import CONFIDENCE, RESAMPLES, Estimate
from .timings import LESS_PRECISE, OUTSIDE, marks_legend, warning

WIDTH = 110
OFF = "≠"  # marks a prediction outside the measured interval
LARGE = 0.05  # τ above which first order does not hold
UNROUNDED = "of the model as stored (fp32 arithmetic, nothing rounded)"


def gain_scale(archive: Archive, objective: str) -> tuple[float, str]:
    """The factor and unit that an objective's gains are shown in; of times % of an all-high run."""
    about = archive.objective(objective)
    if about.of_times:
        return 100 / about.whole, "%"
    return scaled_unit(total_cost(archive, objective) or 1, about.units)


def columns(archive: Archive, objective: str, *, wide: bool = False) -> list[grid.Column]:
    """The table of an objective, `wide` for a page instead of a terminal; columns without a single
    value are left out."""
    main = main_strategy(archive, objective)
    found = rows(archive, objective)
    factor, unit = gain_scale(archive, objective)
    gains = [
        grid.Column(
            f"{unit} saved by",
            name,
            [significant(row.other_expected.get(name), 3, factor) for row in found],
        )
        for name in archive.strategies(objective)
        if name != main
    ]
    if not archive.objective(objective).of_times:
        gains.insert(0, _gains(found, factor, f"{unit} saved by", main))
    allowed = grid.Column("allowed", "τ, %", [significant(row.threshold, 3, 100) for row in found])
    return grid.without_empty([allowed, *_measured(archive, objective, found, gains, wide)])


def given_columns(archive: Archive, objective: str, *, wide: bool = False) -> list[grid.Column]:
    """The same of given plans; none where there are none."""
    found = given_rows(archive, objective)
    if not found:
        return []
    factor, unit = gain_scale(archive, objective)
    gains = []
    if not archive.objective(objective).of_times:
        gains.append(_gains(found, factor, "saved,", unit))
    names = grid.flush_left("plan", [row.strategy for row in found])
    return [names, *grid.without_empty(_measured(archive, objective, found, gains, wide))]


def _gains(found: list[PlanRow], factor: float, group: str, head: str) -> grid.Column:
    return grid.Column(group, head, [significant(row.gain, 3, factor) for row in found])


def _measured(
    archive: Archive, objective: str, found: list[PlanRow], gains: list[grid.Column], wide: bool
) -> list[grid.Column]:
    """What is predicted and measured of plans beside their gains."""

    def column(group: str, head: str, cell: Callable[[PlanRow], str]) -> grid.Column:
        return grid.Column(group, head, [cell(row) for row in found])

    tau, time = "loss error τ, %", "time saved, % of a run"
    baseline = baseline_seconds(archive) or math.nan
    times = [
        column(time, expected_time_word(archive), predicted_time_text),
        column(time, "measured", measured_time_text),
    ]
    of_times = archive.objective(objective).of_times
    if of_times:
        times.append(column("", "ms", lambda row: _milliseconds(row, baseline)))
    return [
        column("lowered,", "% of ops", lowered_text),
        column(tau, "predicted", lambda row: significant(row.predicted_tau, 3, 100)),
        column(tau, "measured", measured_text),
        *(times + gains if of_times else gains + times),
        column("KL,", "mnat", lambda row: divergence_text(row, wide)),
        *hit_columns(archive, found, wide),
        quality_column(archive, found),
    ]


def measured_text(row: PlanRow) -> str:
    return interval(row.measured_tau, 100) + (f" {OFF}" if row.is_off else "")


def divergence_text(row: PlanRow, wide: bool) -> str:
    """In 10⁻³ nat, with its interval where there is room."""
    if wide or row.divergence is None:
        return interval(row.divergence, 1e3)
    return significant(row.divergence.value, 3, 1e3)


def off_note(archive: Archive, objectives: Iterable[str]) -> str | None:
    """The plans whose prediction lies outside the measured interval, with both numbers."""
    off = {}  # of equal plans the first
    for objective in objectives:
        for row in [*rows(archive, objective), *given_rows(archive, objective)]:
            if row.is_off:
                is_given = math.isnan(row.threshold)
                which = row.strategy if is_given else f"at {significant(row.threshold, 3, 100)} %"
                off.setdefault(
                    (objective, row.assignment_key),
                    f"{objective} {which}: predicted {significant(row.predicted_tau, 3, 100)}, "
                    f"measured {interval(row.measured_tau, 100)}",
                )
    if not off:
        return None
    text = f"{OFF} Predicted outside the measured interval: {'; '.join(off.values())}."
    if any(row.threshold > LARGE for name in objectives for row in rows(archive, name)):
        text += f" Above a loss error of {LARGE:.0%} first order and what builds on it part from "
        text += "what is measured."
    return text


def predicted_time_text(row: PlanRow, *, bounds: bool = False) -> str:
    """In % of a run, marked where it rests on times that are not precise."""
    if bounds or row.predicted_time is None:
        text = interval(row.predicted_time, 100)
    else:
        text = significant(row.predicted_time.value, 3, 100)
    return text + LESS_PRECISE * (row.predicted_time is not None and not row.is_predicted_precisely)


def measured_time_text(row: PlanRow) -> str:
    """In % of a run, marked where it is not precise and where the prediction is outside."""
    text = interval(row.measured_time, 100)
    text += LESS_PRECISE * (row.measured_time is not None and not row.is_measured_precisely)
    return text + OUTSIDE * row.time_is_outside


def _milliseconds(row: PlanRow, baseline: float) -> str:
    return significant(None if row.time is None else row.time.value, 3, 1e3 * baseline)


def lowered_text(row: PlanRow) -> str:
    return "+".join(f"{100 * share:.0f}" for share in row.lowered.values())


def objective_note(archive: Archive, objective: str) -> str:
    """What an objective saves and of how much."""
    about, total = archive.objective(objective), total_cost(archive, objective)
    if about.of_times:
        return f"{about.meaning}, {baseline_note(archive)}"
    if total is None:
        return about.meaning
    factor, unit = gain_scale(archive, objective)
    return f"{about.meaning}, {total * factor:.3g} {unit} in {archive.high}"


def baseline_note(archive: Archive) -> str:
    """The all-high time that savings are shown of in ms, and where it comes from."""
    source = archive.time_source
    where = archive.spec["device"] if source is None else source.device
    workload = f"{archive.workload} on {where}"
    if source is not None:
        return f"{interval(source.baseline, 1e3)} ms in {archive.high} ({workload}, {source.name})"
    contest = quietest(archive)
    if contest is None:
        return workload
    count = sum(not other.assignment_key for other in archive.contests)
    which = f", the quietest of {count} measurements: {contest.label}" if count > 1 else ""
    baseline = significant(contest.baseline, 3, 1e3)
    return f"{baseline} ms in {archive.high} ({workload}{which})"


def title(archive: Archive) -> str:
    baseline = archive.baseline
    parts = [
        f"{archive.provenance['name']}: {len(archive.ops)} ops in {len(archive.subgraphs)} "
        f"sub-graphs, {archive.high} → {', '.join(archive.low)}",
        f"{len(archive.scores.loss)} calibration samples"
        + ("" if archive.is_exported else f" of {archive.targets} tokens"),
    ]
    if baseline is not None:
        good = quality(archive, baseline.loss, 3)
        parts.append(f"{len(baseline.loss)} evaluation samples, {good} {UNROUNDED}")
    return "; ".join(parts)


def legend(archive: Archive, objectives: Iterable[str]) -> str:
    strategies = {main_strategy(archive, objective) for objective in objectives}
    text = (
        f"Each line is the plan of {listed(sorted(strategies))} with the largest gain whose "
        "predicted loss error stays under the allowed one. Loss error τ: root-mean-square change "
        "of a sample's loss over the root-mean-square loss; predicted from calibration samples, "
        f"measured on other samples. [low–high]: {CONFIDENCE:.0%} bootstrap interval "
        f"({RESAMPLES:,} resamples). "
    )
    floor = measured_floor(archive)
    if floor is not None:
        text += (
            "Measured intervals of τ also hold what arithmetic alone does to it, "
            f"±{significant(floor, 2, 100)} %: static scales one unit in the last place larger. "
        )
    if archive.baseline is not None and archive.baseline.divergence is not None:
        text += (
            f"KL: mean over {archive.predicted}s of the divergence KL(p‖q) of the plan's "
            "predictions q from those of the model as stored, p. "
        )
    text += hits_note(archive)
    if archive.baseline is not None:
        text += (
            f"{'Loss' if archive.is_exported else 'Perplexity'}: fp32 arithmetic on the weights as "
            f"stored, with the operands of lowered ops rounded and nothing rounded to "
            f"{archive.high}. "
        )
    if len(archive.low) > 1:
        text += f"Lowered: {' + '.join(archive.low)}. "
    drawing = {name for (_, name), plans in archive.plans.items() if plans.gain.shape[1] > 1}
    if drawing:
        text += f"Of {listed(sorted(drawing))}: the median over the draws. "
    if archive.time_source is not None:
        text += _given_legend(archive)
    elif archive.savings:
        if archive.spec["solve"].get("gain") == "lower":
            text += (
                "When plans for measured times are chosen, a sub-graph's saving counts with the "
                "lower end of its interval, 0 where that covers 0 (solve.gain: lower). "
            )
        text += (
            "Time saved: predicted by adding what sub-graphs save (medians over blocks), measured "
            "on the whole plan, each as a part of the all-high run beside it; ms: the measured "
            "part, or else the predicted one, of the quietest all-high time. "
        )
    if archive.given:
        text += (
            "Given: plans of files (evaluate.plans), predicted and measured like the run's own. "
        )
    return text + f"{DASH}: not measured, or the device has no kernel for it."


def _given_legend(archive: Archive) -> str:
    """What times say that nobody took."""
    source = archive.time_source
    assert source is not None
    text = (
        f"Times are {source.name} of {source.device}: nothing was timed. Time saved: what "
        "sub-graphs save, added, as a part of an all-high run; its interval goes from every pass "
        "between matrix products fused to every one a kernel of its own. "
    )
    if source.assumed:
        text += f"Assumed, not published: {source.assumed}. "
    return text


def text(archive: Archive, objectives: Iterable[str]) -> str:
    """The tables of the objectives for a terminal."""
    lines = textwrap.wrap(title(archive), WIDTH)
    cells = []
    for objective in objectives:
        shown = columns(archive, objective)
        cells += [cell for column in shown for cell in column.cells]
        lines += ["", *_wrapped_note(archive, objective)]
        lines += ["", *grid.lines(shown)]
        if given := given_columns(archive, objective):
            cells += [cell for column in given[1:] for cell in column.cells]
            lines += ["", *grid.lines(given)]
    explained = f"{legend(archive, objectives)} {marks_legend(cells)}"
    lines += ["", *textwrap.wrap(explained, WIDTH)]
    off = off_note(archive, objectives)
    if off is not None:
        lines += ["", *textwrap.wrap(off, WIDTH)]
    timed = any(archive.objective(name).of_times for name in objectives)
    noisy = warning(archive) if timed else None
    if noisy is not None:
        lines += ["", *textwrap.wrap(noisy, WIDTH)]
    if archive.failures:
        count = len(archive.failures)
        lines += ["", f"{count} unit{'s' * (count > 1)} failed; the report lists them."]
    return "\n".join(lines) + "\n"


def _wrapped_note(archive: Archive, objective: str) -> list[str]:
    return textwrap.wrap(f"Objective {objective}: {objective_note(archive, objective)}", WIDTH)


def records(archive: Archive, objectives: Iterable[str]) -> list[dict]:
    """One flat record per plan, in SI units and the archive's gain units, for other programs."""
    listed = [
        row
        for objective in objectives
        for row in [*rows(archive, objective), *given_rows(archive, objective)]
    ]
    others = dict.fromkeys(name for row in listed for name in row.other_gains)
    return [record(archive, row, others) for row in listed]


def record(archive: Archive, row: PlanRow, others: Iterable[str] = ()) -> dict:
    """Of one plan; `others` are strategies whose gains are told too."""
    return {
        "objective": row.objective,
        "strategy": row.strategy,
        "allowed_tau": None if math.isnan(row.threshold) else row.threshold,
        **{f"lowered_{name}": share for name, share in row.lowered.items()},
        "gain": row.gain,
        "gain_units": row.gain_units,
        "gain_share": row.gain_share,
        "predicted_tau": row.predicted_tau,
        "predicted_tau_low": row.predicted_interval[0],
        "predicted_tau_high": row.predicted_interval[1],
        **estimate_cells("measured_tau", row.measured_tau),
        "prediction_is_off": row.is_off,
        "predicted_bias_nat": row.predicted_bias,
        **estimate_cells("measured_bias_nat", row.measured_bias),
        **estimate_cells("divergence_nat", row.divergence),
        **estimate_cells("alike_share", row.alike),
        **estimate_cells("top1_share", row.top1),
        **estimate_cells("top1_change", row.top1_change),
        **estimate_cells("top5_share", row.top5),
        **estimate_cells("top5_change", row.top5_change),
        **estimate_cells("predicted_time_share", row.predicted_time),
        **estimate_cells("measured_time_share", row.measured_time),
        "predicted_time_is_precise": _flag(row.predicted_time, row.is_predicted_precisely),
        "measured_time_is_precise": _flag(row.measured_time, row.is_measured_precisely),
        "time_prediction_is_outside": _flag(row.measured_time, row.time_is_outside),
        "resampled_agreement": row.agreement,
        **estimate_cells("resampled_gain", row.resampled_gain),
        "baseline_time_s": baseline_seconds(archive),
        "time_source": "measured" if archive.time_source is None else archive.time_source.name,
        "perplexity": row.perplexity,
        **{f"{name}_gain": row.other_gains.get(name) for name in others},
        "assignment_key": row.assignment_key,
    }


def _flag(estimate: Estimate | None, value: bool) -> bool | None:
    """None where there is nothing that it could be about."""
    return None if estimate is None else value


def estimate_cells(name: str, estimate: Estimate | None) -> dict:
    bounds = ("", "_low", "_high")
    if estimate is None:
        return {name + bound: None for bound in bounds}
    values = (estimate.value, estimate.low, estimate.high)
    return {
        name + bound: None if math.isnan(value) else value
        for bound, value in zip(bounds, values, strict=True)
    }


def csv_text(listed: list[dict]) -> str:
    """Cells are empty where a record lacks what others have."""
    stream = io.StringIO()
    names = dict.fromkeys(name for record in listed for name in record)
    writer = csv.DictWriter(stream, fieldnames=list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return stream.getvalue()


def json_text(listed: list[dict]) -> str:
    return json.dumps(listed, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
