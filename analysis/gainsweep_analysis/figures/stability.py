"""Share of resampled plans that lower an op, by layer and op."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..contents import Archive
from ..layers import layers
from ..notation import significant
from ..plans import RESAMPLED, format_shares
from .maps import CELL, LEAST_CELL, LEAST_MAP, chosen_points, label_columns, label_height
from .style import (
    INK,
    PAPER,
    SEQUENTIAL,
    Drawing,
    bare,
    legend_on_top,
    panels_across,
    subplots,
)


def draw(archive: Archive, width: float) -> list[Drawing]:
    drawings = [_draw(archive, objective, width) for objective in archive.stability]
    return [drawing for drawing in drawings if drawing is not None]


def _draw(archive: Archive, objective: str, width: float) -> Drawing | None:
    plans = archive.plans.get((objective, RESAMPLED))
    if plans is None:
        return None
    shown = [(point, _lowered(archive, objective, plans.threshold[point]))
             for point in chosen_points(plans)]  # fmt: skip
    panels = [(point, lowered) for point, lowered in shown if lowered is not None]
    if not panels:
        return None
    grid = layers(archive)
    names = 0.075 * max(map(len, grid.rows))
    least = max(LEAST_MAP, 1.6 * LEAST_CELL * len(grid.columns))
    down, across = panels_across(len(panels), width - names, least)
    panel_height = 0.75 + CELL * len(grid.rows) + label_height(grid)
    figure = Figure(figsize=(width, 0.75 + down * panel_height))
    axes = subplots(figure, len(panels), down, across, sharey=True)
    for panel, (point, lowered) in zip(axes, panels, strict=True):
        cells = np.full((len(grid.rows), len(grid.columns)), np.nan)
        cells[grid.row, grid.column] = lowered
        panel.pcolormesh(
            np.ma.masked_invalid(cells),
            norm=Normalize(0, 1),
            cmap=SEQUENTIAL,
            edgecolors=PAPER,
            linewidth=0.4,
        )
        low = np.flatnonzero(plans.assignment[point, 0])
        x, y = ([side[op] + 0.5 for op in low] for side in (grid.column, grid.row))
        panel.plot(x, y, **_MARK, markersize=2.2)
        panel.set_title(f"τ ≤ {significant(plans.threshold[point], 3, 100)} %")
        label_columns(panel, grid, (width - names) / across)
        bare(panel)
    axes[0].invert_yaxis()
    for panel in axes[::across]:
        panel.set_yticks(np.arange(len(grid.rows)) + 0.5, grid.rows)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), SEQUENTIAL),
        ax=axes,
        orientation="horizontal",
        aspect=60,
        pad=0.02,
        shrink=0.9,
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, labelsize=7)
    bar.set_label("share of the resamples' plans that lower the op", fontsize=7.5)
    legend_on_top(figure, [Line2D([], [], label="low in the plan", **_MARK, markersize=4)])
    caption = (
        f"Plans for {objective} on {int(archive.stability[objective].resamples.max())} resamples "
        "of the calibration samples, by layer and op. An op of a middle share is one that other "
        "calibration samples would decide otherwise."
    )
    return Drawing(f"stability_{objective}", f"Stability of plans for {objective}", caption, figure)


_MARK = {
    "marker": "o",
    "color": PAPER,
    "markeredgecolor": INK,
    "markeredgewidth": 0.6,
    "linestyle": "none",
}


def _lowered(archive: Archive, objective: str, threshold: float) -> np.ndarray | None:
    shares = format_shares(archive, objective, threshold)
    return None if shares is None else 1 - shares[:, 0]
