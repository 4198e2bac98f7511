"""How figures look. Every colour is one of these names, so that the report can swap them in the
dark; hues are Okabe and Ito's, distinct for colour-blind readers."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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

SETTINGS = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "text.color": INK,
    "text.parse_math": False,  # names of models and ops may have dollar signs
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
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
        r'(<svg [^>]*?)width="([\d.]+)pt" height="[\d.]+pt"', r'\1style="width:\2pt"', text
    )
    for name, color in VARIABLES.items():
        text = re.sub(color, f"var(--{name})", text, flags=re.IGNORECASE)
    return text.replace("<svg ", f'<svg role="img" aria-label="{drawing.title}" ', 1)
