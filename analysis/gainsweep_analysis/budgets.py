"""The table of plans of least loss error within budgets of a resource."""

import textwrap

import numpy as np

from . import grid
from .contents import Archive
from .notation import scaled_unit, significant
from .plans import PlanRow, expected_time_word, plan_row
from .qualities import quality_column
from .table import (
    OFF,
    WIDTH,
    divergence_text,
    lowered_text,
    measured_text,
    measured_time_text,
    predicted_time_text,
    record,
)

LEGEND = (
    "Each line of a budget is the plan of the least predicted loss error that takes no more of the "
    "resource."
)


def rows(archive: Archive, resource: str) -> list[PlanRow]:
    """The plans within a resource's budgets, by budget."""
    plans = archive.budgets[resource]
    return [plan_row(archive, plans, point) for point in np.argsort(plans.threshold, kind="stable")]


def scale(archive: Archive, resource: str) -> tuple[float, str]:
    """The factor and unit that its amounts are shown in."""
    about = archive.resources[resource]
    if about.units == "byte":
        return scaled_unit(about.whole, about.units)
    return (1e3, "ms") if about.units == "s" else (1.0, about.units)


def note(archive: Archive, resource: str) -> str:
    """What the resource is, and how much of it there is to save."""
    about, (factor, unit) = archive.resources[resource], scale(archive, resource)
    return (
        f"{about.meaning}: {significant(about.whole, 4, factor)} {unit} in {archive.high}, "
        f"{significant(about.least, 4, factor)} {unit} at the least"
    )


def columns(archive: Archive, resource: str, *, wide: bool = False) -> list[grid.Column]:
    """The table of a resource, `wide` for a page; columns without a single value are left out."""
    factor, unit = scale(archive, resource)
    listed = rows(archive, resource)

    def column(group: str, head: str, cell) -> grid.Column:
        return grid.Column(group, head, [cell(row) for row in listed])

    tau, time = "loss error τ, %", "time saved, % of a run"
    return grid.without_empty(
        [
            column(
                f"{resource}, {unit}", "allowed", lambda row: significant(row.budget, 4, factor)
            ),
            column(f"{resource}, {unit}", "taken", lambda row: significant(row.taken, 4, factor)),
            column("lowered,", "% of ops", lowered_text),
            column(tau, "predicted", lambda row: significant(row.predicted_tau, 3, 100)),
            column(tau, "measured", measured_text),
            column(time, expected_time_word(archive), predicted_time_text),
            column(time, "measured", measured_time_text),
            column("KL,", "mnat", lambda row: divergence_text(row, wide)),
            quality_column(archive, listed),
        ]
    )


def text(archive: Archive) -> str:
    """The tables of all resources for a terminal; empty without any."""
    lines = []
    for resource in archive.budgets:
        shown = f"Budgets of {resource}: {note(archive, resource)}"
        lines += [*textwrap.wrap(shown, WIDTH), "", *grid.lines(columns(archive, resource)), ""]
    if not lines:
        return ""
    legend = LEGEND
    if any(row.is_off for resource in archive.budgets for row in rows(archive, resource)):
        legend += f" {OFF} Predicted outside the measured interval."
    return "\n".join([*lines, *textwrap.wrap(legend, WIDTH)]) + "\n"


def records(archive: Archive) -> list[dict]:
    """One flat record per plan: those of other plans, with what is allowed and taken."""
    return [
        {
            **record(archive, row),
            "resource": resource,
            "resource_units": archive.resources[resource].units,
            "allowed": row.budget,
            "taken": row.taken,
        }
        for resource in archive.budgets
        for row in rows(archive, resource)
    ]
