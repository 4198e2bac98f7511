"""What a run says in the end: a plan of each objective in words."""

from itertools import groupby

import numpy as np

from .contents import Archive
from .layers import layers
from .notation import listed
from .plans import PlanRow, rows

MOST_GROUPS = 6  # of ops of a format that are named one by one


def answer_row(archive: Archive, objective: str) -> PlanRow | None:
    """The plan that gains the most among those whose measured loss error is within the allowed
    one; without such the largest evaluated, without any evaluation the largest. None where no plan
    lowers an op. Of equal plans that of the least threshold."""
    found = [row for row in rows(archive, objective) if row.assignment.any()]
    evaluated = [row for row in found if row.measured_tau is not None]
    kept = [row for row in evaluated if row.measured_tau.value <= row.threshold]
    listed_ = kept or evaluated or found
    if not listed_:
        return None
    key = listed_[-1].assignment_key
    return next(row for row in found if row.assignment_key == key)


def why_nothing(archive: Archive, objective: str) -> str:
    """Why no plan of an objective lowers an op."""
    text = f"No plan for {objective} lowers an op: "
    if any(gain > 0 for gains in archive.gains[objective] for gain in gains.values()):
        return text + "the thresholds are too small."
    if archive.objective(objective).of_times and archive.spec["solve"].get("gain") == "lower":
        return (
            text + "of no sub-graph is a saving certain (the interval of each covers 0, and "
            "solve.gain: lower counts its lower end; median would count its middle)."
        )
    return text + "nothing that can be lowered saves anything."


def lowered_ops(archive: Archive, assignment: np.ndarray) -> dict[str, str]:
    """The ops of each low format that a plan uses: `q, k and v of layers 0–3, 5; lm_head`, or what
    it leaves where that is shorter."""
    parts = {}
    for place, name in enumerate(archive.low, start=1):
        if not (assignment == place).any():
            continue
        chosen, others = (
            _groups(archive, np.flatnonzero(which))
            for which in (assignment == place, assignment != place)
        )
        directly, by_rest = _joined(chosen), f"all ops but {_joined(others)}"
        if not others:
            parts[name] = "all ops"
        elif (len(others), len(by_rest)) < (len(chosen), len(directly)):
            parts[name] = by_rest
        else:
            parts[name] = directly
    return parts


def _joined(groups: list[str]) -> str:
    if len(groups) <= MOST_GROUPS:
        return "; ".join(groups)
    return "; ".join(
        [
            *groups[: MOST_GROUPS - 1],
            f"and {len(groups) - MOST_GROUPS + 1} more groups (see the plan's file)",
        ]
    )


def _groups(archive: Archive, ops: np.ndarray) -> list[str]:
    """Ops by the layers that they are in: those of equal layers together, most layers first."""
    grid = layers(archive)
    columns: dict[int, list[int]] = {}
    for op in ops:
        columns.setdefault(grid.row[op], []).append(grid.column[op])
    by_layers: dict[tuple[int, ...], list[int]] = {}
    for row, found in columns.items():
        by_layers.setdefault(tuple(sorted(found)), []).append(row)
    ordered = sorted(by_layers.items(), key=lambda item: -len(item[0]) * len(item[1]))
    return [_group(grid, found, members) for found, members in ordered]


def _group(grid, columns: tuple[int, ...], members: list[int]) -> str:
    names = listed(grid.rows[row] for row in members)
    inside = [column for column in columns if grid.columns[column]]
    if not inside:
        return names
    whole = {c for c, r in zip(grid.column, grid.row, strict=True) if r in members}
    if set(columns) == {c for c in whole if grid.columns[c]} and len(inside) > 1:
        return f"{names} of all layers"
    return f"{names} of layer{'s' * (len(inside) > 1)} {_ranges(grid, inside)}"


def _ranges(grid, columns: list[int]) -> str:
    """`0–3, 5`."""
    runs = []
    for _, run in groupby(enumerate(columns), key=lambda item: item[1] - item[0]):
        places = [column for _, column in run]
        first, last = grid.columns[places[0]], grid.columns[places[-1]]
        joint = "–" if len(places) > 2 else ", "
        runs.append(first if len(places) == 1 else f"{first}{joint}{last}")
    return ", ".join(runs)
