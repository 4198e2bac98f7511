"""The report of several points of a sweep: what they have in common and where they differ."""

import math
from html import escape

from . import grid
from .answer import answer_row
from .contents import Archive
from .figures import draw_sweep
from .notation import fixed, interval, significant
from .parameters import Labels
from .plans import PlanRow, given_rows, rows
from .report import figure_html, page, table_html
from .table import gain_scale, measured_time_text, predicted_time_text
from .timings import imprecise, marks_legend

Listed = list[tuple[int, PlanRow]]  # rows with the places of their points


def html(archives: list[Archive]) -> str:
    name = f"{escape(archives[0].provenance['name'])}, {len(archives)} points"
    labels = Labels([archive.point.parameters for archive in archives])
    figures = {drawing.name: figure_html(drawing) for drawing in draw_sweep(archives)}
    written = escape(archives[0].provenance["spec_written"])
    plans = [
        part
        for objective in _objectives(archives)
        for part in (
            f"<h3>Plans for {escape(objective)}</h3>",
            *_marked_table(columns(archives, labels, objective)),
        )
    ]
    sections = [
        (
            "The answer",
            [*_marked_table(answers(archives, labels)), *_warning(archives), *_note(labels)],
        ),
        ("What was run", [f"<p>{escape(summary(archives))}</p>"]),
        ("Gain", [figures["sweep_gain"]]),
        ("Predictions", [figures["sweep_prediction"]] if "sweep_prediction" in figures else []),
        ("Plans of every point", plans),
        (
            "Provenance",
            [f"<details><summary>Spec as written</summary><pre>{written}</pre></details>"],
        ),
    ]
    return page(name, sections)


def _objectives(archives: list[Archive]) -> list[str]:
    return list(dict.fromkeys(name for archive in archives for name in archive.objectives))


def _note(labels: Labels) -> list[str]:
    text = (
        "Of every point and objective the plan that gains the most with a measured loss error "
        "within the allowed one. Points with equal rows share one: a/b is either. " + labels.note()
    )
    return [f"<p class=note>{escape(text)}</p>"]


def _marked_table(shown: list[grid.Column]) -> list[str]:
    """A table with what its marks mean."""
    meaning = marks_legend([cell for column in shown for cell in column.cells])
    return [_named_table(shown), *([f"<p class=note>{escape(meaning)}</p>"] if meaning else [])]


def _warning(archives: list[Archive]) -> list[str]:
    noisy = warning(archives)
    return [] if noisy is None else [f"<p class=warning>{escape(noisy)}</p>"]


def _named_table(shown: list[grid.Column]) -> str:
    table = table_html(shown).replace("<table>", "<table class=named>", 1)
    return f"<div class=wide>{table}</div>"


def summary(archives: list[Archive]) -> str:
    parameters = archives[0].point.parameters
    values = {
        path: list(dict.fromkeys(archive.point.parameters[path] for archive in archives))
        for path in parameters
    }
    swept = "; ".join(f"{path}: {', '.join(found)}" for path, found in values.items())
    failures = len({failure for archive in archives for failure in archive.failures})
    text = (
        f"The sweep varies {swept}. Each point is a run of its own; what points share was measured "
        "once. The report of one point: report ARCHIVE --select PATH=VALUE."
    )
    return text + (f" {failures} units failed; the points' reports list them." if failures else "")


def warning(archives: list[Archive]) -> str | None:
    """A sentence where times of some points are less precise than asked for."""
    noisy = [archive for archive in archives if imprecise(archive)]
    if not noisy:
        return None
    return (
        f"Times are noisy at {len(noisy)} of {len(archives)} points: intervals are wider than "
        "latency.precision asks for. The tables mark them; the points' reports say which."
    )


def answers(archives: list[Archive], labels: Labels) -> list[grid.Column]:
    """The answer of every point for each objective; points that say the same share a row."""
    found: list[grid.Column] = []
    for objective in _objectives(archives):
        listed = [
            (place, row)
            for place, archive in enumerate(archives)
            if objective in archive.objectives
            and (row := answer_row(archive, objective)) is not None
        ]
        part = _columns(archives, labels, objective, listed)
        part.insert(1, grid.Column("plans", "for", [objective] * len(part[0].cells)))
        found = [_joined(*pair) for pair in zip(found, part, strict=True)] if found else part
    return grid.without_empty(found)


def _joined(above: grid.Column, below: grid.Column) -> grid.Column:
    return grid.Column(above.group, above.head, above.cells + below.cells)


def columns(archives: list[Archive], labels: Labels, objective: str) -> list[grid.Column]:
    """One row per threshold and different plan, with the points that have it."""
    listed = [
        (place, row)
        for place, archive in enumerate(archives)
        if objective in archive.objectives
        for row in [*rows(archive, objective), *given_rows(archive, objective)]
    ]
    listed.sort(key=lambda item: (math.isnan(item[1].threshold), item[1].threshold))
    return grid.without_empty(_columns(archives, labels, objective, listed))


def _columns(
    archives: list[Archive], labels: Labels, objective: str, listed: Listed
) -> list[grid.Column]:
    """Cells of rows of one objective; equal rows of several points are one."""
    owner = next(archive for archive in archives if objective in archive.objectives)
    factor, unit = gain_scale(owner, objective)
    heads = [
        ("loss error τ, %", "allowed"),
        ("loss error τ, %", "predicted"),
        ("loss error τ, %", "measured"),
        ("saved", "%"),
        ("saved", "amount"),
        ("time saved, %", "predicted"),
        ("time saved, %", "measured"),
        ("KL,", "mnat"),
        ("perplex-", "ity"),
    ]
    points: dict[tuple[str, ...], list[int]] = {}
    for place, row in listed:
        cells = (
            row.strategy if math.isnan(row.threshold) else significant(row.threshold, 3, 100),
            significant(row.predicted_tau, 3, 100),
            interval(row.measured_tau, 100),
            significant(row.gain_share, 3, 100),
            f"{significant(row.expected_gain, 3, factor)} {unit}",
            predicted_time_text(row),
            measured_time_text(row),
            interval(row.divergence, 1e3),
            fixed(row.perplexity, 3),
        )
        points.setdefault(cells, []).append(place)
    names = grid.Column("", "points", [labels.of(places) for places in points.values()])
    return [
        names,
        *(
            grid.Column(group, head, [cells[place] for cells in points])
            for place, (group, head) in enumerate(heads)
        ),
    ]
