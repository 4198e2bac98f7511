"""Maps over layers: sensitivities of operands, formats of plans."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..contents import Archive, Plans
from ..layers import Layers, layers
from ..notation import significant
from ..plans import main_strategy, total_cost
from .style import EMPTY, HUES, MUTED, PAPER, SEQUENTIAL, Drawing, bare

MOST_PLANS = 4


def draw(archive: Archive) -> list[Drawing]:
    drawings = [_draw_sensitivity(archive)]
    drawings += [_draw_plans(archive, objective) for objective in archive.objectives]
    return [drawing for drawing in drawings if drawing is not None]


def _draw_sensitivity(archive: Archive) -> Drawing:
    grid = layers(archive)
    rows = list(
        dict.fromkeys((grid.row[item.op], item.role, item.place) for item in archive.operands)
    )
    rows.sort(key=lambda row: (row[0], row[2]))
    quantities = [("sensitivity s", archive.scores.sensitivity.mean(axis=0))]
    for index, name in enumerate(archive.low):
        quantities.append(
            (f"e² of {name}", (archive.scores.signed_error[:, :, index] ** 2).mean(axis=0))
        )
    width = max(1.6, 0.17 * len(grid.columns))
    figure = Figure(figsize=(1.9 + (width + 0.9) * len(quantities), 0.9 + 0.17 * len(rows)))
    panels = figure.subplots(1, len(quantities), sharey=True, squeeze=False)[0]
    for axes, (title, values) in zip(panels, quantities, strict=True):
        cells = np.full((len(rows), len(grid.columns)), np.nan)
        for item, value in zip(archive.operands, values, strict=True):
            row = rows.index((grid.row[item.op], item.role, item.place))
            cells[row, grid.column[item.op]] = value
        _heat(figure, axes, cells, title)
        _label_columns(axes, grid)
    labels = [_operand_label(grid, row, rows) for row in rows]
    panels[0].invert_yaxis()
    panels[0].set_yticks(np.arange(len(rows)) + 0.5, labels)
    caption = (
        "Mean over calibration samples, by layer and operand. Sensitivity s = ‖z ⊙ ∂g/∂z‖² is what "
        "rounding relative to the value costs; e is the signed first-order change of the loss when "
        "the operand alone is rounded to a format with its real scales."
    )
    return Drawing("sensitivity", "Sensitivity of every operand", caption, figure)


def _operand_label(grid: Layers, row: tuple[int, str, int], rows: list) -> str:
    """`q weight`; `qk activation 2` where an op has two of a role."""
    op, role, place = row
    twins = [other[2] for other in rows if other[:2] == (op, role)]
    number = f" {twins.index(place) + 1}" if len(twins) > 1 else ""
    return f"{grid.rows[op]}  {role}{number}"


def _heat(figure: Figure, axes: Axes, cells: np.ndarray, title: str) -> None:
    positive = cells[cells > 0]
    norm = LogNorm(positive.min(), positive.max()) if positive.size else None
    shown = np.ma.masked_invalid(np.where(cells > 0, cells, np.nan))
    mesh = axes.pcolormesh(shown, norm=norm, cmap=SEQUENTIAL, edgecolors=PAPER, linewidth=0.6)
    axes.set_title(title)
    bare(axes)
    if positive.size:
        bar = figure.colorbar(mesh, ax=axes, aspect=30, pad=0.03)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=2, labelsize=8)
        bar.ax.minorticks_off()
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        bar.ax.set_title("nat²", fontsize=8, loc="left")


def _label_columns(axes: Axes, grid: Layers) -> None:
    count = len(grid.columns)
    step = max(1, -(-count // 12))
    places = [i for i in range(count) if i % step == 0 or grid.columns[i] == ""]
    axes.set_xticks([i + 0.5 for i in places], [grid.columns[i] for i in places])
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


def _draw_plans(archive: Archive, objective: str) -> Drawing | None:
    plans = archive.plans[objective, main_strategy(archive, objective)]
    points = chosen_points(plans)
    if not points:
        return None
    grid = layers(archive)
    width = max(1.3, 0.17 * len(grid.columns)) + 0.25
    figure = Figure(figsize=(1.3 + width * len(points), 1.3 + 0.2 * len(grid.rows)))
    panels = figure.subplots(1, len(points), sharey=True, squeeze=False)[0]
    colors = [EMPTY, *HUES[: len(archive.low)]]
    norm = BoundaryNorm(np.arange(len(colors) + 1) - 0.5, len(colors))
    for axes, point in zip(panels, points, strict=True):
        cells = np.full((len(grid.rows), len(grid.columns)), np.nan)
        for op, place in enumerate(plans.assignment[point, 0]):
            cells[grid.row[op], grid.column[op]] = place
        shown = np.ma.masked_invalid(cells)
        cmap = ListedColormap(colors)
        axes.pcolormesh(shown, norm=norm, cmap=cmap, edgecolors=PAPER, linewidth=0.6)
        _mark_without_kernel(axes, archive, objective, grid)
        axes.set_title(_plan_title(archive, plans, point), fontsize=8.5)
        _label_columns(axes, grid)
        bare(axes)
    panels[0].invert_yaxis()
    panels[0].set_yticks(np.arange(len(grid.rows)) + 0.5, grid.rows)
    figure.legend(handles=_plan_handles(archive, objective), loc="outside upper left", ncols=6)
    caption = (
        f"Format of every op in plans for {objective}, by layer and op, for thresholds between the "
        "first plan that lowers an op and the last that changes."
    )
    return Drawing(f"plans_{objective}", f"Plans for {objective}", caption, figure)


def _plan_title(archive: Archive, plans: Plans, point: int) -> str:
    title = f"τ ≤ {significant(plans.threshold[point], 3, 100)} %"
    total = total_cost(archive, plans.objective)
    if total:
        title += f"\nsaves {significant(plans.gain[point, 0], 2, 100 / total)} %"
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
    axes.plot(x, y, "x", color=MUTED, markersize=3, markeredgewidth=0.7)


def _plan_handles(archive: Archive, objective: str) -> list:
    colors = [EMPTY, *HUES[: len(archive.low)]]
    names = [archive.high, *archive.low]
    handles = [Patch(color=color, label=name) for color, name in zip(colors, names, strict=True)]
    if _fixed_ops(archive, objective):
        label = "no low-format kernel on this device"
        style = {"marker": "x", "color": MUTED, "markersize": 4, "linestyle": "none"}
        handles.append(Line2D([], [], label=label, **style))
    return handles
