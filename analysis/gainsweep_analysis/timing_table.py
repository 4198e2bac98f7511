"""Timing tables: a YAML header and a CSV of what configurations of sub-graphs save, keyed by what a
sub-graph is. Exact look-ups only: nothing is interpolated."""

import csv
import hashlib
import io
import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from .archive import ArchiveError
from .contents import Archive
from .plans import baseline_seconds

COLUMNS = ("subgraph", "formats", "seconds", "saved", "saved_low", "saved_high", "samples")
HEADER = ("schema", "device", "source", "workload", "all_high_seconds", "rows", "sha256")
SOURCES = ("measured", "modelled", "estimated")


@dataclass(frozen=True)
class Table:
    header: dict
    rows: list[dict[str, str]]
    problems: list[str]  # in the order of the rows


def name_of(text: str) -> str:
    """A device's name as headers have it: letters, digits, `.`, `_` and `-`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")
    return name[:64] or "device"


def rows(archive: Archive) -> list[tuple]:
    """One for each configuration of each class, all-high first."""
    baseline = baseline_seconds(archive)
    if not archive.structures or baseline is None or not archive.saved:
        raise ArchiveError(
            f"{archive.path}: it has no times of sub-graphs. Take the archive of a run with the "
            "objective time."
        )
    if archive.spec["latency"]["each_member"]:
        raise ArchiveError(
            f"{archive.path}: its sub-graphs were timed one by one (latency.each_member), and rows "
            "are of classes. Run it with each_member: false."
        )
    blocks = {t.subgraph: len(t.seconds) for t in archive.timings}
    listed, seen = [], set()
    for place, subgraph in enumerate(archive.subgraphs):
        if subgraph.cls in seen:
            continue
        seen.add(subgraph.cls)
        for formats, saved in archive.saved[place].items():
            listed.append(
                (
                    archive.structures[subgraph.cls],
                    ",".join(formats),
                    repr(baseline * (1 - saved.value)),
                    *(repr(value) for value in (saved.value, saved.low, saved.high)),
                    blocks.get(subgraph.name, 0),
                )
            )
    return listed


def export(archive: Archive, header: Path) -> int:
    """Writes header and rows beside it; the number of rows."""
    listed = rows(archive)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([COLUMNS, *listed])
    text, table = stream.getvalue(), header.with_suffix(".csv")
    source, latency = archive.time_source, archive.spec["latency"]
    device = archive.machine["device"] if source is None else source.device
    machine = archive.machine
    described = {
        "schema": 1,
        "device": name_of(device),
        "software": [f"LibTorch {machine['torch_version']}", machine["instruction_set"]],
        "method": [
            f"scope {latency['scope']}, {archive.program}"
            if source is None
            else f"{source.name} of {source.device}, {archive.program}"
        ],
        "source": "measured" if source is None else "modelled",
        "workload": {
            "batch": latency["batch"],
            "length": latency["length"],
            "high": archive.high,
        },
        "all_high_seconds": baseline_seconds(archive),
        "rows": table.name,
    }
    digest = hashlib.sha256(text.encode()).hexdigest()
    table.write_text(text, encoding="utf-8")
    # In quotes, whatever it looks like.
    signed = yaml.safe_dump(described, sort_keys=False) + f'sha256: "{digest}"\n'
    header.write_text(signed, encoding="utf-8")
    return len(listed)


def read(path: Path) -> Table:
    """A table with everything that is wrong with it."""
    try:
        header = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path}: no YAML ({error}). Name the header of a table.") from None
    missing = [key for key in HEADER if not isinstance(header, dict) or key not in header]
    if missing:
        raise ArchiveError(f"{path}: no header of a timing table (it lacks {', '.join(missing)}).")
    problems = []
    if header["source"] not in SOURCES:
        problems.append(f"{path.name}: source is not one of {', '.join(SOURCES)}")
    data = (path.parent / header["rows"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != header["sha256"]:
        problems.append(f"{header['rows']} is not the file that {path.name} was written with")
    found = csv.DictReader(io.StringIO(data.decode("utf-8")))
    if tuple(found.fieldnames or ()) != COLUMNS:
        raise ArchiveError(f"{header['rows']}:1: other columns than {', '.join(COLUMNS)}.")
    listed = list(found)
    high = header["workload"]["high"]
    seen: dict[tuple[str, str], int] = {}
    for line, row in enumerate(listed, 2):
        problems += [f"{header['rows']}:{line}: {what}" for what in _wrong(row, line, seen)]
    for name in dict.fromkeys(row["subgraph"] for row in listed):
        allhigh = ",".join([high] * (name.count("; ") + 1))
        if (name, allhigh) not in seen:
            problems.append(f"{name}: it has no row of {high} alone")
    return Table(header, listed, problems)


def _wrong(row: dict[str, str], line: int, seen: dict[tuple[str, str], int]) -> list[str]:
    found = []
    key = row["subgraph"], row["formats"]
    if seen.setdefault(key, line) != line:
        found.append(f"sub-graph and formats of line {seen[key]}")
    if row["subgraph"].count("; ") != row["formats"].count(","):
        found.append("another number of formats than of ops")
    try:
        numbers = [float(row[name]) for name in COLUMNS[2:]]
    except (TypeError, ValueError):
        return [*found, "a cell that is no number"]
    seconds, saved, low, high, _ = numbers
    if not all(map(math.isfinite, numbers)) or seconds <= 0:
        found.append("no time above 0, or numbers that are not finite")
    if not low <= saved <= high:
        found.append("saved_low <= saved <= saved_high does not hold")
    return found


def gaps(table: Table) -> list[str]:
    """Configurations between those that are there: of formats that other rows give an op. Ops that
    have one format in every row are tied."""
    held: dict[str, list[tuple[str, ...]]] = {}
    for row in table.rows:
        held.setdefault(row["subgraph"], []).append(tuple(row["formats"].split(",")))
    found = []
    for name, configurations in held.items():
        columns = list(zip(*configurations, strict=False))
        free = list(dict.fromkeys(columns))
        place = [free.index(column) for column in columns]
        wanted = [
            tuple(choice[index] for index in place)
            for choice in itertools.product(*(list(dict.fromkeys(column)) for column in free))
        ]
        missing = [one for one in wanted if one not in set(configurations)]
        if missing:
            found.append(
                f"{name}: {len(missing)} of {len(wanted)} configurations have no time, the first "
                f"is {','.join(missing[0])}"
            )
    return found


def uncovered(table: Table, archive: Archive) -> list[str]:
    """Classes of an archive's model that the table does not hold."""
    held = {row["subgraph"] for row in table.rows}
    first = {s.cls: s.name for s in reversed(archive.subgraphs)}
    return [
        f"no times of {first[cls]} and others like it: {structure}"
        for cls, structure in enumerate(archive.structures)
        if structure not in held
    ]
