"""Figures of an archive: every module draws what the archive has data for."""

from pathlib import Path

from ..contents import Archive
from . import accuracy, configurations, gain, maps, stability, strategies, sweep, tasks, timing
from .style import COLUMN, PAGE, Drawing, settings

WIDTHS = {"column": COLUMN, "page": PAGE}  # of a paper, inches
NOUNS = (gain, strategies, accuracy, tasks, maps, stability, configurations, timing)


def draw_all(archive: Archive, width: float = PAGE) -> list[Drawing]:
    """Every figure of an archive in the order of the report, so many inches wide."""
    with settings():
        return [drawing for noun in NOUNS for drawing in noun.draw(archive, width)]


def draw_sweep(archives: list[Archive], width: float = PAGE) -> list[Drawing]:
    """The figures that set points of a sweep beside each other."""
    with settings():
        return sweep.draw(archives, width)


def save(drawings: list[Drawing], folder: Path) -> None:
    """Each figure as PNG and PDF in a folder."""
    with settings():
        for drawing in drawings:
            drawing.figure.savefig(folder / f"{drawing.name}.png", dpi=300)
            drawing.figure.savefig(folder / f"{drawing.name}.pdf", metadata={"CreationDate": None})
