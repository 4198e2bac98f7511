"""The tables of tasks for papers: LaTeX with the package booktabs."""

from itertools import groupby

from .. import grid
from ..contents import Archive
from ..latex import escaped, row
from .metrics import Metric
from .rows import Asked, Group, Line
from .table import checked, columns, describe, legend


def text(archive: Archive, objective: str | None = None) -> str:
    """A tabular for each objective and resource; what they mean stands in comments."""
    found = checked(archive, objective)
    notes = [describe(task) for task in found.tasks] + [legend(archive)]
    head = [f"% {note}" for note in notes] + [r"% \usepackage{booktabs}"]
    return "\n".join([*head, *("\n".join(_tabular(found, group)) for group in found.groups)]) + "\n"


def _tabular(found: Asked, group: Group) -> list[str]:
    shown = columns(found, group)
    left = len(shown) - len(found.shown)
    spread = [(name, places) for name, places in grid.groups(shown) if places[0] >= left]
    tops = [""] * left + [
        rf"\multicolumn{{{len(places)}}}{{c}}{{{escaped(name)}}}" for name, places in spread
    ]
    rules = " ".join(rf"\cmidrule(lr){{{p[0] + 1}-{p[-1] + 1}}}" for _, p in spread)
    heads = [_head(column) for column in shown]
    return [
        f"% {group.title}",
        rf"\begin{{tabular}}{{rlr{'r' * len(found.shown)}}}",
        r"\toprule",
        row(tops),
        rules,
        row(heads),
        r"\midrule",
        *_body(found, group, shown),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _head(column: grid.Column) -> str:
    """Of columns about plans both lines in one."""
    of_plan = column.group in ("allowed,", "saved,")
    return escaped(f"{column.group} {column.head}" if of_plan else column.head.strip())


def _body(found: Asked, group: Group, shown: list[grid.Column]) -> list[str]:
    """Plans of which as much is allowed together, the best of them in bold."""
    rows = [
        [escaped(cell.strip()) for cell in row]
        for row in zip(*(c.cells for c in shown), strict=True)
    ]
    numbered = list(enumerate(group.lines))
    body: list[str] = []
    for _, together in groupby(numbered, lambda pair: (pair[1].plan is None, pair[1].allowed)):
        places, lines = zip(*together, strict=True)
        if body:
            body.append(r"\addlinespace" if len(body) > 1 else r"\midrule")
        if len(lines) > 1:
            for column, (task, metric) in enumerate(found.shown, len(shown) - len(found.shown)):
                for place in _best(places, lines, task.name, metric):
                    rows[place][column] = rf"\textbf{{{rows[place][column]}}}"
        body += [row(rows[place]) for place in places]
    return body


def _best(places: tuple[int, ...], lines: tuple[Line, ...], task: str, metric: Metric) -> list[int]:
    """Those with the best value; none where all have it."""
    sign = 1 if metric.larger_is_better else -1
    values = {
        place: sign * line.results[task].scores[metric.name].value.value
        for place, line in zip(places, lines, strict=True)
        if task in line.results
    }
    best = [place for place, value in values.items() if value == max(values.values())]
    return best if len(best) < len(values) else []
