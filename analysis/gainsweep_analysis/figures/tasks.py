"""What tasks score against what is saved."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..contents import Archive, Task
from ..plans import given_name
from ..statistics import Estimate
from ..tasks.comparison import DRAWS
from ..tasks.metrics import Metric
from ..tasks.rows import Group, Line, asked
from .gain import LOOK_OF_GIVEN
from .style import (
    MUTED,
    Drawing,
    interval_bars,
    legend_on_top,
    look,
    panels_across,
    subplots,
)

LEAST_PANEL, HEIGHT = 2.1, 1.9  # inches


def draw(archive: Archive, width: float) -> list[Drawing]:
    found = asked(archive)
    return [_drawing(group, found.shown, width) for group in found.groups]


def _drawing(group: Group, panels: list[tuple[Task, Metric]], width: float) -> Drawing:
    down, across = panels_across(len(panels), width, LEAST_PANEL)
    figure = Figure(figsize=(width, 0.75 + HEIGHT * down))
    grid = subplots(figure, len(panels), down, across, sharex=True)
    for place, (axes, (task, metric)) in enumerate(zip(grid, panels, strict=True)):
        _panel(axes, group, task, metric)
        axes.tick_params(labelbottom=place + across >= len(panels))
    figure.supxlabel(f"{group.saved} saved, %", fontsize=8)
    legend_on_top(figure, _handles(group))
    caption = (
        "Metrics of tasks under the plans that they were asked under. The line across is the model "
        "with nothing lowered. Bars are 95 % intervals of the change from it on the same items, "
        f"which are drawn {DRAWS:,} times for both at once; they say nothing of other items."
    )
    return Drawing(f"tasks_{group.name}", f"Tasks against gain, {group.name}", caption, figure)


def strategies(group: Group) -> list[str]:
    return list(dict.fromkeys(line.strategy for line in group.lines if _is_own(line)))


def _is_own(line: Line) -> bool:
    return line.plan is not None and not line.strategy.startswith(given_name(""))


def _panel(axes: Axes, group: Group, task: Task, metric: Metric) -> None:
    axes.set(title=task.name, ylabel=metric.title)
    high, *plans = group.lines
    base = _score(high, task, metric)
    if base is not None:
        axes.axhline(base[0], color=MUTED, linewidth=0.8, zorder=0)
    names = strategies(group)
    for name in names:
        own = sorted(
            (line for line in plans if line.strategy == name and line.saved is not None),
            key=lambda line: line.saved,
        )
        _points(axes, own, task, metric, {"linewidth": 0.8, **look(names, name)})
    for line in plans:
        if not _is_own(line) and line.saved is not None:
            _points(axes, [line], task, metric, LOOK_OF_GIVEN)


def _points(axes: Axes, lines: list[Line], task: Task, metric: Metric, style: dict) -> None:
    shown = [(line.saved, found) for line in lines if (found := _score(line, task, metric))]
    if not shown:
        return
    bars = interval_bars([change for _, (_, change) in shown])
    values = np.array([value for _, (value, _) in shown])
    axes.errorbar([saved for saved, _ in shown], values, yerr=bars, elinewidth=0.6, **style)


def _score(line: Line, task: Task, metric: Metric) -> tuple[float, Estimate] | None:
    """A value as it is shown, and its change from the all-high model."""
    result = line.results.get(task.name)
    if result is None:
        return None
    score = result.scores[metric.name]
    return metric.factor * score.value.value, score.difference.scaled(metric.factor)


def _handles(group: Group) -> list[Line2D]:
    names = strategies(group)
    handles = [Line2D([], [], linewidth=0.8, label=name, **look(names, name)) for name in names]
    if any(line.plan is not None and not _is_own(line) for line in group.lines):
        handles.append(Line2D([], [], label="given", **LOOK_OF_GIVEN))
    high = Line2D([], [], color=MUTED, linewidth=0.8, label=f"all {group.lines[0].strategy}")
    return [high, *handles]
