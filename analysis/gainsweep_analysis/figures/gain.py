"""Gain against loss error of every strategy, with the whole frontier."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..contents import Archive
from ..notation import plain
from ..planned import Plans
from ..plans import PlanRow, given_name, given_rows, main_strategy, rows, total_cost
from ..statistics import Estimate, tau
from .style import (
    AMBER,
    BLUE,
    INK,
    MUTED,
    RULE,
    Drawing,
    interval_bars,
    legend_on_top,
    log_ticks,
    look,
    panels_across,
    subplots,
)

LEAST_PANEL, HEIGHT = 2.1, 2.1  # inches
MARGIN = 1.25  # of the axis beyond its first and last point, as a factor
LOOK_OF_GIVEN = {"marker": "*", "color": AMBER, "markersize": 6, "linestyle": "none"}


def draw(archive: Archive, width: float) -> list[Drawing]:
    objectives = archive.objectives
    if not objectives:
        return []
    down, across = panels_across(len(objectives), width, LEAST_PANEL)
    figure = Figure(figsize=(width, 0.75 + HEIGHT * down))
    panels = subplots(figure, len(objectives), down, across)
    for axes, objective in zip(panels, objectives, strict=True):
        _panel(axes, archive, objective)
    figure.supxlabel("loss error τ, % of the root-mean-square loss", fontsize=8)
    legend_on_top(figure, _handles(archive))
    caption = (
        "What plans save against their loss error. The line is every optimal plan there is; "
        "strategies stand at the predicted loss errors of their plans at the run's thresholds. "
        "Circles are evaluated plans at their measured loss error and, for time, measured gain, "
        "with 95 % intervals; thin lines join them to their predictions."
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
    """Gains as a share of what all-high takes."""
    about, total = archive.objective(objective), total_cost(archive, objective)
    if total is not None:
        return 100 / total, f"{about.title} saved, %"
    return 1, f"{about.title} saved"


def _panel(axes: Axes, archive: Archive, objective: str) -> None:
    factor, label = _factor(archive, objective)
    axes.set(xscale="log", ylabel=label, title=f"plans for {objective}")
    axes.axhline(0, color=RULE, linewidth=0.7, zorder=0)
    shown = [
        _strategy(axes, archive, objective, name, factor) for name in archive.strategies(objective)
    ]
    given = given_rows(archive, objective)
    shown.append(_measured(axes, archive, [*rows(archive, objective), *given], factor))
    shown.append(_given(axes, given, factor))
    errors = np.concatenate(shown)
    if errors.size:
        low, high = errors.min() / MARGIN, errors.max() * MARGIN
    else:
        low, high = 100 * min(archive.spec_thresholds), 100 * max(archive.spec_thresholds)
    axes.set_xlim(low, high)
    _frontier(axes, archive, objective, factor, high)
    log_ticks(axes.xaxis, LEAST_PANEL - 0.6)
    axes.yaxis.set_major_formatter(lambda value, _: plain(value))


def _predicted(archive: Archive, plans: Plans) -> np.ndarray:
    """τ in %, [point, draw]."""
    return 100 * np.sqrt(plans.predicted_mse / archive.mean_square_loss)


def _strategy(
    axes: Axes, archive: Archive, objective: str, strategy: str, factor: float
) -> np.ndarray:
    """Draws a strategy's plans that lower something; their loss errors."""
    plans = archive.plans[objective, strategy]
    errors, gains = _predicted(archive, plans), factor * plans.gain
    middle = np.median(errors, axis=1)
    order = [place for place in np.argsort(middle, kind="stable") if middle[place] > 0]
    x, gains = middle[order], gains[order]
    style = look(_strategies(archive), strategy)
    is_main = strategy == main_strategy(archive, objective)
    if gains.shape[1] > 1:
        band = np.quantile(gains, [0.1, 0.9], axis=1)
        axes.fill_between(x, *band, color=style["color"], alpha=0.18, linewidth=0)
    line = "none" if is_main and objective in archive.frontiers else "-"
    order = 3 if is_main else 2
    axes.plot(x, np.median(gains, axis=1), linestyle=line, linewidth=0.8, zorder=order, **style)
    return x


def _frontier(axes: Axes, archive: Archive, objective: str, factor: float, end: float) -> None:
    frontier = archive.frontiers.get(objective)
    if frontier is None:
        return
    order = np.argsort(frontier.predicted_mse, kind="stable")
    errors = [tau(mse, archive.mean_square_loss) for mse in frontier.predicted_mse[order]]
    gains = np.maximum.accumulate(factor * frontier.gain[order])
    x, y = [*(100 * np.array(errors)), end], [*gains, gains[-1]]
    axes.step(x, y, where="post", color=BLUE, linewidth=1.0)


def _given(axes: Axes, given: list[PlanRow], factor: float) -> np.ndarray:
    """Draws given plans with their names at what is predicted of them; their loss errors."""
    errors = []
    for row in given:
        if row.gain is None or row.predicted_tau <= 0:
            continue
        x, y = 100 * row.predicted_tau, factor * row.gain
        axes.plot(x, y, zorder=4, **LOOK_OF_GIVEN)
        beside = {"textcoords": "offset points", "xytext": (4, -7), "fontsize": 6, "color": MUTED}
        axes.annotate(row.strategy.removeprefix(given_name("")), (x, y), **beside)
        errors.append(x)
    return np.array(errors)


def _measured(axes: Axes, archive: Archive, shown: list[PlanRow], factor: float) -> np.ndarray:
    """Draws evaluated plans with their intervals; their loss errors."""
    errors = []
    for row in {row.assignment_key: row for row in shown}.values():
        gain = _measured_gain(archive, row)
        if row.measured_tau is None or row.measured_tau.value <= 0 or gain is None:
            continue
        x, y = row.measured_tau.scaled(100), gain.scaled(factor)
        axes.errorbar(x.value, y.value, xerr=_bar(x), yerr=_bar(y), **_look_of_measured())
        if row.predicted_tau > 0 and row.gain is not None:
            joint = [100 * row.predicted_tau, x.value], [factor * row.gain, y.value]
            axes.plot(*joint, color=MUTED, linewidth=0.5, zorder=1)
        errors.append(x.value)
    return np.array(errors)


def _measured_gain(archive: Archive, row: PlanRow) -> Estimate | None:
    """In the archive's units; of other objectives than times what the plan says, exactly."""
    if archive.objective(row.objective).of_times:
        return (
            None
            if row.measured_time is None
            else row.measured_time.scaled(archive.objective(row.objective).whole)
        )
    return None if row.gain is None else Estimate(row.gain, np.nan, np.nan)


def _bar(estimate: Estimate) -> np.ndarray:
    return interval_bars([estimate])


def _look_of_measured() -> dict:
    return {
        "fmt": "o",
        "mfc": "none",
        "mec": INK,
        "mew": 0.8,
        "ms": 5,
        "ecolor": INK,
        "elinewidth": 0.6,
        "zorder": 4,
    }


def _handles(archive: Archive) -> list:
    handles = []
    if archive.frontiers:
        handles.append(Line2D([], [], color=BLUE, linewidth=1.0, label="all optimal plans"))
    mains = {main_strategy(archive, objective) for objective in archive.frontiers}
    strategies = _strategies(archive)
    for name in strategies:
        style = look(strategies, name)
        line = "none" if name in mains else "-"
        label = f"{name}, median" if _draws(archive, name) else name
        handles.append(Line2D([], [], linestyle=line, linewidth=0.8, label=label, **style))
        if _draws(archive, name):
            label = f"{name}, 10–90 %"
            handles.append(Patch(color=style["color"], alpha=0.18, lw=0, label=label))
    if archive.given:
        handles.append(Line2D([], [], label="given", **LOOK_OF_GIVEN))
    if archive.baseline is not None:
        main = main_strategy(archive, archive.objectives[0])
        label = f"{main} and given, measured" if archive.given else f"{main}, measured"
        style = {"mfc": "none", "mec": INK, "mew": 0.8, "ms": 5}
        handles.append(Line2D([], [], linestyle="none", marker="o", label=label, **style))
    return handles
