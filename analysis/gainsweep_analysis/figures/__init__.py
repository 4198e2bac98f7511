"""Figures of an archive: every module draws what the archive has data for."""

from pathlib import Path

from ..contents import Archive
from . import accuracy, gain, maps, sweep, timing
from .style import Drawing, settings


def draw_all(archive: Archive) -> list[Drawing]:
    """Every figure of an archive in the order of the report."""
    with settings():
        return [
            drawing for noun in (gain, accuracy, maps, timing) for drawing in noun.draw(archive)
        ]


def draw_sweep(archives: list[Archive]) -> list[Drawing]:
    """The figures that set points of a sweep beside each other."""
    with settings():
        return sweep.draw(archives)


def save(drawings: list[Drawing], folder: Path) -> None:
    """Each figure as PNG and PDF in a folder."""
    with settings():
        for drawing in drawings:
            drawing.figure.savefig(folder / f"{drawing.name}.png", dpi=200)
            drawing.figure.savefig(folder / f"{drawing.name}.pdf", metadata={"CreationDate": None})
