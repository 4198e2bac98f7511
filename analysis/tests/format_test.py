"""docs/archive_format.md describes every field that the reader is tested with."""

from pathlib import Path

import h5py

DOCUMENT = Path(__file__).parents[2] / "docs" / "archive_format.md"
TYPES = {"i": "int64", "u": "int64", "f": "float64", "S": "text"}


def documented():
    """(type, axes) of the fields in the section on tables, by name."""
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## Tables\n")[1].split("\n## ")[0]
    fields = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 5 and cells[0].startswith("`"):
            axes = tuple(axis for axis in cells[2].split(", ") if axis)
            fields.setdefault(cells[0].strip("`"), set()).add((cells[1], axes))
    return fields


def is_scale(path, item):
    """Whether it has the places along an axis, beside the tables' topmost groups."""
    return path.removeprefix("measured/") == f"{item.attrs['axes'][0]}_{len(item)}"


def undocumented(file):
    known, found = documented(), []

    def visit(path, item):
        if not isinstance(item, h5py.Dataset) or "axes" not in item.attrs:
            return
        name = path.rsplit("/", 1)[-1]
        if is_scale(path, item) or name in ("unit_key", "unit_order", "points"):
            return
        if path.startswith(("provenance", "measured/machine")):
            return
        axes = tuple(axis for axis in item.attrs["axes"] if axis != "unit")
        if (TYPES[item.dtype.kind], axes) not in known.get(name, ()):
            found.append(path)

    file.visititems(visit)
    return found


def test_every_field_is_documented(cases):
    for name in ("whole", "failures", "slow_card", "given", "budgets", "tasks"):
        with h5py.File(cases(name).path) as file:
            assert undocumented(file) == []
            assert len(list(file["scores"])) == 10  # the walk has something to find


def test_a_missing_field_is_noticed(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["scores/colour"] = [1.0]
        file["scores/colour"].attrs["axes"] = ["unit"]
        assert undocumented(file) == ["scores/colour"]
