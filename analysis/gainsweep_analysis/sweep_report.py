"""The report of several points of a sweep: what they have in common and where they differ."""

from html import escape

from . import grid
from .contents import Archive
from .figures import draw_sweep
from .notation import fixed, interval, significant
from .plans import PlanRow, rows
from .report import figure_html, page, table_html
from .table import gain_scale


def html(archives: list[Archive]) -> str:
    name = escape(archives[0].provenance["name"])
    body = [
        f"<h1>gainsweep: {name}, {len(archives)} points</h1>",
        f"<p>{escape(summary(archives))}</p>",
    ]
    body += map(figure_html, draw_sweep(archives))
    body.append("<h2>Plans of every point</h2>")
    for objective in dict.fromkeys(name for archive in archives for name in archive.objectives):
        body.append(f"<h3>{escape(objective)}</h3>")
        body.append(f"<div class=wide>{table_html(columns(archives, objective))}</div>")
    written = archives[0].provenance["spec_written"]
    body.append(
        f"<details><summary>Spec as written</summary><pre>{escape(written)}</pre></details>"
    )
    return page(name, body)


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


def columns(archives: list[Archive], objective: str) -> list[grid.Column]:
    """One row per point and threshold."""
    listed = [
        (archive, row)
        for archive in archives
        if objective in archive.objectives
        for row in rows(archive, objective)
    ]
    factor, unit = gain_scale(listed[0][0], objective)

    def column(group: str, head: str, cell) -> grid.Column:
        return grid.Column(group, head, [cell(row) for _, row in listed])

    def saved(row: PlanRow) -> str:
        return significant(row.gain, 3, factor)

    tau = "loss error τ, %"
    return grid.without_empty(
        [
            *(
                grid.Column(
                    "point", path, [archive.point.parameters[path] for archive, _ in listed]
                )
                for path in archives[0].point.parameters
            ),
            column(tau, "allowed", lambda row: significant(row.threshold, 3, 100)),
            column(tau, "predicted", lambda row: significant(row.predicted_tau, 3, 100)),
            column(tau, "measured", lambda row: interval(row.measured_tau, 100)),
            column("saved", unit, saved),
            column(
                "time saved, ms", "predicted", lambda row: significant(row.predicted_time, 3, 1e3)
            ),
            column("time saved, ms", "measured", lambda row: interval(row.measured_time, 1e3)),
            column("perplex-", "ity", lambda row: fixed(row.perplexity, 3)),
        ]
    )
