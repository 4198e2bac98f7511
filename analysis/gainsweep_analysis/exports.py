"""One plan op by op: as text, and in the layouts of JSON and CSV that other programs read."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import grid
from .contents import Archive, Format, Number, Op
from .notation import DASH, fixed, interval, significant
from .planned import PASSES_OF_LOSS_ERRORS, Plans
from .plans import PlanRow, main_strategy, plan_row, predicted_error, total_cost
from .seal import ArchiveError
from .statistics import Estimate, perplexity
from .table import (
    UNROUNDED,
    baseline_note,
    gain_scale,
    measured_time_text,
    predicted_time_text,
)
from .timings import marks_legend

SCHEMA, VERSION = "gainsweep plan", 1
SCALE_BITS = 32  # of fp32
EXACT, FRONTIER = "ip", "frontier"  # the strategy of exact plans; what is called one here
ROUNDING = 1e-9  # relative
HEAD = ("op", "module", "kind", "format", "subgraph", "loss_error", "macs", "weight_bytes")


@dataclass(frozen=True)
class Chosen:
    """A plan of an archive: the place of its threshold in a table of plans."""

    archive: Archive
    plans: Plans
    place: int

    @property
    def formats(self) -> list[Format]:
        """The format of each op."""
        return [self.archive.formats[index] for index in self.row.assignment]

    @cached_property
    def row(self) -> PlanRow:
        return plan_row(self.archive, self.plans, self.place)


def choose(archive: Archive, objective: str | None, tau: float, strategy: str | None) -> Chosen:
    """The plan at a threshold as exact as `tau` is or, of printed ones, to three digits; for any
    other `tau` the optimal plan of the frontier, where no strategy is named or the exact one. The
    only objective and the first strategy where none is named; of several draws the first.
    ArchiveError with what there is for anything else."""
    if objective is None and len(archive.objectives) == 1:
        objective = archive.objectives[0]
    if objective not in archive.objectives:
        asked = "plans of several objectives" if objective is None else f"no plans for {objective}"
        raise ArchiveError(
            f"{archive.path}: it has {asked}. Name one by --objective "
            f"({', '.join(archive.objectives) or 'it has none'})."
        )
    strategies = archive.strategies(objective)
    if strategy is not None and strategy not in strategies:
        raise ArchiveError(
            f"{archive.path}: it has no plans of the strategy {strategy}. Name one by --strategy "
            f"({', '.join(strategies)})."
        )
    plans = archive.plans[objective, strategy or main_strategy(archive, objective)]
    place = plans.point(tau)
    if place is None:
        place = _printed(archive, plans, tau)
    if place is not None:
        return Chosen(archive, plans, place)
    if strategy in (None, EXACT) and objective in archive.frontiers:
        return Chosen(archive, frontier_plan(archive, objective, tau), 0)
    listed = ", ".join(f"{threshold:.15g}" for threshold in sorted(plans.threshold))
    frontier = " or a frontier (solve.frontier)" if strategy in (None, EXACT) else ""
    raise ArchiveError(
        f"{archive.path}: it has no plan{frontier} at τ = {significant(tau, 3, 100)} %. "
        f"Take one of its thresholds: {listed}."
    )


def _printed(archive: Archive, plans: Plans, tau: float) -> int | None:
    """The place of the only threshold that tables print as they would print `tau`."""
    printed = significant(tau, 3, 100)
    places = [p for p, t in enumerate(plans.threshold) if significant(t, 3, 100) == printed]
    if len(places) < 2:
        return places[0] if places else None
    listed = ", ".join(f"{plans.threshold[place]:.15g}" for place in places)
    raise ArchiveError(
        f"{archive.path}: several thresholds print as τ = {printed} %. Take one of them: {listed}."
    )


def frontier_plan(archive: Archive, objective: str, tau: float) -> Plans:
    """The plan of the frontier with the largest gain whose predicted loss error is at most `tau`,
    as a table of one plan. Its budget and the mean change of the loss are not known, the interval
    of its prediction where it was evaluated."""
    frontier = archive.frontiers[objective]
    errors = np.sqrt(frontier.predicted_mse / archive.mean_square_loss)
    allowed = np.flatnonzero(errors <= tau * (1 + ROUNDING))
    if not allowed.size:
        raise ArchiveError(
            f"{archive.path}: no plan for {objective} has a predicted loss error of at most "
            f"{significant(tau, 3, 100)} % and keeps the spec's constraints."
        )
    row = allowed[np.argmax(frontier.gain[allowed])]
    assignment = frontier.assignment[row]
    key = assignment_key(archive, assignment)
    solve = archive.spec["solve"]
    predictions = archive.predictions.get((solve["noise"], solve["loss_model"]), {})
    predicted = predictions.get(key, Estimate(math.nan, math.nan, math.nan))
    return Plans(
        objective=objective,
        strategy=FRONTIER,
        threshold=np.array([tau]),
        budget=np.array([math.nan]),
        assignment=assignment[None, None, :],
        assignment_key=np.array([[key]]),
        gain=frontier.gain[[[row]]],
        loss_error=frontier.loss_error[[[row]]],
        predicted_mse=frontier.predicted_mse[[[row]]],
        predicted_bias=np.array([[math.nan]]),
        predicted_low=np.array([[predicted.low]]),
        predicted_high=np.array([[predicted.high]]),
        num_samples=np.array([len(archive.scores.loss)]),
        certificate_gap=np.zeros(1),
        certificate_nodes=np.zeros(1, int),
        passes=np.array([PASSES_OF_LOSS_ERRORS]),
    )


def assignment_key(archive: Archive, assignment: np.ndarray) -> str:
    """What joins a plan with its evaluation; docs/archive_format.md has the formula."""
    names = "".join(f"{archive.formats[place].name}\n" for place in assignment)
    return hashlib.sha256(names.encode()).hexdigest()


def choose_within(archive: Archive, resource: str, amount: float) -> Chosen:
    """The plan within a budget. ArchiveError with what there is for any other."""
    if resource not in archive.budgets:
        raise ArchiveError(
            f"{archive.path}: it has no budgets of '{resource}' (solve.budgets has "
            f"{', '.join(archive.budgets) or 'none'})."
        )
    plans = archive.budgets[resource]
    place = plans.point(amount)
    if place is None:
        listed = ", ".join(f"{budget:.15g}" for budget in sorted(plans.threshold))
        raise ArchiveError(
            f"{archive.path}: it has no budget {resource}={amount:.15g}. Take one of: {listed}."
        )
    return Chosen(archive, plans, place)


def distinct_plans(archive: Archive, objective: str) -> list[Chosen]:
    """The plans of an objective's first strategy that lower something, by threshold; of equal ones
    that of the least."""
    return distinct(archive, archive.plans[objective, main_strategy(archive, objective)])


def distinct(archive: Archive, plans: Plans) -> list[Chosen]:
    """The same of one table of plans."""
    found: dict[str, Chosen] = {}
    for place in np.argsort(plans.threshold, kind="stable"):
        if plans.assignment[place, 0].any():
            key = str(plans.assignment_key[place, 0])
            found.setdefault(key, Chosen(archive, plans, int(place)))
    return list(found.values())


def file_stem(row: PlanRow) -> str:
    """Of the files of a plan: `time_0.001`, `bits_4.5`."""
    if row.resource:
        return f"{row.resource}_{row.budget:.6g}"
    return f"{row.objective}_{row.threshold:.6g}"


def plan_files(archive: Archive) -> dict[str, str]:
    """Contents of the files of all distinct plans, JSON and CSV, by name."""
    chosen_ones = [
        chosen for objective in archive.objectives for chosen in distinct_plans(archive, objective)
    ]
    for plans in archive.budgets.values():
        chosen_ones += distinct(archive, plans)
    return {
        file_stem(chosen.row) + ending: layout(chosen)
        for chosen in chosen_ones
        for ending, layout in ((".json", json_text), (".csv", csv_text))
    }


def loss_errors(chosen: Chosen) -> list[float | None]:
    return loss_errors_of(chosen.archive, chosen.row.assignment)


def loss_errors_of(archive: Archive, assignment: Sequence[int]) -> list[float | None]:
    """`d` of each op in its format under the spec's noise, nat²; None where none are stored."""
    errors = archive.loss_errors.get(archive.spec["solve"]["noise"])
    if errors is None:
        return [None] * len(assignment)
    return [float(errors[op, index]) for op, index in enumerate(assignment)]


def weight_bytes(op: Op, format_: Format, high: Format) -> int:
    """Bytes of an op's weight and its scales in a format; with the high copy that something else
    reads where the weight is shared. The formula of the objective `memory`."""
    whole = math.ceil(op.weight_elements * high.weight.bits / 8)
    if format_ == high or op.weight_elements == 0:
        return whole
    number = format_.weight
    low = math.ceil(op.weight_elements * number.bits / 8) + math.ceil(_scale_bits(op, number) / 8)
    return whole + low if op.weight_shared else low


def _scale_bits(op: Op, number: Number) -> int:
    if not number.has_scale:
        return 0
    if number.granularity == "block":
        blocks = op.weight_elements // op.weight_line * math.ceil(op.weight_line / number.block)
        of_one = round((number.stored_bits - number.bits) * number.block)
        return blocks * of_one + (SCALE_BITS if number.scale_grid == "e4m3" else 0)
    return SCALE_BITS * (op.weight_channels if number.granularity == "channel" else 1)


def json_text(chosen: Chosen) -> str:
    """All that defines the plan. `formats` has the low ones, `modules` the ops whose weight is a
    tensor of the checkpoint."""
    archive, plans, place = chosen.archive, chosen.plans, chosen.place
    solve = archive.spec["solve"]
    record = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "model_digest": archive.provenance["model_digest"],
        "objective": plans.objective,
        "strategy": plans.strategy,
        **_limit(plans, place),
        "loss_model": solve["loss_model"],
        "noise": solve["noise"],
        "budget": None if plans.resource else _finite(plans.budget[place]),
        "loss_error": _finite(plans.loss_error[place, 0]),
        "predicted_mse": _finite(plans.predicted_mse[place, 0]),
        "gain": int(plans.gain[place, 0]),
        "gain_units": archive.objective(plans.objective).units,
        "formats": {format_.name: _scales(format_) for format_ in archive.formats[1:]},
        "assignment": {
            op.path: format_.name for op, format_ in zip(archive.ops, chosen.formats, strict=True)
        },
        "modules": {op.path: op.module for op in archive.ops if op.module},
    }
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _limit(plans: Plans, place: int) -> dict:
    """The allowed τ, or how much of a resource is allowed and taken, in its units."""
    if not plans.resource:
        return {"threshold": float(plans.threshold[place])}
    return {
        "threshold": None,
        "resource": plans.resource,
        "allowed": float(plans.threshold[place]),
        "taken": float(plans.taken[place, 0]),
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity; a budget without a limit, or of a frontier's plan, is null."""
    return float(value) if math.isfinite(value) else None


def _scales(format_: Format) -> dict:
    """As specs have them: one `backoff` where those of activations and weights are equal."""
    weight, activation = format_.weight, format_.activation
    record = {"weight": weight.name, "activation": activation and activation.name}
    if activation:
        record["scale"] = activation.scale
    backoffs = {"activation": activation.backoff if activation else 1.0, "weight": weight.backoff}
    return record | {
        "backoff": backoffs if len(set(backoffs.values())) > 1 else weight.backoff,
        "granularity": weight.granularity,
        "scale_grid": weight.scale_grid,
        "range": weight.range,
    }


def csv_text(chosen: Chosen) -> str:
    """A row an op, high ones too: an absent one must never mean a default."""
    archive = chosen.archive
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEAD)
    for op, format_, error in zip(archive.ops, chosen.formats, loss_errors(chosen), strict=True):
        subgraph = archive.subgraphs[op.subgraph].name
        size = weight_bytes(op, format_, archive.formats[0])
        writer.writerow([op.path, op.module, op.kind, format_.name, subgraph, error, op.macs, size])
    return stream.getvalue()


def text(chosen: Chosen) -> str:
    """What the plan saves, its predicted and measured errors, and the format of each op."""
    archive = chosen.archive
    solve = archive.spec["solve"]
    lines = [
        f"{archive.provenance['name']}: {whose(chosen)}",
        f"noise {solve['noise']}, loss model {solve['loss_model']}; [low–high]: 95 % interval",
        "",
        *_facts(chosen),
        "",
        *grid.lines(_columns(chosen))[1:],  # the columns have no groups
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def whose(chosen: Chosen) -> str:
    plans, row = chosen.plans, chosen.row
    if plans.resource:
        return f"the plan of least loss error within {plans.resource} = {row.budget:.15g}"
    exact = plans.strategy in (EXACT, FRONTIER)
    which = "the optimal plan" if exact else f"the plan of {plans.strategy}"
    return (
        f"{which} for {plans.objective} at an allowed loss error τ of "
        f"{significant(row.threshold, 3, 100)} %"
    )


def _facts(chosen: Chosen) -> list[str]:
    archive, row = chosen.archive, chosen.row
    factor, unit = gain_scale(archive, row.objective)
    total = total_cost(archive, row.objective)
    facts = {}
    if row.resource:
        units = archive.resources[row.resource].units
        facts["takes"] = f"{significant(row.taken, 6)} {units} of {row.resource}"
    if not archive.objective(row.objective).of_times:
        saved = f"{significant(row.gain, 3, factor)} {unit}"
        if total:
            share = significant(row.gain_share, 3, 100)
            saved += f" of {significant(total, 3, factor)} {unit} ({share} %)"
        facts["saves"] = f"{saved}, {archive.objective(row.objective).title}"
    if row.time is not None:
        cells = [predicted_time_text(row, bounds=True), measured_time_text(row)]
        facts["time saved"] = (
            f"predicted {cells[0]} %, measured {cells[1]} %"
            if archive.time_source is None
            else f"{archive.time_source.name} {cells[0]} %"
        )
        facts["of"] = baseline_note(archive)
        if meaning := marks_legend(cells):
            facts["marks"] = meaning
    facts["loss error τ"] = (
        f"predicted {interval(predicted_error(row), 100)} %, "
        f"measured {interval(row.measured_tau, 100)} %"
    )
    if row.is_off:
        facts["loss error τ"] += "; the prediction lies outside the measured interval"
    if row.measured_bias is not None:
        facts["mean change"] = (
            f"of the loss: predicted {significant(row.predicted_bias, 3)} nat, the plan's own "
            f"{interval(row.measured_bias)} nat"
        )
    if row.divergence is not None:
        facts["divergence"] = f"KL from all-high {interval(row.divergence, 1e3)} mnat a token"
    if row.perplexity is not None:
        high = fixed(perplexity(archive.baseline.loss), 3)
        facts["perplexity"] = f"{fixed(row.perplexity, 3)}; {high} {UNROUNDED}"
    lowered = int(np.count_nonzero(row.assignment))
    facts["lowered"] = f"{lowered} of {len(archive.ops)} ops"
    width = max(map(len, facts))
    return [
        f"  {name.ljust(width)}  {fact}".replace(f"{DASH} %", DASH) for name, fact in facts.items()
    ]


def _columns(chosen: Chosen) -> list[grid.Column]:
    archive = chosen.archive
    columns = {
        "op": [op.path for op in archive.ops],
        "module": [op.module or DASH for op in archive.ops],
        "kind": [op.kind for op in archive.ops],
        "format": [format_.name for format_ in chosen.formats],
        "sub-graph": [archive.subgraphs[op.subgraph].name for op in archive.ops],
    }
    errors = [significant(error) for error in loss_errors(chosen)]
    listed = [grid.flush_left(head, cells) for head, cells in columns.items()]
    return grid.without_empty([*listed, grid.Column("", "d, nat²", errors)])
