"""The tables of an archive as arrays, and those of one point of its sweep."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import h5py
import numpy as np

VARIANT = re.compile(r"^(measured/)?variants/\d+/")


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
            fields = {
                name: field for name, field in item.items() if isinstance(field, h5py.Dataset)
            }
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
        kept = np.array([point in _numbers(kind) for kind in kinds], bool)[which]
        if kept.any():
            columns = {n: c[kept] for n, c in table.columns.items() if n != "points"}
            selected[VARIANT.sub(r"\1", path)] = Table(columns, table.units)
    return selected


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _values(field: h5py.Dataset) -> np.ndarray:
    return field.asstr()[()] if h5py.check_string_dtype(field.dtype) else field[()]


@lru_cache(maxsize=4096)
def _numbers(ranges: str) -> frozenset[int]:
    """Those of "0-3,7"."""
    numbers: set[int] = set()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
