"""The numbers of an archive by what they mean: `scores/sample 3/loss`, `frontier/macs/gain`.

Keys and places of units, and the group that a row lies in, are left out: they tell how it was made.
"""

from collections.abc import Iterator

import numpy as np
from gainsweep_analysis.tables import Tables

Numbers = dict[str, np.ndarray]

# What tells the rows of a table apart; other tables are taken as a whole, in their order.
ROWS = {
    "maxima": ("sample",),
    "scores": ("sample",),
    "anchors": ("sample",),
    "mean_changes": ("format",),
    "bias_rates": ("noise",),
    "plans": ("threshold",),
    "evaluations/losses": ("assignment_key",),
    "evaluations/floor": ("assignment_key",),
    "predictions": ("assignment_key", "noise", "loss_model"),
    "objectives": ("objective",),
}
# How units are named and stored, and what a clock said.
LEFT_OUT_FIELDS = {"unit_key", "unit_order", "points"}
LEFT_OUT_TABLES = (
    *("points", "parameters", "failures"),
    *("latency/", "evaluations/times", "contests", "savings"),
)
# Objectives that rest on a clock.
MEASURED = "time"


def numbers(tables: Tables) -> Numbers:
    """Those of one point, by name."""
    found: Numbers = {}
    for path, table in tables.items():
        own = path.removeprefix("measured/")
        if own.startswith(LEFT_OUT_TABLES):
            continue
        columns = {n: c for n, c in table.columns.items() if n not in LEFT_OUT_FIELDS}
        for row, values in _rows(own, columns, tables):
            found |= {f"{own}/{row}{field}": value for field, value in values.items()}
    return found


def _rows(path: str, columns: Numbers, tables: Tables) -> Iterator[tuple[str, Numbers]]:
    """Rows of a table, each with its name; one without name where the table is taken as a whole."""
    if path.startswith("gains/"):
        yield from _gains(columns, tables["subgraphs"]["name"])
        return
    names = ROWS.get(path) or ROWS.get(path.split("/")[0])
    if names is None:
        yield "", columns
        return
    for row in range(len(columns[names[0]])):
        title = ", ".join(f"{name} {_short(columns[name][row])}" for name in names)
        yield f"{title}/", {n: np.asarray(c[row]) for n, c in columns.items() if n not in names}


def _gains(columns: Numbers, subgraphs: np.ndarray) -> Iterator[tuple[str, Numbers]]:
    for number, name in enumerate(subgraphs):
        of = columns["subgraph"] == number
        if of.any():
            yield f"{name}/", {field: columns[field][of] for field in ("formats", "gain")}


def _short(value) -> str:
    return value[:12] if isinstance(value, str) else str(value)
