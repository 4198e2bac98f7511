"""Points of a sweep beside each other."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..contents import Archive
from ..plans import rows, total_cost
from .style import HUES, INK, MUTED, RULE, Drawing, look

MARKERS = "os^Dv"


def draw(archives: list[Archive]) -> list[Drawing]:
    return [_draw_gains(archives), *_draw_ratios(archives)]


def _draw_gains(archives: list[Archive]) -> Drawing:
    objectives = list(dict.fromkeys(name for archive in archives for name in archive.objectives))
    figure = Figure(figsize=(3.4 * len(objectives) + 0.3, 3.4 + 0.19 * len(archives)))
    panels = figure.subplots(1, len(objectives), squeeze=False)[0]
    handles = []
    for axes, objective in zip(panels, objectives, strict=True):
        handles = [
            _gain_line(axes, archive, objective, place)
            for place, archive in enumerate(archives)
            if objective in archive.objectives
        ]
        axes.set(xscale="log", title=f"plans for {objective}", ylabel="saved, % of all-high")
        axes.axhline(0, color=RULE, linewidth=0.7, zorder=0)
        axes.xaxis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
    figure.supxlabel("allowed loss error τ, % of the root-mean-square loss", fontsize=9)
    figure.legend(handles=handles, loc="outside upper left", ncols=1)
    caption = "What the plans of every point save at the thresholds of the sweep."
    return Drawing("sweep_gain", "Gain at every point", caption, figure)


def _gain_line(axes: Axes, archive: Archive, objective: str, place: int):
    listed = rows(archive, objective)
    total = total_cost(archive, objective)
    gains = [100 * row.gain / total if total else row.gain for row in listed]
    (line,) = axes.plot(
        [100 * row.threshold for row in listed],
        gains,
        color=HUES[place % len(HUES)],
        marker=MARKERS[(place // len(HUES) + place) % len(MARKERS)],
        linestyle=("-", "--", ":")[place // len(HUES) % 3],
        mfc="none",
        label=archive.point.label,
    )
    return line


def _draw_ratios(archives: list[Archive]) -> list[Drawing]:
    """Measured over predicted loss error of every evaluated plan, a line of marks a point."""
    figure = Figure(figsize=(7.2, 1.1 + 0.34 * len(archives)))
    axes = figure.subplots()
    drawn = False
    for place, archive in enumerate(archives):
        ratios = {}
        for objective in archive.objectives:
            for row in rows(archive, objective):
                if row.measured_tau is not None and row.measured_tau.value and row.predicted_tau:
                    ratio = row.measured_tau.value / row.predicted_tau
                    ratios.setdefault(row.assignment_key, (objective, ratio))
        for objective, ratio in ratios.values():
            color = look(archive.objectives, objective)["color"]
            axes.plot(ratio, place, "o", color=color, alpha=0.55, mew=0)
        if ratios:
            drawn = True
            middle = float(np.median([ratio for _, ratio in ratios.values()]))
            axes.plot([middle, middle], [place - 0.32, place + 0.32], color=INK, linewidth=1.6)
    axes.axvline(1, color=MUTED, linewidth=0.8, zorder=0)
    axes.set(
        xlabel="measured over predicted loss error τ",
        ylim=(len(archives) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(archives)), [archive.point.label for archive in archives])
    caption = (
        "Plans at the loss error that was measured of them over the one that was predicted; 1 is a "
        "perfect prediction, the bar the median of a point's distinct plans. Colours: objectives, "
        "time blue, macs orange, memory green."
    )
    title = "Predictions at every point"
    return [Drawing("sweep_prediction", title, caption, figure)] if drawn else []
