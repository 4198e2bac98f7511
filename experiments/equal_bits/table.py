"""Tables of what compare.py measured: a CSV file of all numbers, Markdown of the main ones.

    table.py FOLDER

FOLDER/MODEL/MENU are what compare.py filled; writes FOLDER/results.csv and FOLDER/tables.md.
"""

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from gainsweep_analysis.statistics import Estimate
from outcomes import Row, rows
from settings import BUDGETS, MENUS, MODELS, OURS, RANDOM, TITLES, TOOLS

ESTIMATES = ("loss_mse", "divergence", "perplexity", "mse_over", "divergence_over")


def all_rows(folder: Path) -> list[Row]:
    filled = (folder / model / menu for model in MODELS for menu in MENUS)
    done = [path for path in filled if (path / "losses" / OURS / "archive.h5").exists()]
    return [row for path in done for row in rows(path)]


def write_csv(path: Path, found: Sequence[Row]) -> None:
    plain = ("model", "menu", "evaluator", "tool", "budget", "bits", "high_perplexity")
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        ends = ("", "_low", "_high")
        writer.writerow([*plain, *(f"{name}{end}" for name in ESTIMATES for end in ends)])
        for row in found:
            numbers = (getattr(row, name) for name in ESTIMATES)
            cells = [n for one in numbers for n in (one.value, one.low, one.high)]
            writer.writerow([*(getattr(row, name) for name in plain), *cells])


def verdict(over: Estimate) -> str:
    """How a tool's number stands to ours: the mark of an interval that does not hold 0."""
    if over.low > 0:
        return " ▲"
    return " ▼" if over.high < 0 else ""


def markdown(found: Sequence[Row]) -> str:
    lines = []
    keys = dict.fromkeys((row.model, row.menu, row.evaluator) for row in found)
    for model, menu, evaluator in keys:
        of_key = [r for r in found if (r.model, r.menu, r.evaluator) == (model, menu, evaluator)]
        for title, name, over, unit in (
            ("KL", "divergence", "divergence_over", "10⁻³ nat a token"),
            ("loss MSE", "loss_mse", "mse_over", "10⁻³ nat²"),
        ):
            lines += [
                "",
                f"**{model}, {menu}: {title}, {unit}, measured by {TITLES[evaluator]}**",
                "",
            ]
            lines += _table(of_key, name, over)
    return "\n".join(lines[1:]) + "\n"


def _table(found: Iterable[Row], name: str, over: str) -> list[str]:
    cells = {(row.tool, row.budget): row for row in found}
    lines = [
        "| bits a weight | " + " | ".join(f"{budget:g}" for budget in BUDGETS) + " |",
        "|---" * (len(BUDGETS) + 1) + "|",
    ]
    for tool, title in TITLES.items():
        if not any((tool, budget) in cells for budget in BUDGETS):
            continue
        line = [title]
        for budget in BUDGETS:
            row = cells.get((tool, budget))
            if row is None:
                line.append("–")
                continue
            mark = "" if tool == OURS else verdict(getattr(row, over))
            line.append(f"{1e3 * getattr(row, name).value:.3g}{mark}")
        lines.append("| " + " | ".join(line) + " |")
    return lines


def count(found: Sequence[Row]) -> str:
    """How often a tool is behind ours, level, ahead, over budgets, models and menus."""
    lines = ["| measured by | tool | KL: behind, level, ahead | loss MSE |", "|---|---|---|---|"]
    for evaluator in dict.fromkeys(row.evaluator for row in found):
        for tool in TITLES:
            of_tool = [r for r in found if (r.evaluator, r.tool) == (evaluator, tool)]
            if tool == OURS or not of_tool:
                continue
            line = [TITLES[evaluator], TITLES[tool]]
            for over in ("divergence_over", "mse_over"):
                marks = [verdict(getattr(row, over)) for row in of_tool]
                line.append(", ".join(str(marks.count(mark)) for mark in (" ▲", "", " ▼")))
            lines.append("| " + " | ".join(line) + " |")
    return "\n".join(lines) + "\n"


def costs(folder: Path) -> str:
    """What the processes took that made plans for all budgets, and over ours."""
    lines = [
        "| model, menu | tool | processor seconds | over gainsweep | wall seconds | peak, MB |",
        "|---|---|---|---|---|---|",
    ]
    for model, menu in itertools.product(MODELS, MENUS):
        took = {
            name: json.loads(path.read_text())["process"]
            for name in (OURS, *TOOLS)
            if (path := folder / model / menu / f"plans/{name}.json").exists()
        }
        for name, one in took.items():
            over = one["processor_seconds"] / took[OURS]["processor_seconds"] if OURS in took else 1
            cells = [f"{model}, {menu}", TITLES[name], f"{one['processor_seconds']:.1f}"]
            cells += [f"{over:.2f}", f"{one['seconds']:.1f}", f"{one['peak_bytes'] / 1e6:.0f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main(folder: Path) -> None:
    found = all_rows(folder)
    write_csv(folder / "results.csv", found)
    parts = (costs(folder), count(found), markdown(found))
    (folder / "tables.md").write_text("\n".join(parts))
    print(f"{folder}: {len(found)} rows, {RANDOM} plans as the mean of their draws")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
