"""What plans of each strategy do against what they save."""

from operator import attrgetter

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..contents import Archive
from ..strategies import Row, compared, rows
from .style import Drawing, interval_bars, legend_on_top, log_ticks, look, panels_across, subplots

LEAST_PANEL, HEIGHT = 2.1, 2.1  # inches


def draw(archive: Archive, width: float) -> list[Drawing]:
    return [_drawing(archive, objective, width) for objective in compared(archive)]


def _drawing(archive: Archive, objective: str, width: float) -> Drawing:
    found = rows(archive, objective)
    panels = [panel for panel in PANELS if _points(found, panel[1])]
    down, across = panels_across(len(panels), width, LEAST_PANEL)
    figure = Figure(figsize=(width, 0.9 + HEIGHT * down))
    for axes, (title, of_plan, factor, scale) in zip(
        subplots(figure, len(panels), down, across), panels, strict=True
    ):
        _panel(axes, found, of_plan, factor)
        axes.set(ylabel=title, yscale=scale)
        if scale == "log":
            axes.set_ylim(*axes.get_ylim())
            log_ticks(axes.yaxis, HEIGHT - 0.6)
    figure.supxlabel(f"{archive.objective(objective).title} saved, %", fontsize=8)
    names = list(found)
    handles = [
        Line2D([], [], linewidth=0.8, label=_label(name, found[name]), **look(names, name))
        for name in names
    ]
    legend_on_top(figure, handles)
    caption = (
        "Measured quality of the plans of every strategy, on samples that none of them saw, with "
        "95 % intervals, against what they save. In brackets the forward passes of a set of "
        "samples that a strategy's plans rest on, at most."
    )
    title = f"Strategies for {objective}"
    return Drawing(f"strategies_{objective}", title, caption, figure)


def _label(name: str, own: list[Row]) -> str:
    passes = max(row.passes for row in own)
    mark = ", unreliable" if any(row.is_unreliable for row in own) else ""
    return f"{name} ({passes}{mark})"


PANELS = (
    ("KL, mnat", attrgetter("divergence"), 1e3, "log"),
    ("loss error τ, %", attrgetter("measured_tau"), 100, "log"),
    ("change of top 1, %", attrgetter("top1_change"), 100, "linear"),
)


def _points(found: dict[str, list[Row]], of_plan) -> bool:
    return any(of_plan(row.plan) is not None for own in found.values() for row in own)


def _panel(axes: Axes, found: dict[str, list[Row]], of_plan, factor: float) -> None:
    names = list(found)
    for name in names:
        own = sorted(
            (
                (100 * row.plan.gain_share, of_plan(row.plan).scaled(factor))
                for row in found[name]
                if row.plan.assignment.any() and row.plan.gain_share is not None
            ),
            key=lambda point: point[0],
        )
        if not own:
            continue
        estimates = [estimate for _, estimate in own]
        axes.errorbar(
            [saved for saved, _ in own],
            [estimate.value for estimate in estimates],
            yerr=interval_bars(estimates),
            elinewidth=0.5,
            linewidth=0.8,
            **look(names, name),
        )
