"""Raw times of the configurations of each class of sub-graphs."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from ..contents import Archive, Timing
from ..statistics import time_saved
from .style import BLUE, INK, MUTED, RULE, Drawing

MOST_ROWS = 24
LONG_TAIL = 3  # slowest over fastest run from which on times are drawn on a logarithmic axis


def draw(archive: Archive) -> list[Drawing]:
    return [_draw_class(archive, timing) for timing in archive.timings]


def shown_configurations(timing: Timing) -> list[int]:
    """All-high, then the others by falling gain, at most MOST_ROWS."""
    saved = np.median(timing.seconds[:, :1] - timing.seconds, axis=0)
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


def _draw_class(archive: Archive, timing: Timing) -> Drawing:
    places = shown_configurations(timing)
    figure = Figure(figsize=(9.2, 1.15 + 0.27 * len(places)))
    raw, saved = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    random = np.random.default_rng(0)
    for row, place in enumerate(places):
        _strip(raw, row, 1e3 * timing.seconds[:, place], random)
        if place > 0:
            _interval(saved, row, timing, place)
    raw.set_yticks(range(len(places)), [configuration_label(archive, timing, p) for p in places])
    raw.set_ylim(len(places) - 0.5, -0.5)
    what = "a run of the model" if archive.spec["latency"]["scope"] == "model" else "the sub-graph"
    raw.set_xlabel(f"time of {what}, ms")
    saved.set_xlabel("saved per sub-graph, µs")
    saved.xaxis.set_major_locator(MaxNLocator(5))
    if timing.seconds.max() > LONG_TAIL * timing.seconds.min():
        raw.set_xscale("log")
        raw.xaxis.set_major_locator(LogLocator(10, (1, 2, 5)))
        raw.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        raw.xaxis.set_minor_formatter(NullFormatter())
    for axes in (raw, saved):
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    raw.axvline(1e3 * np.median(timing.seconds[:, 0]), color=RULE, linewidth=0.8, zorder=0)
    saved.axvline(0, color=RULE, linewidth=0.8, zorder=0)
    left_out = timing.seconds.shape[1] - len(places)
    return Drawing(
        timing.table.replace("/", "_"),
        f"Times of {timing.subgraph}",
        _caption(timing, left_out),
        figure,
    )


def _caption(timing: Timing, left_out: int) -> str:
    blocks = len(timing.seconds)
    lowered = (
        f"its {timing.members} sub-graphs lowered together"
        if timing.members > 1
        else "one sub-graph lowered"
    )
    caption = (
        f"Left: each of {blocks} runs (dots), median (bar), {lowered}. Right: median of the "
        "differences to the all-high run of the same block, per sub-graph, with its 95 % interval."
    )
    if left_out:
        caption += f" {left_out} configurations with smaller gains are not shown."
    return caption


def _strip(axes: Axes, row: int, values: np.ndarray, random: np.random.Generator) -> None:
    jitter = random.uniform(-0.22, 0.22, len(values))
    color = MUTED if row == 0 else BLUE
    axes.plot(values, row + jitter, ".", color=color, markersize=4.5, alpha=0.5, markeredgewidth=0)
    middle = np.median(values)
    axes.plot([middle, middle], [row - 0.33, row + 0.33], color=INK, linewidth=1.3)


def _interval(axes: Axes, row: int, timing: Timing, place: int) -> None:
    estimate = time_saved(timing.seconds, place).scaled(1e6 / timing.members)
    if not np.isnan(estimate.low):
        axes.plot([estimate.low, estimate.high], [row, row], color=BLUE, linewidth=1.3)
    axes.plot(estimate.value, row, "o", color=BLUE)
