"""KL and loss MSE over bits a weight, a line a tool: FOLDER/MENU.png of what compare.py measured.

figure.py FOLDER
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from outcomes import Row
from settings import BUDGETS, MENUS, OURS, TITLES
from table import all_rows

LOOKS = {  # colour and marker
    OURS: ("#000000", "o"),
    "gainsweep_squares": ("#e08214", "o"),
    "gainsweep_empirical": ("#8c510a", "o"),
    "modelopt": ("#2e8b57", "s"),
    "autoround": ("#1f77b4", "^"),
    "fisher": ("#d62728", "D"),
    "hand_high": ("#9467bd", "v"),
    "hand_8": ("#c49ad6", "v"),
    "random": ("#999999", "x"),
}
NUMBERS = (("divergence", "KL(high ‖ plan), nat a token"), ("loss_mse", "loss MSE, nat²"))


def draw(axes: Axes, found: Sequence[Row], number: str) -> None:
    for place, tool in enumerate(TITLES):
        of_tool = [row for row in found if row.tool == tool]
        if not of_tool:
            continue
        colour, marker = LOOKS[tool]
        estimates = [getattr(row, number) for row in of_tool]
        shift = 0.012 * (place - len(TITLES) / 2)  # so that intervals stand beside each other
        axes.errorbar(
            [row.budget + shift for row in of_tool],
            [one.value for one in estimates],
            [
                [one.value - one.low for one in estimates],
                [one.high - one.value for one in estimates],
            ],
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=1.8 if tool == OURS else 1,
            elinewidth=0.7,
            zorder=3 if tool == OURS else 2,
            label=TITLES[tool],
        )
    axes.set_yscale("log")
    axes.set_xticks(BUDGETS)
    axes.grid(alpha=0.25)


def figure(path: Path, found: Sequence[Row]) -> None:
    models = list(dict.fromkeys(row.model for row in found))
    drawn, grid = plt.subplots(
        len(NUMBERS),
        len(models),
        figsize=(max(8, 4.2 * len(models)), 7),
        squeeze=False,
        sharex=True,
    )
    for column, model in enumerate(models):
        for place, (number, title) in enumerate(NUMBERS):
            axes = grid[place][column]
            draw(axes, [row for row in found if row.model == model], number)
            if place == 0:
                axes.set_title(model)
            if column == 0:
                axes.set_ylabel(title)
        grid[-1][column].set_xlabel("budget, bits a weight")
    handles, labels = grid[0][0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="lower center", ncols=min(4, 2 + len(models)), frameon=False)
    drawn.tight_layout(rect=(0, 0.08, 1, 1))
    drawn.savefig(path, dpi=110)


def main(folder: Path) -> None:
    found = [row for row in all_rows(folder) if row.evaluator == OURS]
    for menu in MENUS:
        of_menu = [row for row in found if row.menu == menu]
        if of_menu:
            figure(folder / f"{menu}.png", of_menu)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
