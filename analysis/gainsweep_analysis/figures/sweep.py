"""Points of a sweep beside each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..contents import Archive
from ..parameters import Labels
from ..plans import rows, total_cost
from .style import (
    HUES,
    INK,
    MARKERS,
    MUTED,
    RULE,
    Drawing,
    legend_on_top,
    log_ticks,
    look,
    panels_across,
    subplots,
)

LEAST_PANEL, HEIGHT = 2.1, 2.1  # inches
EQUAL = 1e-9  # relative: what two curves differ in that are one


def draw(archives: list[Archive], width: float) -> list[Drawing]:
    labels = Labels([archive.point.parameters for archive in archives])
    return [_draw_gains(archives, labels, width), *_draw_ratios(archives, labels, width)]


def _curve(archive: Archive, objective: str) -> np.ndarray:
    """Thresholds and gains, both in %; gains as they are where nobody knows of how much."""
    listed = rows(archive, objective) if objective in archive.objectives else []
    total = total_cost(archive, objective) if listed else None
    factor = 100 / total if total else 1
    return np.array([[100 * row.threshold, factor * row.expected_gain] for row in listed]).reshape(
        -1, 2
    )


def equal_curves(archives: list[Archive], objectives: list[str]) -> list[list[int]]:
    """Places of points whose plans gain the same at the same thresholds, whatever the objective."""
    groups: list[tuple[list[np.ndarray], list[int]]] = []
    for place, archive in enumerate(archives):
        curves = [_curve(archive, objective) for objective in objectives]
        for known, places in groups:
            if all(map(_same, known, curves)):
                places.append(place)
                break
        else:
            groups.append((curves, [place]))
    return [places for _, places in groups]


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=EQUAL, atol=0))


def _draw_gains(archives: list[Archive], labels: Labels, width: float) -> Drawing:
    objectives = list(dict.fromkeys(name for archive in archives for name in archive.objectives))
    groups = equal_curves(archives, objectives)
    handles = [
        Line2D([], [], label=labels.of(places), **_look(number))
        for number, places in enumerate(groups)
    ]
    down, across = panels_across(len(objectives), width, LEAST_PANEL)
    figure = Figure(figsize=(width, 0.6 + HEIGHT * down + 0.15 * len(handles)))
    panels = subplots(figure, len(objectives), down, across)
    for axes, objective in zip(panels, objectives, strict=True):
        drawn = [
            _gain_line(axes, archives[places[0]], objective, number)
            for number, places in enumerate(groups)
        ]
        axes.set(xscale="log", title=f"plans for {objective}", ylabel="saved, % of all-high")
        axes.axhline(0, color=RULE, linewidth=0.7, zorder=0)
        found = np.concatenate(drawn)
        if found.size:
            axes.set_xlim(found.min() / 1.25, found.max() * 1.25)
        log_ticks(axes.xaxis, LEAST_PANEL - 0.6)
    figure.supxlabel("allowed loss error τ, % of the root-mean-square loss", fontsize=8)
    legend_on_top(figure, handles)
    caption = "What the plans of every point save at the thresholds of the sweep. " + labels.note()
    if len(groups) < len(archives):
        caption += (
            f" The {len(archives)} points make {len(groups)} curves: points whose plans gain the "
            "same throughout share one, and its name has the values that they have (a/b: either)."
        )
    return Drawing("sweep_gain", "Gain at every point", caption, figure)


def _look(number: int) -> dict:
    return {
        "color": HUES[number % len(HUES)],
        "marker": MARKERS[(number // len(HUES) + number) % len(MARKERS)],
        "linestyle": ("-", "--", ":")[number // len(HUES) % 3],
        "mfc": "none",
        "linewidth": 1.0,
    }


def _gain_line(axes: Axes, archive: Archive, objective: str, number: int) -> np.ndarray:
    """Draws a curve; its thresholds."""
    thresholds, gains = _curve(archive, objective).T
    axes.plot(thresholds, gains, **_look(number))
    return thresholds


def _draw_ratios(archives: list[Archive], labels: Labels, width: float) -> list[Drawing]:
    """Measured over predicted loss error of every evaluated plan, a line of marks a point."""
    names = [labels.of([place]) for place in range(len(archives))]
    above = 0.062 * max(map(len, names)) > width / 2  # names take more than half: on lines above
    step = 0.34 if above else 0.2
    figure = Figure(figsize=(width, 0.75 + step * len(archives)))
    axes = figure.subplots()
    found = []
    for place, archive in enumerate(archives):
        ratios = _ratios(archive)
        for objective, ratio in ratios:
            color = look(archive.objectives, objective)["color"]
            axes.plot(ratio, place, "o", color=color, alpha=0.55, mew=0)
        if ratios:
            middle = float(np.median([ratio for _, ratio in ratios]))
            axes.plot([middle, middle], [place - 0.3, place + 0.3], color=INK, linewidth=1.3)
        found += ratios
    if not found:
        return []
    axes.axvline(1, color=MUTED, linewidth=0.8, zorder=0)
    axes.set(
        xlabel="measured over predicted loss error τ",
        ylim=(len(archives) - 0.5, -0.75 if above else -0.5),
    )
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(range(len(archives)), [""] * len(names) if above else names)
    if above:
        at = axes.get_yaxis_transform()
        for place, name in enumerate(names):
            axes.text(0.01, place - 0.3, name, transform=at, va="bottom", fontsize=7, color=MUTED)
    objectives = list(dict.fromkeys(objective for objective, _ in found))
    known = archives[0].objectives
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            alpha=0.55,
            mew=0,
            label=f"plans for {name}",
            color=look(known if name in known else objectives, name)["color"],
        )
        for name in objectives
    ]
    legend_on_top(figure, handles)
    caption = (
        "Plans at the loss error that was measured of them over the one that was predicted; 1 is a "
        "perfect prediction, the bar the median of a point's distinct plans. " + labels.note()
    )
    return [Drawing("sweep_prediction", "Predictions at every point", caption, figure)]


def _ratios(archive: Archive) -> list[tuple[str, float]]:
    """Of distinct plans, with the first objective that chose them."""
    ratios = {}
    for objective in archive.objectives:
        for row in rows(archive, objective):
            if row.measured_tau is not None and row.measured_tau.value and row.predicted_tau:
                ratio = row.measured_tau.value / row.predicted_tau
                ratios.setdefault(row.assignment_key, (objective, ratio))
    return list(ratios.values())
