"""How figures look. Every colour is one of these names, so that the report can swap them in the
dark; hues are Okabe and Ito's, distinct for colour-blind readers."""

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from ..notation import plain
from ..statistics import Estimate

INK = "#1f2328"
MUTED = "#68707a"
RULE = "#c9ced5"
EMPTY = "#e4e7eb"
PAPER = "#fefefe"
BLUE = "#0072b2"
ORANGE = "#d55e00"
GREEN = "#009e73"
PINK = "#cc79a7"
AMBER = "#e69f00"

# name of the style sheet's variable: colour in print
VARIABLES = {
    "ink": INK,
    "muted": MUTED,
    "rule": RULE,
    "empty": EMPTY,
    "paper": PAPER,
    "blue": BLUE,
    "orange": ORANGE,
    "green": GREEN,
    "pink": PINK,
    "amber": AMBER,
}
HUES = (BLUE, ORANGE, GREEN, PINK, AMBER)
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
SEQUENTIAL = "cividis"

COLUMN, PAGE = 3.3, 7.0  # widths of figures, inches: a column and a page of a paper
LOG_STEPS = (range(1, 10), (1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))  # named in each decade

SETTINGS = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 8.5,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "text.color": INK,
    "text.parse_math": False,  # names of models and ops may have dollar signs
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 7.5,
}


@dataclass(frozen=True)
class Drawing:
    """A figure with its file name and caption."""

    name: str
    title: str
    caption: str
    figure: Figure


def look(names: Sequence[str], name: str) -> dict[str, str]:
    """Colour and marker of one of several things that are drawn together, by its place."""
    place = names.index(name)
    return {"color": HUES[place % len(HUES)], "marker": MARKERS[place % len(MARKERS)]}


def panels_across(count: int, width: float, least: float) -> tuple[int, int]:
    """Rows and columns of `count` panels in a figure, as many beside each other as have at least
    that many inches."""
    columns = max(1, min(count, int(width / least + 1e-9)))
    rows = math.ceil(count / columns)
    return rows, math.ceil(count / rows)


def subplots(figure: Figure, count: int, rows: int, columns: int, **options) -> list[Axes]:
    """That many panels by rows; places of the grid behind the last one stay empty."""
    grid = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    for axes in grid[count:]:
        axes.remove()
    return list(grid[:count])


def log_ticks(axis: Axis, length: float, room: float = 0.3) -> None:
    """Names values of a logarithmic axis, whose limits are set and which is so many inches long:
    the most round ones that leave each other `room`, in decimals that are read at a glance."""
    low, high = axis.get_view_interval()
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    decades = max(math.log10(high / low), 1e-9)
    for steps in LOG_STEPS:
        named = [step * 10.0**exponent for exponent in exponents for step in steps]
        shown = [value for value in named if low <= value <= high]
        gaps = np.diff(np.log10(shown)) * length / decades
        if len(shown) > 1 and gaps.min() >= room:
            break
    if len(shown) < 2 or gaps.min() < room:
        decade = max(1, math.ceil(room * decades / length))
        shown = [10.0**exponent for exponent in exponents if exponent % decade == 0]
    axis.set_major_locator(FixedLocator([value for value in shown if low <= value <= high]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    axis.set_minor_locator(LogLocator(10, np.arange(1.0, 10.0)))
    axis.set_minor_formatter(NullFormatter())


def interval_bars(estimates: Sequence[Estimate]) -> np.ndarray:
    """Lengths of error bars, [below or above, estimate]; 0 where there is no interval."""
    bars = [(e.value - e.low, e.high - e.value) for e in estimates]
    return np.maximum(np.nan_to_num(np.array(bars).T), 0)


def legend_on_top(figure: Figure, handles: list, columns: int | None = None) -> None:
    """A legend above all panels, in as many columns as the figure is wide for."""
    if columns is None:
        longest = max(len(handle.get_label()) for handle in handles)
        columns = max(1, int(figure.get_figwidth() / (0.38 + 0.058 * longest)))
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(columns, len(handles)),
        handlelength=1.4,
        columnspacing=1.2,
        borderaxespad=0,
    )


def settings():
    """The context in which figures are made and saved."""
    return matplotlib.rc_context(SETTINGS)


def bare(axes: Axes) -> None:
    """Without frame and tick marks: for maps."""
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def svg(drawing: Drawing) -> str:
    """The figure as an SVG element for a page: colours by variables of the page's style sheet, ids
    unlike those of any other figure."""
    with matplotlib.rc_context(SETTINGS | {"svg.hashsalt": drawing.name}):
        stream = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        drawing.figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(
        r' id="image\w+"', "", text
    )  # equal images have equal ids, and nobody refers to them
    text = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{drawing.name}-", text)
    text = re.sub(
        r'(<svg [^>]*?)width="([\d.]+)pt" height="[\d.]+pt"',
        r'\1style="width:\2pt;min-width:min(\2pt,30rem)"',
        text,
    )
    for name, color in VARIABLES.items():
        text = re.sub(color, f"var(--{name})", text, flags=re.IGNORECASE)
    return text.replace("<svg ", f'<svg role="img" aria-label="{drawing.title}" ', 1)
