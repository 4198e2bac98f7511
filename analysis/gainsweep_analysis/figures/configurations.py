"""Gains of a sub-graph's configurations beside the sums of single gains and theoretical gains."""

import math
import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .. import additivity
from ..additivity import Gain
from ..contents import Archive
from ..notation import significant
from ..statistics import Estimate
from .style import BLUE, INK, MUTED, ORANGE, RULE, Drawing, interval_bars, legend_on_top

HEIGHT = 2.5  # inches, without words
LINE, LETTER = 0.115, 0.07  # inches that a letter of a word takes, down and across
CHARACTER = 0.068  # inches, of the axis's name
WORD = {"fontsize": 6.5, "linespacing": 1.0}
BESIDE = 0.75  # inches beside the words
CLOSE = 4  # points between configurations below which marks are small
ASIDE = 2.5  # points that the marks of one configuration stand off its place
BARS = {  # by source of times
    "measured": "Bars are 95 % bootstrap intervals over blocks.",
    "modelled": "Bars go from one fusion to the other; of sums, ends are added.",
    "imported": "Bars are the intervals of the timing table; of sums, ends are added.",
}


def draw(archive: Archive, width: float) -> list[Drawing]:
    return [_draw_class(archive, place, width) for place in additivity.chosen(archive)]


def word(archive: Archive, place: int, formats: tuple[str, ...]) -> str:
    """The number of each op's format; ops that share one have one letter."""
    numbers = [format_.name for format_ in archive.formats]
    groups = additivity.groups(archive, place)
    return "".join(str(numbers.index(formats[group[0]])) for group in groups)


def _draw_class(archive: Archive, place: int, width: float) -> Drawing:
    gains = additivity.gains(archive, place)
    rows = _row_names(archive, place)
    figure = Figure(figsize=(width, HEIGHT + LINE * len(rows)))
    axes = figure.subplots()
    axes.axhline(0, color=RULE, linewidth=0.8, zorder=0)
    handles = _marks(axes, gains, _source(archive), width - BESIDE)
    every = math.ceil(len(gains) * LETTER / (width - BESIDE))
    _name(axes, rows, [word(archive, place, gain.formats) for gain in gains], every)
    axes.set_ylabel("gain, % of a run")
    wide = int((width - BESIDE) / CHARACTER)
    axes.set_xlabel(textwrap.fill(_numbers(archive, gains), wide))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    legend_on_top(figure, handles)
    subgraph = archive.subgraphs[place]
    return Drawing(
        f"configurations_class_{subgraph.cls}",
        f"Gains of the configurations of {subgraph.name}, {_source(archive)}",
        _caption(archive, place, gains, every),
        figure,
    )


def _source(archive: Archive) -> str:
    source = archive.time_source
    return "measured" if source is None else f"{source.name} of {source.device}"


def _marks(axes: Axes, gains: list[Gain], source: str, inches: float) -> list:
    """Draws the three gains of each configuration on an axis so long; what a legend names."""
    apart = 72 * inches / len(gains)  # points
    size = 3.2 if apart > CLOSE else 1.6
    style = {"markersize": size, "markeredgewidth": 0.7, "elinewidth": min(0.8, 0.3 * apart)}
    shift = min(0.2, ASIDE / apart)
    joint = [(place - shift, gain.joint) for place, gain in enumerate(gains)]
    summed = [(place + shift, gain.summed) for place, gain in enumerate(gains) if gain.summed]
    style_of_sums = {"fmt": "s", "color": ORANGE, "mfc": "none", "label": "single gains added"}
    theoretical = [100 * gain.theoretical for gain in gains]
    dash = {"color": INK, "markersize": 2 * size, "zorder": 1, "label": "theoretical (MACs)"}
    axes.set_xlim(-0.8, len(gains) - 0.2)
    return [
        _with_bars(axes, joint, style | {"fmt": "o", "color": BLUE, "label": source, "zorder": 3}),
        _with_bars(axes, summed, style | style_of_sums),
        *axes.plot(theoretical, "_", **dash),
    ]


def _with_bars(axes: Axes, points: list[tuple[float, Estimate]], style: dict) -> Container:
    estimates = [estimate.scaled(100) for _, estimate in points]
    values = [estimate.value for estimate in estimates]
    return axes.errorbar([x for x, _ in points], values, yerr=interval_bars(estimates), **style)


def _row_names(archive: Archive, place: int) -> list[str]:
    """Of the letters of words: the ops' leaves."""
    ops = [archive.ops[op].path.rsplit(".", 1)[-1] for op in archive.subgraphs[place].ops]
    return [
        " ".join(dict.fromkeys(ops[position] for position in group))
        for group in additivity.groups(archive, place)
    ]


def _name(axes: Axes, rows: list[str], words: list[str], every: int) -> None:
    """Words below the axis, letter under letter, beside the names of the ops."""
    places = range(0, len(words), every)
    axes.set_xticks(places, ["\n".join(words[place]) for place in places], **WORD)
    axes.tick_params(axis="x", length=0, pad=6)
    axes.annotate(
        "\n".join(rows),
        (0, 0),
        xytext=(-4, -6),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="right",
        va="top",
        color=MUTED,
        **WORD,
    )


def _numbers(archive: Archive, gains: list[Gain]) -> str:
    """What letters mean."""
    used = {name for gain in gains for name in gain.formats}
    numbered = [(place, format_.name) for place, format_ in enumerate(archive.formats)]
    return ", ".join(f"{place} {name}" for place, name in numbered if name in used)


def _caption(archive: Archive, place: int, gains: list[Gain], every: int) -> str:
    source = archive.time_source
    caption = (
        f"What {_whose(archive, place)} saves in each of its {len(gains)} configurations, by "
        "falling gain, against the sum of what its ops save one by one, and against the "
        "theoretical gain: the part of the model's multiply-accumulates that formats save at "
        f"target.mac_rates. {BARS['measured' if source is None else source.name]} A word has the "
        "number of each op's format, read downwards."
    )
    if every > 1:
        caption += f" One configuration in {every} is named."
    if source is not None:
        caption += f" Times are {source.name} of {source.device}, not measured here."
    off = [abs(g.summed.value - g.joint.value) for g in gains if g.summed]
    if off:
        caption += (
            f" Sums are off by {significant(np.median(off), 2, 100)} % of a run in the median, "
            f"{significant(max(off), 2, 100)} % at most."
        )
    return caption


def _whose(archive: Archive, place: int) -> str:
    cls = archive.subgraphs[place].cls
    count = sum(subgraph.cls == cls for subgraph in archive.subgraphs)
    return "the sub-graph" if count == 1 else f"the sub-graph, one of {count} of its class,"
