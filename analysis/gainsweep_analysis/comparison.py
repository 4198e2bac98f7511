"""Two archives' plans side by side."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from . import grid
from .contents import Archive
from .notation import DASH, significant
from .plans import PlanRow, given_name, given_rows, rows
from .table import gain_scale, lowered_text

ROUNDING = 1e-9  # relative: thresholds that differ by less are equal


@dataclass(frozen=True)
class Pair:
    """The plans allowed at one threshold: of each archive the one of its largest threshold that is
    not above; or the given plans of a name, without a threshold. `differing` counts ops with other
    formats; it is None where the archives have other ops or one has no plan."""

    objective: str
    threshold: float | None
    first: PlanRow | None
    second: PlanRow | None
    differing: int | None
    given: str | None = None  # the name of given plans


def pairs(first: Archive, second: Archive, objective: str) -> list[Pair]:
    """Plans of an objective at both archives' thresholds; equal but for rounding, they are one."""
    sides = [
        rows(archive, objective) if has(archive, objective) else [] for archive in (first, second)
    ]
    thresholds: list[float] = []
    for threshold in sorted(row.threshold for side in sides for row in side):
        if not thresholds or threshold > thresholds[-1] * (1 + ROUNDING):
            thresholds.append(threshold)
    found = []
    for threshold in thresholds:
        left, right = (_allowed(side, threshold) for side in sides)
        differing = _differing(first, left, second, right)
        found.append(Pair(objective, threshold, left, right, differing))
    return found + _given_pairs(first, second, objective)


def _given_pairs(first: Archive, second: Archive, objective: str) -> list[Pair]:
    """Given plans that both archives or one of them has, by name."""
    sides = [
        {row.strategy: row for row in given_rows(archive, objective)}
        if has(archive, objective)
        else {}
        for archive in (first, second)
    ]
    found = []
    for strategy in dict.fromkeys([*sides[0], *sides[1]]):
        left, right = (side.get(strategy) for side in sides)
        name = strategy.removeprefix(given_name(""))
        differing = _differing(first, left, second, right)
        found.append(Pair(objective, None, left, right, differing, name))
    return found


def _differing(
    first: Archive, left: PlanRow | None, second: Archive, right: PlanRow | None
) -> int | None:
    same_ops = [op.path for op in first.ops] == [op.path for op in second.ops]
    if not same_ops or left is None or right is None:
        return None
    return int(np.sum(_formats(first, left) != _formats(second, right)))


def _allowed(side: list[PlanRow], threshold: float) -> PlanRow | None:
    """The last of rows by threshold that is not above one."""
    below = [row for row in side if row.threshold <= threshold * (1 + ROUNDING)]
    return below[-1] if below else None


def _formats(archive: Archive, row: PlanRow) -> np.ndarray:
    names = np.array([format_.name for format_ in archive.formats])
    return names[row.assignment]


def has(archive: Archive, objective: str) -> bool:
    return objective in archive.objectives


def objectives(first: Archive, second: Archive) -> list[str]:
    return list(dict.fromkeys(first.objectives + second.objectives))


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
        "at: the plan's own threshold, the largest that is not above the allowed τ.",
        f"{DASH}: no plan that the threshold allows, or not measured.",
    ]
    return "\n".join(lines) + "\n"


def records(first: Archive, second: Archive, compared: Iterable[str]) -> list[dict]:
    """One flat record per objective and threshold, in SI units and the archives' gain units."""
    return [
        {
            "objective": pair.objective,
            "allowed_tau": pair.threshold,
            "given": pair.given,
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
        f"{side}_threshold": None if row is None or math.isnan(row.threshold) else row.threshold,
        f"{side}_gain": row.gain if row is not None else None,
        f"{side}_predicted_tau": row.predicted_tau if row is not None else None,
        f"{side}_measured_tau": measured.value if measured is not None else None,
        f"{side}_perplexity": row.perplexity if row is not None else None,
    }


def _columns(listed: list[Pair], factor: float, unit: str) -> list[grid.Column]:
    heads = ("at, %", "lowered, %", f"saved, {unit}", "predicted τ", "measured τ")
    columns = [grid.Column("allowed", "τ, %", [_allowed_text(pair) for pair in listed])]
    for name in ("first", "second"):
        sides = [_side(getattr(pair, name), factor) for pair in listed]
        group = "A" if name == "first" else "B"
        columns += [
            grid.Column(group, head, list(cells))
            for head, cells in zip(heads, zip(*sides, strict=True), strict=True)
        ]
    counts = [DASH if pair.differing is None else str(pair.differing) for pair in listed]
    return [*columns, grid.Column("ops", "differing", counts)]


def _allowed_text(pair: Pair) -> str:
    if pair.given is not None:
        return given_name(pair.given)
    return significant(pair.threshold, 3, 100)


def _side(row: PlanRow | None, factor: float) -> list[str]:
    if row is None:
        return [DASH] * 5
    return [
        significant(row.threshold, 3, 100),
        lowered_text(row),
        significant(row.expected_gain, 3, factor),
        significant(row.predicted_tau, 3, 100),
        significant(row.measured_tau.value if row.measured_tau else None, 3, 100),
    ]
