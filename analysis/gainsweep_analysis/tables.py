"""The tables of an archive as arrays, and those of one point of its sweep."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import h5py
import numpy as np

from .seal import ArchiveError

VARIANT = re.compile(r"^(measured/)?variants/\d+/")
LARGEST_RATIO = 1100  # of bytes to stored bytes: deflate makes them at most 1,032 times fewer


@dataclass(frozen=True)
class Table:
    """Columns by name, each with its rows along the first axis."""

    columns: dict[str, np.ndarray]
    units: dict[str, str]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def rows(self, *names: str) -> Iterable[tuple]:
        return zip(*(self.columns[name] for name in names), strict=True)


Tables = dict[str, Table]  # by path, measured ones below "measured/"


@dataclass(frozen=True)
class Point:
    """One spec of a sweep; an archive without a sweep has one."""

    number: int
    parameters: dict[str, str]  # values of the swept leaves as YAML
    provenance: dict[str, str]

    @property
    def label(self) -> str:
        return ", ".join(f"{path} = {value}" for path, value in self.parameters.items())


def read_tables(file: h5py.File) -> Tables:
    """Every table of an archive, all points together."""
    found: Tables = {}

    def visit(path: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Group) and "long_name" in item.attrs:
            fields = {n: field for n, field in item.items() if isinstance(field, h5py.Dataset)}
            found[path] = Table(
                {name: _values(field) for name, field in fields.items()},
                {name: text(field.attrs["units"]) for name, field in fields.items()},
            )

    file.visititems(visit)
    return found


def points(tables: Tables) -> list[Point]:
    own = tables["points"]
    parameters = tables["parameters"].columns if "parameters" in tables else {}
    return [
        Point(
            int(number),
            {path: values[number] for path, values in parameters.items()},
            {name: values[number] for name, values in own.columns.items() if name != "point"},
        )
        for number in own["point"]
    ]


def select(tables: Tables, point: int) -> Tables:
    """The tables that an archive of one point alone would have."""
    selected = {}
    for path, table in tables.items():
        if path in ("points", "parameters"):
            continue
        kinds, which = np.unique(table["points"], return_inverse=True)
        kept = np.array([_contains(_ranges(kind), point) for kind in kinds], bool)[which]
        if kept.any():
            columns = {n: c[kept] for n, c in table.columns.items() if n != "points"}
            selected[VARIANT.sub(r"\1", path)] = Table(columns, table.units)
    return selected


def check_ranges(tables: Tables, count: int) -> None:
    """ArchiveError where a row is of points that the archive of `count` points does not have."""
    for path, table in tables.items():
        if path in ("points", "parameters"):
            continue
        for kind in np.unique(table["points"]):
            ranges = _ranges(kind)
            ends = [end for range_ in ranges for end in range_]
            if ends != sorted(ends) or ends[0] < 0 or ends[-1] >= count:
                raise ArchiveError(
                    f"rows of its table {path} are of the points {_shortened(kind)}, and it has "
                    f"{count} points. Take another copy of the archive."
                )


def _shortened(ranges: str) -> str:
    return ranges if len(ranges) <= 40 else ranges[:40] + "…"


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _values(field: h5py.Dataset) -> np.ndarray:
    """ArchiveError, before anything is read, for values that were never written."""
    if field.nbytes > LARGEST_RATIO * field.id.get_storage_size():
        raise ArchiveError(
            f"its field {field.name} has {field.nbytes} bytes that were not written."
        )
    return field.asstr()[()] if h5py.check_string_dtype(field.dtype) else field[()]


@lru_cache(maxsize=4096)
def _ranges(text_: str) -> tuple[tuple[int, int], ...]:
    """First and last of each of "0-3,7"."""
    parts = (part.partition("-") for part in text_.split(","))
    return tuple((int(first), int(last or first)) for first, _, last in parts)


def _contains(ranges: tuple[tuple[int, int], ...], point: int) -> bool:
    """Whether a point lies in one of some rising ranges."""
    place = bisect_right(ranges, point, key=lambda range_: range_[0]) - 1
    return place >= 0 and point <= ranges[place][1]


def both(tables: Tables, path: str) -> list[Table]:
    """The deterministic and the measured table of a path, those that there are."""
    return [tables[top + path] for top in ("", "measured/") if top + path in tables]
