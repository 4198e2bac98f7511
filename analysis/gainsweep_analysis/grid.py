"""Columns of text under grouped heads."""

from collections.abc import Iterable
from dataclasses import dataclass

from .notation import DASH

GAP = "  "


@dataclass(frozen=True)
class Column:
    """Neighbours of one group share its name, which stands above their heads."""

    group: str
    head: str
    cells: list[str]


def without_empty(columns: list[Column]) -> list[Column]:
    """The columns that have a value anywhere."""
    return [column for column in columns if set(column.cells) != {DASH}]


def flush_left(head: str, cells: list[str]) -> Column:
    """A column of words, without a group."""
    if set(cells) == {DASH}:
        return Column("", head, cells)
    width = max(map(len, [head, *cells]))
    return Column("", head.ljust(width), [cell.ljust(width) for cell in cells])


def merged(columns: list[Column]) -> list[Column]:
    """Neighbouring rows that are equal but for their first cells as one, with both ends of those:
    `0.1–0.3`."""
    rows = list(zip(*(column.cells for column in columns), strict=True))
    kept: list[list[str]] = []
    starts: list[str] = []
    for first, *rest in rows:
        if kept and kept[-1][1:] == rest:
            kept[-1][0] = f"{starts[-1]}–{first}"
        else:
            kept.append([first, *rest])
            starts.append(first)
    return [
        Column(column.group, column.head, [row[place] for row in kept])
        for place, column in enumerate(columns)
    ]


def groups(columns: list[Column]) -> list[tuple[str, list[int]]]:
    """Names of the groups with the places of their columns."""
    found: list[tuple[str, list[int]]] = []
    for place, column in enumerate(columns):
        if found and found[-1][0] == column.group:
            found[-1][1].append(place)
        else:
            found.append((column.group, [place]))
    return found


def lines(columns: list[Column]) -> list[str]:
    bodies = [_aligned(column.cells) for column in columns]
    widths = [
        max(len(column.head), *map(len, body)) for column, body in zip(columns, bodies, strict=True)
    ]
    top = []
    for name, places in groups(columns):
        room = sum(widths[place] for place in places) + len(GAP) * (len(places) - 1)
        widths[places[0]] += max(0, len(name) - room)
        top.append(name.center(max(room, len(name))) if len(places) > 1 else name.rjust(room))
    rules = ["─" * width for width in widths]
    rows = [[column.head for column in columns], rules, *zip(*bodies, strict=True)]
    printed = [GAP.join(top), *(_line(row, widths) for row in rows)]
    return [(GAP + line).rstrip() for line in printed]


def _line(texts: Iterable[str], widths: list[int]) -> str:
    return GAP.join(text.rjust(width) for text, width in zip(texts, widths, strict=True))


def _aligned(texts: list[str]) -> list[str]:
    """Values flush right and, behind them, intervals flush left."""
    parts = [text.partition(" [") for text in texts]
    interval_width = max(len(bracket) + len(rest) for _, bracket, rest in parts)
    value_width = max(len(value) for value, _, _ in parts)
    return [
        value.rjust(value_width) + (bracket + rest).ljust(interval_width)
        for value, bracket, rest in parts
    ]
