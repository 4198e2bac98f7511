"""Two archives' plans side by side."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from . import grid
from .contents import Archive
from .notation import DASH, significant
from .plans import PlanRow, main_strategy, rows
from .table import gain_scale, lowered_text


@dataclass(frozen=True)
class Pair:
    """The plans of one threshold; `differing` counts ops with other formats. It is None where the
    archives have other ops or one has no plan."""

    objective: str
    threshold: float
    first: PlanRow | None
    second: PlanRow | None
    differing: int | None


def pairs(first: Archive, second: Archive, objective: str) -> list[Pair]:
    """Plans of an objective by threshold, of both archives' thresholds."""
    by_threshold = [
        {
            row.threshold: row
            for row in (rows(archive, objective) if has(archive, objective) else [])
        }
        for archive in (first, second)
    ]
    thresholds = sorted(set(by_threshold[0]) | set(by_threshold[1]))
    return [
        Pair(
            objective,
            threshold,
            by_threshold[0].get(threshold),
            by_threshold[1].get(threshold),
            _differing(first, second, objective, threshold),
        )
        for threshold in thresholds
    ]


def has(archive: Archive, objective: str) -> bool:
    return objective in archive.objectives


def objectives(first: Archive, second: Archive) -> list[str]:
    return list(dict.fromkeys(first.objectives + second.objectives))


def _differing(first: Archive, second: Archive, objective: str, threshold: float) -> int | None:
    if [op.path for op in first.ops] != [op.path for op in second.ops]:
        return None
    chosen = []
    for archive in (first, second):
        if not has(archive, objective):
            return None
        plans = archive.plans[objective, main_strategy(archive, objective)]
        point = plans.point(threshold)
        if point is None:
            return None
        names = np.array([format_.name for format_ in archive.formats])
        chosen.append(names[plans.assignment[point, 0]])
    return int(np.sum(chosen[0] != chosen[1]))


def text(first: Archive, second: Archive, compared: Iterable[str]) -> str:
    lines = [f"A  {first.path}  {first.provenance['name']}"]
    lines += [f"B  {second.path}  {second.provenance['name']}"]
    for objective in compared:
        known = first if has(first, objective) else second
        factor, unit = gain_scale(known, objective)
        columns = _columns(pairs(first, second, objective), factor, unit)
        lines += ["", f"Objective {objective}", "", *grid.lines(columns)]
    lines += [
        "",
        "τ: root-mean-square loss error over the root-mean-square loss, predicted and measured.",
        "differing: ops that the two plans run in different formats.",
        f"{DASH}: no plan for this threshold, or not measured.",
    ]
    return "\n".join(lines) + "\n"


def records(first: Archive, second: Archive, compared: Iterable[str]) -> list[dict]:
    """One flat record per objective and threshold, in SI units and the archives' gain units."""
    return [
        {
            "objective": pair.objective,
            "allowed_tau": pair.threshold,
            **_numbers("a", pair.first),
            **_numbers("b", pair.second),
            "differing_ops": pair.differing,
        }
        for objective in compared
        for pair in pairs(first, second, objective)
    ]


def _numbers(side: str, row: PlanRow | None) -> dict:
    measured = row.measured_tau if row is not None else None
    return {
        f"{side}_gain": row.gain if row is not None else None,
        f"{side}_predicted_tau": row.predicted_tau if row is not None else None,
        f"{side}_measured_tau": measured.value if measured is not None else None,
        f"{side}_perplexity": row.perplexity if row is not None else None,
    }


def _columns(listed: list[Pair], factor: float, unit: str) -> list[grid.Column]:
    heads = ("lowered, %", f"saved, {unit}", "predicted τ", "measured τ")
    columns = [
        grid.Column("allowed", "τ, %", [significant(pair.threshold, 3, 100) for pair in listed])
    ]
    for name in ("first", "second"):
        sides = [_side(getattr(pair, name), factor) for pair in listed]
        group = "A" if name == "first" else "B"
        columns += [
            grid.Column(group, head, list(cells))
            for head, cells in zip(heads, zip(*sides, strict=True), strict=True)
        ]
    counts = [DASH if pair.differing is None else str(pair.differing) for pair in listed]
    return [*columns, grid.Column("ops", "differing", counts)]


def _side(row: PlanRow | None, factor: float) -> list[str]:
    if row is None:
        return [DASH] * 4
    return [
        lowered_text(row),
        significant(row.gain, 3, factor),
        significant(row.predicted_tau, 3, 100),
        significant(row.measured_tau.value if row.measured_tau else None, 3, 100),
    ]
