"""Predicted against measured: loss error and time."""

import itertools
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..contents import Archive, Evaluation
from ..notation import significant
from ..plans import evaluated_tau, main_strategy
from ..statistics import Estimate, time_saved
from .style import (
    COLUMN,
    INK,
    MUTED,
    RULE,
    Drawing,
    interval_bars,
    legend_on_top,
    log_ticks,
    look,
    panels_across,
    subplots,
)

LEAST_PANEL = 1.6  # inches
GIVEN = "given"  # in the place of an objective: plans that none led to


@dataclass(frozen=True)
class Point:
    """A plan's prediction (x) and measurement (y); `objective` is the first that led to it, or
    GIVEN."""

    objective: str
    x: Estimate
    y: Estimate


def draw(archive: Archive, width: float) -> list[Drawing]:
    return [*_draw_loss(archive, width), *_draw_time(archive, width)]


def _owners(archive: Archive) -> dict[str, str]:
    """The first objective whose main strategy chose an assignment, by key."""
    owners: dict[str, str] = {}
    for objective in archive.objectives:
        plans = archive.plans[objective, main_strategy(archive, objective)]
        for key in plans.assignment_key[:, 0]:
            owners.setdefault(str(key), objective)
    for plan in archive.given:
        owners.setdefault(plan.assignment_key, GIVEN)
    return owners


def _owner_names(archive: Archive) -> list[str]:
    return [*archive.objectives, GIVEN]


def _evaluated(archive: Archive) -> list[tuple[str, Evaluation]]:
    """Evaluations of assignments that lower something, with their objective."""
    owners = _owners(archive)
    return [
        (owners.get(key, archive.objectives[0]), found)
        for key, found in archive.evaluations.items()
        if found.assignment is not None and found.assignment.any()
    ]


def loss_points(archive: Archive, noise: str, loss_model: str) -> list[Point]:
    """Predicted and measured τ in % of the plans that were evaluated."""
    predictions = archive.predictions[noise, loss_model]
    points = []
    for objective, found in _evaluated(archive):
        measured = evaluated_tau(archive, found)
        predicted = predictions.get(found.key)
        if predicted is not None and measured is not None and measured.value > 0:
            points.append(Point(objective, predicted.scaled(100), measured.scaled(100)))
    return points


def time_points(archive: Archive) -> list[Point]:
    """Predicted and measured time saved of the plans that were timed, % of an all-high run."""
    points = []
    for objective, found in _evaluated(archive):
        saved = archive.savings.get(found.key)
        if found.seconds is not None and saved is not None:
            measured = time_saved(found.seconds).scaled(100)
            points.append(Point(objective, saved.scaled(100), measured))
    return points


def _draw_loss(archive: Archive, width: float) -> list[Drawing]:
    groups = panels(archive)
    if not groups:
        return []
    down, across = panels_across(len(groups), width, LEAST_PANEL)
    side = width / across
    figure = Figure(figsize=(width, 0.45 + (side + 0.3) * down))
    grid = subplots(figure, len(groups), down, across, sharex=True, sharey=True)
    used = (archive.spec["solve"]["loss_model"], archive.spec["solve"]["noise"])
    limits = _log_limits([point for _, points in groups for point in points])
    for place, (axes, (names, points)) in enumerate(zip(grid, groups, strict=True)):
        axes.set_title(
            _panel_title(names), fontweight="bold" if used in names else "normal", fontsize=7
        )
        _log_panel(archive, axes, points, limits)
        for axis in (axes.xaxis, axes.yaxis):
            log_ticks(axis, side - 0.45)
        if place + across >= len(groups):
            axes.set_xlabel("predicted τ, %")
            axes.tick_params(labelbottom=True)
        if place % across == 0:
            axes.set_ylabel("measured τ, %")
    legend_on_top(figure, [*_handles(archive, [p for _, p in groups]), *_line_handles()])
    caption = (
        "Loss errors of the evaluated plans, predicted from calibration samples and measured on "
        "other samples: under the noise that plans were made with and each loss model, and under "
        "their loss model and each noise; those that predict the same share a panel. "
        "Titles: loss model, noise; bold what plans were made with. Bars are 95 % bootstrap "
        "intervals over samples, numbers measured over predicted: median (least to largest)."
    )
    return [Drawing("loss_error", "Predicted against measured loss error", caption, figure)]


def panels(archive: Archive) -> list[tuple[list[tuple[str, str]], list[Point]]]:
    """Loss models and noises with the points that they predict, those that plans were made with and
    what differs from them in one of the two; equal predictions once."""
    solve = archive.spec["solve"]
    noises = list(dict.fromkeys(noise for noise, _ in archive.predictions))
    models = list(dict.fromkeys(model for _, model in archive.predictions))
    groups: list[tuple[list[tuple[str, str]], list[Point]]] = []
    for model, noise in itertools.product(models, noises):
        if (noise, model) not in archive.predictions:
            continue
        if noise != solve["noise"] and model != solve["loss_model"]:
            continue
        points = loss_points(archive, noise, model)
        twin = next((names for names, other in groups if _same(points, other)), None)
        if twin is not None:
            twin.append((model, noise))
        elif points:
            groups.append(([(model, noise)], points))
    return groups


def _same(points: list[Point], others: list[Point]) -> bool:
    """Whether predictions are equal to what a figure shows."""
    values = [[point.x.value for point in side] for side in (points, others)]
    return len(points) == len(others) and bool(np.allclose(*values, rtol=1e-3, atol=0))


def _panel_title(names: list[tuple[str, str]]) -> str:
    """Two lines: loss models, noises."""
    models, noises = (list(dict.fromkeys(side)) for side in zip(*names, strict=True))
    words = ", ".join(noises).replace("_", "-")
    return f"{', '.join(models).replace('_', ' ')}\n{words}"


def _line_handles() -> list[Line2D]:
    return [
        Line2D([], [], color=MUTED, linewidth=0.8, label="equal"),
        Line2D([], [], color=RULE, linewidth=0.9, linestyle=":", label="a factor of two off"),
    ]


def _log_limits(points: list[Point]) -> tuple[float, float]:
    values = [value for point in points for value in (point.x.value, point.y.value) if value > 0]
    bounds = [point.y.low for point in points if point.y.low > 0]
    bounds += [point.y.high for point in points if point.y.high > 0]
    return min(values + bounds) / 1.4, max(values + bounds) * 1.4


def _log_panel(
    archive: Archive, axes: Axes, points: list[Point], limits: tuple[float, float]
) -> None:
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, aspect="equal")
    ends = np.array(limits)
    axes.plot(ends, ends, color=MUTED, linewidth=0.8, zorder=0)
    for off in (0.5, 2):
        axes.plot(ends, off * ends, ":", color=RULE, linewidth=0.9, zorder=0)
    _scatter(archive, axes, points)
    ratios = [point.y.value / point.x.value for point in points if point.x.value > 0]
    if ratios:
        low, middle, high = (significant(q) for q in np.quantile(ratios, [0, 0.5, 1]))
        note = f"{middle} ({low} to {high})"
        axes.text(0.03, 0.97, note, transform=axes.transAxes, va="top", fontsize=7, color=INK)


def _scatter(archive: Archive, axes: Axes, points: list[Point]) -> None:
    for objective in _owner_names(archive):
        own = [point for point in points if point.objective == objective]
        if not own:
            continue
        axes.errorbar(
            [point.x.value for point in own],
            [point.y.value for point in own],
            xerr=interval_bars([point.x for point in own]),
            yerr=interval_bars([point.y for point in own]),
            linestyle="none",
            **look(_owner_names(archive), objective),
            elinewidth=0.6,
            markersize=3,
        )


def _handles(archive: Archive, groups) -> list[Line2D]:
    present = {point.objective for points in groups for point in points}
    return [
        Line2D(
            [],
            [],
            linestyle="none",
            **look(_owner_names(archive), name),
            label="given plans" if name == GIVEN else f"plans for {name}",
        )
        for name in _owner_names(archive)
        if name in present
    ]


def _draw_time(archive: Archive, width: float) -> list[Drawing]:
    points = time_points(archive)
    if not points:
        return []
    side = min(width, COLUMN)
    figure = Figure(figsize=(side, side + 0.3))
    axes = figure.subplots()
    values = [v for p in points for v in (p.x.value, p.y.value, p.y.low, p.y.high)]
    values = [value for value in values if not np.isnan(value)]
    low, high = min(0, *values), max(values)
    margin = 0.06 * (high - low)
    ends = np.array([low - margin, high + margin])
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.plot(ends, ends, color=MUTED, linewidth=0.8, zorder=0)
    axes.set(xlabel="predicted time saved, % of a run", ylabel="measured time saved, % of a run")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    _scatter(archive, axes, points)
    errors = [abs(p.y.value / p.x.value - 1) for p in points if p.x.value != 0]
    if errors:
        middle, worst = 100 * np.median(errors), 100 * max(errors)
        note = f"off by {significant(middle, 2)} % (median),\n{significant(worst, 2)} % (worst)"
        axes.text(0.03, 0.97, note, transform=axes.transAxes, va="top", fontsize=7)
    legend_on_top(figure, [*_handles(archive, [points]), _line_handles()[0]], 2)
    caption = (
        "Time that whole plans save, predicted by adding what their sub-graphs save and measured "
        "on the lowered model: medians over blocks of the part of the all-high run beside it that "
        "is saved, with bootstrap intervals over blocks."
    )
    return [Drawing("time", "Predicted against measured time", caption, figure)]
