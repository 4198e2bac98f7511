"""Strategies side by side: what their plans do, and what it took to find them."""

import math
import textwrap
from dataclasses import dataclass

from . import grid, latex, searches
from .contents import Archive
from .notation import DASH, interval, significant
from .planned import Plans
from .plans import PlanRow, plan_row
from .seal import ArchiveError
from .table import WIDTH

LEAST_RELIABILITY = 0.5  # a score below it ranks by luck
UNRELIABLE = "!"
LEGEND = (
    "Saved: part of what all-high takes. τ: root-mean-square change of a sample's loss over the "
    "root-mean-square loss; KL: mean divergence of predictions from all-high's; alike: part of the "
    "predictions whose likeliest class is all-high's; top 1: change of the part that is right. All "
    "are measured on samples that no strategy saw, [low–high]: 95 % bootstrap intervals. Passes: "
    "forward passes of a set of samples that the plan rests on, 3 for loss errors and one for each "
    "plan that was measured. Reliability: rank correlation between scores on even and on odd "
    f"samples; {UNRELIABLE} below {LEAST_RELIABILITY}, where an order is luck. Rank "
    "correlations are of scores of ops and formats: loss errors, and what each does alone."
)


@dataclass(frozen=True)
class Row:
    plan: PlanRow
    passes: int
    reliability: float | None  # None where its scores are of calibration samples

    @property
    def is_unreliable(self) -> bool:
        return self.reliability is not None and not self.reliability >= LEAST_RELIABILITY


def rows(archive: Archive, objective: str) -> dict[str, list[Row]]:
    """The evaluated plans of every strategy by threshold, of several draws the first; strategies
    without any are left out."""
    return {
        plans.strategy: [
            Row(
                plan_row(archive, plans, point),
                int(plans.passes[point]),
                None if plans.reliability is None else float(plans.reliability[point]),
            )
            for point in points
        ]
        for plans, points in _evaluated(archive, objective)
    }


def _evaluated(archive: Archive, objective: str) -> list[tuple[Plans, list[int]]]:
    """Plans of the strategies that the spec evaluates, with the places of those that were, by
    threshold."""
    found = []
    for strategy in archive.strategies(objective):
        if strategy not in archive.spec["evaluate"]["strategies"] or archive.baseline is None:
            continue
        plans = archive.plans[objective, strategy]
        known = [archive.evaluations.get(str(key)) for key in plans.assignment_key[:, 0]]
        points = [
            point
            for point in plans.threshold.argsort(kind="stable")
            if known[point] is not None and known[point].loss is not None
        ]
        if points:
            found.append((plans, points))
    return found


def compared(archive: Archive) -> list[str]:
    """Objectives of which plans of several strategies were evaluated."""
    return [name for name in archive.objectives if len(_evaluated(archive, name)) > 1]


def columns(archive: Archive, objective: str) -> list[grid.Column]:
    """A line a plan, strategy by strategy."""
    listed = [row for own in rows(archive, objective).values() for row in own]
    plans = [row.plan for row in listed]
    found = [
        grid.flush_left("strategy", [plan.strategy for plan in plans]),
        grid.Column("allowed", "τ, %", [significant(plan.threshold, 3, 100) for plan in plans]),
        grid.Column("saved,", "%", [significant(plan.gain_share, 3, 100) for plan in plans]),
        grid.Column("measured", "τ, %", [interval(plan.measured_tau, 100) for plan in plans]),
        grid.Column("measured", "KL, mnat", [interval(plan.divergence, 1e3) for plan in plans]),
        grid.Column("measured", "alike, %", [interval(plan.alike, 100) for plan in plans]),
        grid.Column("measured", "top 1, %", [interval(plan.top1_change, 100) for plan in plans]),
        grid.Column("", "passes", [str(row.passes) for row in listed]),
        grid.Column("", "reliability", [_reliability(row) for row in listed]),
    ]
    return grid.without_empty(found)


def _reliability(row: Row) -> str:
    if row.reliability is None:
        return DASH
    shown = "not known" if math.isnan(row.reliability) else f"{row.reliability:.2f}"
    return f"{shown} {UNRELIABLE}" if row.is_unreliable else shown


def agreement_columns(archive: Archive) -> list[grid.Column]:
    """Rank correlations between scores as a square; none where no op was measured alone."""
    found = searches.agreement(archive)
    if found is None:
        return []
    cells = [[significant(value, 2) for value in row] for row in found.correlations.T]
    return [
        grid.flush_left("rank correlation", found.names),
        *(grid.Column("", name, own) for name, own in zip(found.names, cells, strict=True)),
    ]


def text(archive: Archive, objectives: list[str]) -> str:
    parts = []
    for objective in _checked(archive, objectives):
        parts += [f"Plans for {objective}", "", *grid.lines(columns(archive, objective)), ""]
    if square := agreement_columns(archive):
        parts += ["Scores of ops and formats", "", *grid.lines(square)[1:], ""]
    return "\n".join([*parts, *textwrap.wrap(LEGEND, WIDTH)]) + "\n"


def latex_text(archive: Archive, objectives: list[str]) -> str:
    tables = [
        latex.tabular(columns(archive, objective), [f"Plans for {objective}", LEGEND])
        for objective in _checked(archive, objectives)
    ]
    if square := agreement_columns(archive):
        tables.append(latex.tabular(square, ["Scores of ops and formats"]))
    return "\n".join(tables)


def records(archive: Archive, objectives: list[str]) -> list[dict]:
    """A record a plan: fractions and nat, with the bounds of intervals."""
    return [
        {
            "objective": objective,
            "strategy": row.plan.strategy,
            "threshold": row.plan.threshold,
            "gain_share": row.plan.gain_share,
            **_bounds("tau", row.plan.measured_tau),
            **_bounds("divergence", row.plan.divergence),
            **_bounds("agreement", row.plan.alike),
            **_bounds("top1_change", row.plan.top1_change),
            "passes": row.passes,
            "reliability": _finite(row.reliability),
        }
        for objective in _checked(archive, objectives)
        for own in rows(archive, objective).values()
        for row in own
    ]


def _bounds(name, estimate) -> dict:
    if estimate is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {
        name: estimate.value,
        f"{name}_low": _finite(estimate.low),
        f"{name}_high": _finite(estimate.high),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _checked(archive: Archive, objectives: list[str]) -> list[str]:
    found = [objective for objective in compared(archive) if objective in objectives]
    if not found:
        raise ArchiveError(
            f"{archive.path}: no two strategies have evaluated plans for one objective. Name "
            "several in solve.strategies and evaluate.strategies."
        )
    return found
