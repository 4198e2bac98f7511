"""Predicted against measured: loss error and time."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from ..contents import Archive, Evaluation
from ..notation import significant
from ..plans import evaluated_tau, main_strategy, predicted_time
from ..statistics import Estimate, time_saved
from .style import INK, MUTED, RULE, Drawing, look


@dataclass(frozen=True)
class Point:
    """A plan's prediction (x) and measurement (y); `objective` is the first that led to it."""

    objective: str
    x: Estimate
    y: Estimate


def draw(archive: Archive) -> list[Drawing]:
    return [*_draw_loss(archive), *_draw_time(archive)]


def _owners(archive: Archive) -> dict[str, str]:
    """The first objective whose main strategy chose an assignment, by key."""
    owners: dict[str, str] = {}
    for objective in archive.objectives:
        plans = archive.plans[objective, main_strategy(archive, objective)]
        for key in plans.assignment_key[:, 0]:
            owners.setdefault(str(key), objective)
    return owners


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
    """Predicted and measured ms saved of the plans that were timed."""
    points = []
    for objective, found in _evaluated(archive):
        saved = predicted_time(archive, found.assignment)
        if found.seconds is not None and saved is not None:
            x = Estimate(saved, np.nan, np.nan).scaled(1e3)
            points.append(Point(objective, x, time_saved(found.seconds).scaled(1e3)))
    return points


def _draw_loss(archive: Archive) -> list[Drawing]:
    noises = list(dict.fromkeys(noise for noise, _ in archive.predictions))
    models = list(dict.fromkeys(model for _, model in archive.predictions))
    panels = {
        (model, noise): loss_points(archive, noise, model) for model in models for noise in noises
    }
    if not any(panels.values()):
        return []
    figure = Figure(figsize=(0.3 + 3.1 * len(noises), 0.4 + 3.1 * len(models)))
    grid = figure.subplots(len(models), len(noises), sharex=True, sharey=True, squeeze=False)
    used = (archive.spec["solve"]["loss_model"], archive.spec["solve"]["noise"])
    limits = _log_limits([point for points in panels.values() for point in points])
    for (place, points), axes in zip(panels.items(), grid.flat, strict=True):
        model, noise = place
        title = f"{noise.replace('_', '-')} noise, {model.replace('_', ' ')}"
        weight = "bold" if place == used else "normal"
        axes.set_title(title, fontweight=weight)
        _log_panel(archive, axes, points, limits)
    for axes in grid[-1]:
        axes.set_xlabel("predicted τ, %")
    for axes in grid[:, 0]:
        axes.set_ylabel("measured τ, %")
    _label_diagonal(grid[0, -1], limits[1])
    figure.legend(handles=_handles(archive, panels.values()), loc="outside upper left", ncols=4)
    caption = (
        "Loss errors of the evaluated plans, predicted from calibration samples under each noise "
        "and loss model and measured on other samples. Bars are 95 % bootstrap intervals over "
        "samples; dotted lines are a factor of two off. Bold: what plans were made with. Integer "
        "formats use the measured steps under the paper's and the log-uniform noise alike."
    )
    return [Drawing("loss_error", "Predicted against measured loss error", caption, figure)]


def _label_diagonal(axes: Axes, end: float) -> None:
    """Names the identity line where it leaves the panel."""
    offset = {"xytext": (2, 1), "textcoords": "offset points"}
    axes.annotate("equal", (end, end), fontsize=8, color=MUTED, annotation_clip=False, **offset)


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
        note = f"measured ÷ predicted\nmedian {middle}, {low} to {high}"
        axes.text(0.03, 0.97, note, transform=axes.transAxes, va="top", fontsize=8, color=INK)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(10, (1.0,)))
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(NullFormatter())


def _scatter(archive: Archive, axes: Axes, points: list[Point]) -> None:
    for objective in archive.objectives:
        own = [point for point in points if point.objective == objective]
        if not own:
            continue
        axes.errorbar(
            [point.x.value for point in own],
            [point.y.value for point in own],
            xerr=_bars([point.x for point in own]),
            yerr=_bars([point.y for point in own]),
            linestyle="none",
            **look(archive.objectives, objective),
            elinewidth=0.7,
            markersize=4,
        )


def _bars(estimates: list[Estimate]) -> np.ndarray:
    bars = [(e.value - e.low, e.high - e.value) for e in estimates]
    return np.maximum(np.nan_to_num(np.array(bars).T), 0)


def _handles(archive: Archive, groups) -> list[Line2D]:
    present = {point.objective for points in groups for point in points}
    return [
        Line2D(
            [], [], linestyle="none", **look(archive.objectives, name), label=f"plans for {name}"
        )
        for name in archive.objectives
        if name in present
    ]


def _draw_time(archive: Archive) -> list[Drawing]:
    points = time_points(archive)
    if not points:
        return []
    figure = Figure(figsize=(4.8, 4.4))
    axes = figure.subplots()
    values = [v for p in points for v in (p.x.value, p.y.value, p.y.low, p.y.high)]
    values = [value for value in values if not np.isnan(value)]
    low, high = min(0, *values), max(values)
    margin = 0.06 * (high - low)
    ends = np.array([low - margin, high + margin])
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.plot(ends, ends, color=MUTED, linewidth=0.8, zorder=0)
    _label_diagonal(axes, ends[1])
    axes.set(xlabel="predicted time saved, ms a run", ylabel="measured time saved, ms a run")
    _scatter(archive, axes, points)
    errors = [abs(p.y.value / p.x.value - 1) for p in points if p.x.value != 0]
    if errors:
        middle, worst = 100 * np.median(errors), 100 * max(errors)
        note = f"off by {significant(middle, 2)} % (median), {significant(worst, 2)} % (worst)"
        axes.text(0.03, 0.97, note, transform=axes.transAxes, va="top", fontsize=8)
    figure.legend(handles=_handles(archive, [points]), loc="outside upper left", ncols=3)
    caption = (
        "Time that whole plans save, predicted by adding their sub-graphs' gains and measured "
        "on the lowered model (median of paired differences, 95 % bootstrap interval over blocks)."
    )
    return [Drawing("time", "Predicted against measured time", caption, figure)]
