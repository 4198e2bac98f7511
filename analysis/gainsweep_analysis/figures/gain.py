"""Gain against loss error of every strategy, with the whole frontier."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from ..contents import Archive
from ..plans import main_strategy, rows, total_cost
from ..statistics import tau
from .style import BLUE, INK, MUTED, RULE, Drawing, look


def draw(archive: Archive) -> list[Drawing]:
    objectives = archive.objectives
    if not objectives:
        return []
    figure = Figure(figsize=(3.4 * len(objectives) + 0.3, 3.7))
    panels = figure.subplots(1, len(objectives), squeeze=False)[0]
    for axes, objective in zip(panels, objectives, strict=True):
        _panel(axes, archive, objective)
    figure.supxlabel("loss error τ, % of the root-mean-square loss", fontsize=9)
    figure.legend(handles=_handles(archive), loc="outside upper left", ncols=6, handlelength=1.6)
    caption = (
        "What plans save against the loss error they are allowed. The line is every optimal plan "
        "there is, at its predicted loss error; strategies are shown at the run's thresholds. "
        "Circles are evaluated plans at their measured loss error and, for time, measured gain."
    )
    return [Drawing("gain", "Gain against loss error", caption, figure)]


def _strategies(archive: Archive) -> list[str]:
    """Those of any objective, in the spec's order."""
    known = {name for objective in archive.objectives for name in archive.strategies(objective)}
    return [name for name in archive.spec["solve"]["strategies"] if name in known]


def _draws(archive: Archive, strategy: str) -> bool:
    """Whether a strategy makes several plans a threshold."""
    return any(
        plans.gain.shape[1] > 1 for (_, name), plans in archive.plans.items() if name == strategy
    )


def _factor(archive: Archive, objective: str) -> tuple[float, str]:
    """Gains as a share of what all-high takes; of times without a baseline in ms."""
    about, total = archive.objective(objective), total_cost(archive, objective)
    if total is not None:
        return 100 / total, f"{about.title} saved, % of all-{archive.high}"
    if about.of_times:
        return 1e-6, f"{about.title} saved, ms"
    return 1, f"{about.title} saved"


def _panel(axes: Axes, archive: Archive, objective: str) -> None:
    factor, label = _factor(archive, objective)
    thresholds = archive.spec_thresholds
    low, high = 100 * min(thresholds) / 1.25, 100 * max(thresholds) * 1.25
    axes.set(xscale="log", xlim=(low, high), ylabel=label, title=f"plans for {objective}")
    axes.axhline(0, color=RULE, linewidth=0.7, zorder=0)
    _frontier(axes, archive, objective, factor, high)
    for strategy in archive.strategies(objective):
        plans = archive.plans[objective, strategy]
        order = np.argsort(plans.threshold)
        x, gains = 100 * plans.threshold[order], factor * plans.gain[order]
        style = look(_strategies(archive), strategy)
        is_main = strategy == main_strategy(archive, objective)
        if gains.shape[1] > 1:
            band = np.quantile(gains, [0.1, 0.9], axis=1)
            axes.fill_between(x, *band, color=style["color"], alpha=0.18, linewidth=0)
        line = "none" if is_main and objective in archive.frontiers else "-"
        on_top = 3 if is_main else 2
        axes.plot(
            x, np.median(gains, axis=1), linestyle=line, linewidth=0.9, zorder=on_top, **style
        )
    _measured(axes, archive, objective, factor)
    axes.xaxis.set_major_locator(LogLocator(10, (1.0,)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def _frontier(axes: Axes, archive: Archive, objective: str, factor: float, end: float) -> None:
    frontier = archive.frontiers.get(objective)
    if frontier is None:
        return
    order = np.argsort(frontier.predicted_mse, kind="stable")
    errors = [tau(mse, archive.mean_square_loss) for mse in frontier.predicted_mse[order]]
    gains = np.maximum.accumulate(factor * frontier.gain[order])
    x, y = [*(100 * np.array(errors)), end], [*gains, gains[-1]]
    axes.step(x, y, where="post", color=BLUE, linewidth=1.1)


def _measured(axes: Axes, archive: Archive, objective: str, factor: float) -> None:
    points = {}
    for row in rows(archive, objective):
        if row.measured_tau is None or row.measured_tau.value == 0:
            continue
        gain = row.gain
        if archive.objective(objective).of_times:
            if row.measured_time is None:
                continue
            gain = row.measured_time.value / 1e-9
        points[row.assignment_key] = (100 * row.measured_tau.value, factor * gain)
    if points:
        axes.plot(
            *zip(*points.values(), strict=True), "o", mfc="none", mec=INK, mew=0.9, ms=6.5, zorder=4
        )


def _handles(archive: Archive) -> list:
    handles = []
    if archive.frontiers:
        handles.append(Line2D([], [], color=BLUE, linewidth=1.1, label="all optimal plans"))
    mains = {main_strategy(archive, objective) for objective in archive.frontiers}
    strategies = _strategies(archive)
    for name in strategies:
        style = look(strategies, name)
        line = "none" if name in mains else "-"
        label = f"{name}, median" if _draws(archive, name) else name
        handles.append(Line2D([], [], linestyle=line, linewidth=0.9, label=label, **style))
        if _draws(archive, name):
            label = f"{name}, 10–90 %"
            handles.append(Patch(color=style["color"], alpha=0.18, lw=0, label=label))
    if archive.baseline is not None:
        main = main_strategy(archive, archive.objectives[0])
        label = f"{main}, measured"
        style = {"mfc": "none", "mec": INK, "mew": 0.9, "ms": 6.5, "color": MUTED}
        handles.append(Line2D([], [], linestyle="none", marker="o", label=label, **style))
    return handles
