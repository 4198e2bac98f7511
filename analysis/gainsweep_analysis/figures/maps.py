"""Maps over layers: sensitivities of operands, formats of plans."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..contents import Archive
from ..layers import Layers, layers
from ..notation import significant
from ..planned import Plans
from ..plans import expected_gains, main_strategy, total_cost
from .style import (
    EMPTY,
    HUES,
    MUTED,
    PAPER,
    SEQUENTIAL,
    Drawing,
    bare,
    legend_on_top,
    log_ticks,
    panels_across,
    subplots,
)

MOST_PLANS = 4
CELL, LEAST_CELL = 0.13, 0.062  # inches: height of a row, least width of a column
LONGEST_LEVEL_LABEL = 3  # characters
LEAST_MAP = 1.2  # width of a map of few layers


def draw(archive: Archive, width: float) -> list[Drawing]:
    drawings = [_draw_sensitivity(archive, width)]
    drawings += [_draw_plans(archive, objective, width) for objective in archive.objectives]
    return [drawing for drawing in drawings if drawing is not None]


@dataclass(frozen=True)
class OperandRows:
    """Rows of a map of operands, in the order of ops, with the row and column of each operand."""

    labels: list[str]
    row: list[int]
    column: list[int]


def operand_rows(archive: Archive, grid: Layers) -> OperandRows:
    """`qk query`; operands of ops that have one row share theirs by name."""
    keys = [(grid.row[item.op], item.place, item.name) for item in archive.operands]
    rows = sorted(set(keys))
    return OperandRows(
        labels=[f"{grid.rows[op]} {name}" for op, _, name in rows],
        row=[rows.index(key) for key in keys],
        column=[grid.column[item.op] for item in archive.operands],
    )


def _draw_sensitivity(archive: Archive, width: float) -> Drawing:
    grid = layers(archive)
    rows = operand_rows(archive, grid)
    errors = (archive.scores.signed_error**2).mean(axis=0)
    quantities = [("sensitivity s", archive.scores.sensitivity.mean(axis=0))]
    quantities += [(f"e² of {name}", errors[:, low]) for low, name in enumerate(archive.low)]
    names = 0.075 * max(map(len, rows.labels))
    least = max(LEAST_MAP, LEAST_CELL * len(grid.columns))
    down, across = panels_across(len(quantities), width - names, least)
    height = down * (0.5 + CELL * len(rows.labels) + label_height(grid)) + 0.75
    figure = Figure(figsize=(width, height))
    panels = subplots(figure, len(quantities), down, across, sharey=True)
    scales = [_log_norm(quantities[0][1]), _log_norm(errors)]
    for place, (axes, (title, values)) in enumerate(zip(panels, quantities, strict=True)):
        cells = np.full((len(rows.labels), len(grid.columns)), np.nan)
        cells[rows.row, rows.column] = values
        _heat(axes, cells, scales[min(place, 1)])
        axes.set_title(title)
        label_columns(axes, grid, (width - names) / across)
    panels[0].invert_yaxis()
    for axes in panels[::across]:
        axes.set_yticks(np.arange(len(rows.labels)) + 0.5, rows.labels)
    _scale_bars(figure, panels, scales, beside=down == 1)
    caption = (
        "Mean over calibration samples, by layer and operand; one scale of colours for all "
        "formats. Sensitivity s = ‖z ⊙ ∂g/∂z‖² is what rounding relative to the value costs; e is "
        "the signed first-order change of the loss when the operand alone is rounded to a format "
        "with its real scales."
    )
    return Drawing("sensitivity", "Sensitivity of every operand", caption, figure)


def _log_norm(values: np.ndarray) -> LogNorm | None:
    positive = values[values > 0]
    if not positive.size:
        return None
    low, high = positive.min(), positive.max()
    return LogNorm(low, high if high > low else 2 * low)


def _heat(axes: Axes, cells: np.ndarray, norm: LogNorm | None) -> None:
    shown = np.ma.masked_invalid(np.where(cells > 0, cells, np.nan))
    axes.pcolormesh(shown, norm=norm, cmap=SEQUENTIAL, edgecolors=PAPER, linewidth=0.4)
    bare(axes)


def _scale_bars(
    figure: Figure, panels: list[Axes], scales: list[LogNorm | None], beside: bool
) -> None:
    """The colours of the sensitivities and those of all formats, below their maps or below all."""
    names, owners = ("s, nat²", "e², nat²"), (panels[:1], panels[1:])
    # What is made first is laid out last, farthest from the maps.
    for norm, name, maps in reversed(list(zip(scales, names, owners, strict=True))):
        if norm is None:
            continue
        bar = figure.colorbar(
            ScalarMappable(norm, SEQUENTIAL),
            ax=maps if beside else panels,
            orientation="horizontal",
            aspect=30 * (len(maps) if beside else 2),
            pad=0.02,
            shrink=0.9,
        )
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=2, labelsize=7)
        log_ticks(bar.ax.xaxis, figure.get_figwidth() * len(maps) / len(panels) * 0.7, 0.5)
        bar.ax.minorticks_off()
        bar.set_label(name, fontsize=7.5)


def label_height(grid: Layers) -> float:
    """Inches that names of layers take below a map beyond a line: numbers stand side by side, names
    of stages and blocks upright."""
    longest = max(map(len, grid.columns), default=0)
    return 0 if longest <= LONGEST_LEVEL_LABEL else 0.075 * longest


def label_columns(axes: Axes, grid: Layers, width: float) -> None:
    """Numbers of as many layers as have room in so many inches."""
    count = len(grid.columns)
    step = max(1, -(-count * 18 // int(100 * width)))
    places = [i for i in range(count) if i % step == 0 and grid.columns[i]]
    turned = {"rotation": 90} if label_height(grid) else {}
    axes.set_xticks([i + 0.5 for i in places], [grid.columns[i] for i in places], **turned)
    axes.set_xlabel("layer")


def chosen_points(plans: Plans) -> list[int]:
    """At most MOST_PLANS places of distinct plans that lower something, spread over thresholds."""
    distinct: dict[str, int] = {}
    for point in np.argsort(plans.threshold):
        if plans.assignment[point, 0].any():
            distinct.setdefault(str(plans.assignment_key[point, 0]), int(point))
    points = list(distinct.values())
    if len(points) <= MOST_PLANS:
        return points
    return [points[i] for i in np.linspace(0, len(points) - 1, MOST_PLANS).round().astype(int)]


def _draw_plans(archive: Archive, objective: str, width: float) -> Drawing | None:
    plans = archive.plans[objective, main_strategy(archive, objective)]
    points = chosen_points(plans)
    if not points:
        return None
    grid = layers(archive)
    names = 0.075 * max(map(len, grid.rows))
    least = max(LEAST_MAP, 1.6 * LEAST_CELL * len(grid.columns))
    down, across = panels_across(len(points), width - names, least)
    panel_height = 0.75 + CELL * len(grid.rows) + label_height(grid)
    figure = Figure(figsize=(width, 0.35 + down * panel_height))
    panels = subplots(figure, len(points), down, across, sharey=True)
    colors = [EMPTY, *HUES[: len(archive.low)]]
    norm = BoundaryNorm(np.arange(len(colors) + 1) - 0.5, len(colors))
    for axes, point in zip(panels, points, strict=True):
        cells = np.full((len(grid.rows), len(grid.columns)), np.nan)
        cells[grid.row, grid.column] = plans.assignment[point, 0]
        shown = np.ma.masked_invalid(cells)
        cmap = ListedColormap(colors)
        axes.pcolormesh(shown, norm=norm, cmap=cmap, edgecolors=PAPER, linewidth=0.4)
        _mark_without_kernel(axes, archive, objective, grid)
        axes.set_title(_plan_title(archive, plans, point))
        label_columns(axes, grid, (width - names) / across)
        bare(axes)
    panels[0].invert_yaxis()
    for axes in panels[::across]:
        axes.set_yticks(np.arange(len(grid.rows)) + 0.5, grid.rows)
    legend_on_top(figure, _plan_handles(archive, objective))
    caption = (
        f"Format of every op in plans for {objective}, by layer and op, for thresholds between the "
        "first plan that lowers an op and the last that changes."
    )
    return Drawing(f"plans_{objective}", f"Plans for {objective}", caption, figure)


def _plan_title(archive: Archive, plans: Plans, point: int) -> str:
    title = f"τ ≤ {significant(plans.threshold[point], 3, 100)} %"
    total = total_cost(archive, plans.objective)
    if total:
        title += (
            f"\nsaves {significant(expected_gains(archive, plans, point)[0], 2, 100 / total)} %"
        )
    return title


def _fixed_ops(archive: Archive, objective: str) -> list[int]:
    """Ops that plans for times cannot lower: the device runs no low format of theirs."""
    if not archive.objective(objective).of_times:
        return []
    return [i for i, op in enumerate(archive.ops) if len(op.real_formats) == 1]


def _mark_without_kernel(axes: Axes, archive: Archive, objective: str, grid: Layers) -> None:
    fixed = _fixed_ops(archive, objective)
    x = [grid.column[op] + 0.5 for op in fixed]
    y = [grid.row[op] + 0.5 for op in fixed]
    axes.plot(x, y, "x", color=MUTED, markersize=2.2, markeredgewidth=0.5)


def _plan_handles(archive: Archive, objective: str) -> list:
    colors = [EMPTY, *HUES[: len(archive.low)]]
    names = [archive.high, *archive.low]
    handles = [Patch(color=color, label=name) for color, name in zip(colors, names, strict=True)]
    if _fixed_ops(archive, objective):
        label = "no low-format kernel here"
        style = {"marker": "x", "color": MUTED, "markersize": 4, "linestyle": "none"}
        handles.append(Line2D([], [], label=label, **style))
    return handles
