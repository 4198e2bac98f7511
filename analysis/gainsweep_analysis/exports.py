"""One plan op by op: as text, and in the layouts of JSON and CSV that other programs read."""

import csv
import io
import json
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from . import grid
from .contents import Archive, Format, Op, Plans
from .notation import DASH, fixed, interval, significant
from .plans import PlanRow, main_strategy, plan_row, predicted_error, total_cost
from .seal import ArchiveError
from .statistics import perplexity
from .table import gain_scale

SCHEMA, VERSION = "gainsweep plan", 1
SCALE_BYTES = 4
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
    """The plan at a threshold as exact as `tau` is or, of printed ones, to three digits. The only
    objective and the first strategy where none is named; of several draws the first. ArchiveError
    with what there is for anything else."""
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
    return Chosen(archive, plans, _printed(archive, plans, tau) if place is None else place)


def _printed(archive: Archive, plans: Plans, tau: float) -> int:
    """The place of the only threshold that tables print as they would print `tau`."""
    places = [
        place
        for place, threshold in enumerate(plans.threshold)
        if significant(threshold, 3, 100) == significant(tau, 3, 100)
    ]
    if len(places) == 1:
        return places[0]
    listed = ", ".join(f"{threshold:.15g}" for threshold in sorted(plans.threshold))
    raise ArchiveError(
        f"{archive.path}: {'several thresholds print as' if places else 'it has no plan at'} τ = "
        f"{significant(tau, 3, 100)} %. Take one of its thresholds: {listed}."
    )


def loss_errors(chosen: Chosen) -> list[float | None]:
    """`d` of each op in its format under the spec's noise, nat²; None where none are stored."""
    errors = chosen.archive.loss_errors.get(chosen.archive.spec["solve"]["noise"])
    assignment = chosen.row.assignment
    if errors is None:
        return [None] * len(assignment)
    return [float(errors[op, index]) for op, index in enumerate(assignment)]


def weight_bytes(op: Op, format_: Format, high: Format) -> int:
    """Bytes of an op's weight and its scales in a format; with the high copy that something else
    reads where the weight is shared. The formula of the objective `memory`."""
    whole = op.weight_elements * high.bits // 8
    if format_ == high or op.weight_elements == 0:
        return whole
    scales = op.weight_channels if format_.weight_granularity == "channel" else 1
    if format_.activation_scale == "fixed":
        scales = 0
    low = op.weight_elements * format_.bits // 8 + scales * SCALE_BYTES
    return whole + low if op.weight_shared else low


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
        "threshold": float(plans.threshold[place]),
        "loss_model": solve["loss_model"],
        "noise": solve["noise"],
        "budget": _finite(plans.budget[place]),
        "loss_error": _finite(plans.loss_error[place, 0]),
        "predicted_mse": _finite(plans.predicted_mse[place, 0]),
        "gain": int(plans.gain[place, 0]),
        "gain_units": archive.objective(plans.objective).units,
        "formats": {format_.name: _scales(archive, format_) for format_ in archive.formats[1:]},
        "assignment": {
            op.path: format_.name for op, format_ in zip(archive.ops, chosen.formats, strict=True)
        },
        "modules": {op.path: op.module for op in archive.ops if op.module},
    }
    return json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: float) -> float | None:
    """JSON has no infinity; a budget without a limit is null."""
    return float(value) if math.isfinite(value) else None


def _scales(archive: Archive, format_: Format) -> dict:
    asked = archive.spec["formats"].get(format_.name) or {}
    return {
        "scale": format_.activation_scale,
        "backoff": asked.get("backoff"),
        "granularity": format_.weight_granularity,
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
    archive, plans = chosen.archive, chosen.plans
    solve = archive.spec["solve"]
    lines = [
        f"{archive.provenance['name']}: the plan of {plans.strategy} for {plans.objective} at an "
        f"allowed loss error τ of {significant(chosen.row.threshold, 3, 100)} %",
        f"noise {solve['noise']}, loss model {solve['loss_model']}; [low–high]: 95 % interval",
        "",
        *_facts(chosen),
        "",
        *grid.lines(_columns(chosen))[1:],  # the columns have no groups
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _facts(chosen: Chosen) -> list[str]:
    archive, row = chosen.archive, chosen.row
    factor, unit = gain_scale(archive, row.objective)
    total = total_cost(archive, row.objective)
    saved = f"{significant(row.gain, 3, factor)} {unit}"
    if total:
        share = significant(row.gain_share, 3, 100)
        saved += f" of {significant(total, 3, factor)} {unit} ({share} %)"
    facts = {"saves": f"{saved}, {archive.objective(row.objective).title}"}
    if row.predicted_time is not None or row.measured_time is not None:
        predicted = significant(row.predicted_time, 3, 1e3)
        facts["time saved"] = (
            f"predicted {predicted} ms a run, measured {interval(row.measured_time, 1e3)} ms"
        )
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
    if row.perplexity is not None:
        high = fixed(perplexity(archive.baseline.loss), 3)
        facts["perplexity"] = f"{fixed(row.perplexity, 3)} (all-{archive.high} {high})"
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
    listed = [_flush_left(head, cells) for head, cells in columns.items()]
    return grid.without_empty([*listed, grid.Column("", "d, nat²", errors)])


def _flush_left(head: str, cells: list[str]) -> grid.Column:
    if set(cells) == {DASH}:
        return grid.Column("", head, cells)
    width = max(map(len, [head, *cells]))
    return grid.Column("", head.ljust(width), [cell.ljust(width) for cell in cells])
