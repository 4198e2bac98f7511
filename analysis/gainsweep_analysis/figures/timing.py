"""Raw times of the configurations of each class of sub-graphs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .. import additivity
from ..contents import Archive, Timing
from ..notation import significant
from ..statistics import time_saved
from .style import BLUE, INK, MUTED, RULE, Drawing

MOST_ROWS = 24
CLIPPED = 99  # percentile of all runs of a figure that its axis ends at
ROW = 0.19  # inches
BESIDE = 5.0  # width from which on savings stand beside times, not below


def draw(archive: Archive, width: float) -> list[Drawing]:
    """Savings stand beside times but for classes whose gains have a figure of their own."""
    compared = {archive.subgraphs[place].name for place in additivity.chosen(archive)}
    return [
        _draw_class(archive, timing, width, timing.subgraph not in compared)
        for timing in archive.timings
    ]


def shown_configurations(timing: Timing) -> list[int]:
    """All-high, then the others by falling gain, at most MOST_ROWS."""
    saved = np.median((timing.seconds[:, :1] - timing.seconds) / timing.whole[:, None], axis=0)
    others = sorted(range(1, timing.seconds.shape[1]), key=lambda place: -saved[place])
    return [0, *others[: MOST_ROWS - 1]]


def configuration_label(archive: Archive, timing: Timing, place: int) -> str:
    """The ops that a configuration lowers: `q k v int8`."""
    subgraph = next(s for s in archive.subgraphs if s.name == timing.subgraph)
    leaves = [archive.ops[op].path.rsplit(".", 1)[-1] for op in subgraph.ops]
    formats = timing.configurations[place]
    parts = []
    for low in archive.low:
        lowered = [leaf for leaf, name in zip(leaves, formats, strict=True) if name == low]
        if lowered:
            parts.append(f"{' '.join(lowered)} {low}")
    return ", ".join(parts) or f"all {archive.high}"


def _draw_class(archive: Archive, timing: Timing, width: float, with_savings: bool) -> Drawing:
    places = shown_configurations(timing)
    beside = width >= BESIDE
    down = 1 if beside or not with_savings else 2
    figure = Figure(figsize=(width, 0.1 + down * (0.5 + ROW * len(places))))
    shape = {"ncols": 2, "width_ratios": [3, 2]} if beside else {"nrows": 2}
    panels = list(figure.subplots(sharey=True, **shape)) if with_savings else [figure.subplots()]
    seconds = timing.seconds[:, places]
    end = float(np.percentile(seconds, CLIPPED))
    _draw_times(archive, panels[0], timing, places, end)
    if with_savings:
        _draw_savings(panels[1], timing, places)
        panels[1].tick_params(labelleft=not beside)
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    names = (("Left", "Right") if beside else ("Above", "Below")) if with_savings else None
    return Drawing(
        timing.table.replace("/", "_"),
        f"Times of {timing.subgraph}",
        _caption(timing, seconds, end, names),
        figure,
    )


def _draw_times(
    archive: Archive, axes: Axes, timing: Timing, places: list[int], end: float
) -> None:
    random = np.random.default_rng(0)
    for row, place in enumerate(places):
        _strip(axes, row, 1e3 * timing.seconds[:, place], 1e3 * end, random)
    labels = [configuration_label(archive, timing, place) for place in places]
    axes.set_yticks(range(len(places)), labels)
    axes.set_ylim(len(places) - 0.5, -0.5)
    least = timing.seconds[:, places].min()
    margin = 0.03 * (end - least)
    axes.set_xlim(1e3 * (least - margin), 1e3 * (end + margin))
    what = "a run of the model" if archive.spec["latency"]["scope"] == "model" else "the sub-graph"
    axes.set_xlabel(f"time of {what}, ms")
    axes.axvline(1e3 * np.median(timing.seconds[:, 0]), color=RULE, linewidth=0.8, zorder=0)


def _draw_savings(axes: Axes, timing: Timing, places: list[int]) -> None:
    for row, place in enumerate(places):
        if place > 0:
            _interval(axes, row, timing, place)
    axes.set_xlabel("saved per sub-graph, % of a run")
    axes.axvline(0, color=RULE, linewidth=0.8, zorder=0)


def _caption(timing: Timing, seconds: np.ndarray, end: float, names: tuple[str, str] | None) -> str:
    """`names` are the places of times and savings, None where times stand alone."""
    lowered = (
        f"its {timing.members} sub-graphs lowered together"
        if timing.members > 1
        else "one sub-graph lowered"
    )
    times, savings = names or ("", "")
    caption = f"{times}: each of" if times else "Each of"
    caption += f" {len(seconds)} runs (dots), median (bar), {lowered}."
    if savings:
        caption += (
            f" {savings}: median of the parts of the whole all-high run of the same block that are "
            "saved, per sub-graph, with its 95 % interval."
        )
    slower = int(np.sum(seconds > end))
    if slower:
        caption += (
            f" The axis of times ends at the {CLIPPED}th percentile of all runs, "
            f"{significant(end, 3, 1e3)} ms; slower ones ({slower}, up to "
            f"{significant(seconds.max(), 3, 1e3)} ms) stand at its end as triangles."
        )
    left_out = timing.seconds.shape[1] - seconds.shape[1]
    if left_out:
        caption += f" {left_out} configurations with smaller gains are not shown."
    return caption


def _strip(
    axes: Axes, row: int, values: np.ndarray, end: float, random: np.random.Generator
) -> None:
    heights = row + random.uniform(-0.22, 0.22, len(values))
    color = MUTED if row == 0 else BLUE
    inside = values <= end
    style = {"color": color, "alpha": 0.5, "markeredgewidth": 0, "linestyle": "none"}
    axes.plot(values[inside], heights[inside], marker=".", markersize=3.5, **style)
    slower = np.full(np.sum(~inside), end)
    axes.plot(slower, heights[~inside], marker=">", markersize=3, **style)
    middle = np.median(values)
    axes.plot([middle, middle], [row - 0.33, row + 0.33], color=INK, linewidth=1.1)


def _interval(axes: Axes, row: int, timing: Timing, place: int) -> None:
    estimate = time_saved(timing.seconds, place, timing.whole).scaled(100 / timing.members)
    if not np.isnan(estimate.low):
        axes.plot([estimate.low, estimate.high], [row, row], color=BLUE, linewidth=1.1)
    axes.plot(estimate.value, row, "o", color=BLUE)
