"""Reads archives; docs/archive_format.md has their layout."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np
import yaml

from . import measurements
from .contents import (
    Archive,
    Failure,
    Format,
    Frontier,
    GivenPlan,
    Number,
    Objective,
    Op,
    Operand,
    Plans,
    Resource,
    Scores,
    Stability,
    Subgraph,
)
from .seal import SCHEMA, ArchiveError, check_seal, check_storage
from .statistics import Estimate
from .tables import Point, Table, Tables, both, check_ranges, points, read_tables, select, text

VERSION = 2
FILE_NAME = "archive.h5"
NUMBER = (
    *("number", "kind", "bits", "stored_bits", "mantissa_bits", "max", "granularity", "block"),
    *("scale", "backoff", "scale_grid", "range"),
)
PLANS = (
    *("budget", "assignment", "assignment_key", "gain", "loss_error", "predicted_mse"),
    *("predicted_bias", "predicted_low", "predicted_high"),
    *("num_samples", "certificate_gap", "certificate_nodes", "passes"),
)
FRONTIER = ("gain", "loss_error", "predicted_mse", "assignment")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Sweep:
    """An archive with all its points; `at` is one of them."""

    path: Path
    program: str
    provenance: dict[str, str]  # of all points
    machine: dict[str, str]
    points: list[Point]
    tables: Tables

    def at(self, point: Point) -> Archive:
        return _guarded(self.path, lambda: _archive(self, point))

    def where(self, conditions: dict[str, str]) -> list[Point]:
        """The points whose parameters have these values: as YAML, spaces and quotes aside, numbers
        and lists by value. ArchiveError for an unknown parameter or when there is no such point."""
        known = list(self.points[0].parameters)
        for path in conditions:
            if path not in known:
                raise ArchiveError(
                    f"{self.path}: '{path}' is no parameter of its sweep "
                    f"(parameters: {', '.join(known) or 'none'})."
                )
        wanted = {path: yaml.safe_load(value) for path, value in conditions.items()}
        chosen = [
            point
            for point in self.points
            if all(yaml.safe_load(point.parameters[p]) == value for p, value in wanted.items())
        ]
        if not chosen:
            values = {p: list(dict.fromkeys(q.parameters[p] for q in self.points)) for p in wanted}
            listed = "; ".join(f"{path}: {', '.join(found)}" for path, found in values.items())
            raise ArchiveError(f"{self.path}: no point has these values (there are {listed}).")
        return chosen


def read_sweep(path: str | os.PathLike) -> Sweep:
    """Reads and checks an archive; of a folder, the one of the run in it. ArchiveError for anything
    else, OSError where the file cannot be read."""
    path = in_folder(Path(path))
    check_seal(path)

    def read_file() -> Sweep:
        # Nobody writes into an archive, and not every file system has locks.
        with h5py.File(path, locking=False) as file:
            return _sweep(path, file)

    return _guarded(path, read_file)


def read(path: str | os.PathLike) -> Archive:
    """The only point of an archive. ArchiveError as above, and when it has several."""
    sweep = read_sweep(path)
    if len(sweep.points) > 1:
        raise ArchiveError(
            f"{path}: it has {len(sweep.points)} points where one is wanted. Choose one by its "
            f"parameters ({', '.join(sweep.points[0].parameters)})."
        )
    return sweep.at(sweep.points[0])


def in_folder(path: Path) -> Path:
    """The archive of a run's folder; any other path as it is. ArchiveError where it has none."""
    if not path.is_dir():
        return path
    if not (path / FILE_NAME).exists():
        raise ArchiveError(
            f"{path}: the folder has no {FILE_NAME}. Name the --out folder of a run that has ended."
        )
    return path / FILE_NAME


def _guarded(path: Path, act: Callable[[], Found]) -> Found:
    """What `act` returns; whatever goes wrong in it as ArchiveError with the path, but
    for a disk that fails."""
    try:
        return act()
    except ArchiveError as error:
        raise ArchiveError(f"{path}: {error}") from None
    except OSError as error:
        if error.errno is None and "errno = " not in str(error):
            raise _unfit(path, error) from error
        raise OSError(f"{path}: it cannot be read ({error}). Check the disk.") from error
    except (KeyError, ValueError, IndexError, yaml.YAMLError) as error:
        raise _unfit(path, error) from error


def _unfit(path: Path, error: Exception) -> ArchiveError:
    return ArchiveError(
        f"{path}: its contents do not fit this version of the analysis ({error}). "
        "Use the analysis package of the program's version."
    )


def _sweep(path: Path, file: h5py.File) -> Sweep:
    check_storage(file)
    schema, version = text(file.attrs.get("schema", "")), file.attrs.get("schema_version", 0)
    if schema == SCHEMA and version == 1:
        raise ArchiveError(
            "an earlier gainsweep wrote it (layout version 1, this package reads version "
            f"{VERSION}). Use that version's analysis package, or run the spec anew."
        )
    if schema != SCHEMA or version != VERSION:
        raise ArchiveError(
            f"its layout is '{schema}' version {version}, this package reads '{SCHEMA}' version "
            f"{VERSION}. Use the analysis package of the program's version."
        )
    tables = read_tables(file)
    found = points(tables)
    check_ranges(tables, len(found))
    return Sweep(
        path=path,
        program=text(file.attrs.get("program", "")),
        provenance=_texts_of(file["provenance"]),
        machine=_texts_of(file["measured/machine"]),
        points=found,
        tables=tables,
    )


def _archive(sweep: Sweep, point: Point) -> Archive:
    tables = select(sweep.tables, point.number)
    layout = _read_layout(tables)
    provenance = sweep.provenance | point.provenance
    return Archive(
        path=sweep.path,
        program=sweep.program,
        point=point,
        provenance=provenance,
        machine=sweep.machine,
        spec=yaml.safe_load(provenance["spec_resolved"]),
        **layout,
        scores=_read_scores(tables),
        plans={
            (objective, strategy): _read_plans(objective, strategy, table)
            for (objective, strategy), table in _below(tables, "plans")
        },
        resources=_read_resources(tables),
        budgets=_read_budgets(tables),
        frontiers={
            objective: Frontier(*(table[name] for name in FRONTIER))
            for (objective,), table in _below(tables, "frontier")
        },
        stability={
            objective: _read_stability(table) for (objective,), table in _below(tables, "stability")
        },
        gains={
            objective: _read_gains(table, len(layout["subgraphs"]))
            for (objective,), table in _below(tables, "gains")
        },
        loss_errors=_read_loss_errors(tables),
        timings=measurements.read_timings(tables),
        contests=measurements.read_contests(tables),
        savings=measurements.read_savings(tables),
        about=_read_objectives(tables),
        predictions=_read_predictions(tables),
        evaluations=measurements.read_evaluations(tables),
        searched=measurements.read_searched(tables),
        given=_read_given(tables),
        tasks=measurements.read_tasks(tables),
        time_source=measurements.read_time_source(tables),
        structures=measurements.read_structures(tables),
        saved=measurements.read_saved(tables, len(layout["subgraphs"])),
        anchors=measurements.read_anchors(tables),
        failures=_read_failures(tables),
    )


def _below(tables: Tables, group: str) -> Iterable[tuple[tuple[str, ...], Table]]:
    """The tables in a group and in its measured twin, with the rest of their paths."""
    for top in ("", "measured/"):
        start = f"{top}{group}/"
        for path, table in tables.items():
            if path.startswith(start):
                yield tuple(path.removeprefix(start).split("/")), table


def _texts_of(group: h5py.Group) -> dict[str, str]:
    """Short texts are attributes, long ones datasets."""
    texts = {key: text(value) for key, value in group.attrs.items() if key != "sha256"}
    return texts | {key: dataset.asstr()[()] for key, dataset in group.items()}


def _read_layout(tables: Tables) -> dict:
    ops, operands, subgraphs, formats = (
        tables[name] for name in ("ops", "operands", "subgraphs", "formats")
    )
    numbers = (
        "macs",
        "weight_elements",
        "weight_channels",
        "weight_line",
        "weight_shared",
        "subgraph",
        "tie",
        "fused",
    )
    members = [np.flatnonzero(ops["subgraph"] == j) for j in range(len(subgraphs["name"]))]
    return {
        "ops": [_op(*row) for row in ops.rows("path", "kind", *numbers, "real_formats", "module")],
        "operands": [
            Operand(int(op), int(place), role, name)
            for op, place, role, name in operands.rows("op", "operand", "role", "name")
        ],
        "weight_maxima": _read_weight_maxima(tables),
        "scales": tables["scales"]["scale"] if "scales" in tables else None,
        "maxima": tables["maxima"]["maximum"].max(axis=0) if "maxima" in tables else None,
        "subgraphs": [
            Subgraph(name, int(cls), tuple(map(int, members[index])))
            for index, (name, cls) in enumerate(subgraphs.rows("name", "class"))
        ],
        "formats": [
            Format(name, float(rate), weight, activation)
            for name, rate, weight, activation in zip(
                formats["name"],
                formats["device_rate"],
                _numbers(formats, "weight"),
                _numbers(formats, "activation"),
                strict=True,
            )
        ],
    }


def _op(path, kind, *row) -> Op:
    *sizes, shared, subgraph, tie, fused, real, module = row
    groups = (bool(shared), int(subgraph), int(tie), int(fused))
    return Op(path, kind, *map(int, sizes), *groups, tuple(real.split(",")), module)


def _numbers(formats: Table, operand: str) -> list[Number | None]:
    """Of one operand in each format."""
    kinds = (str, str, int, float, int, float, str, int, str, float, str, str)
    rows = formats.rows(*(f"{operand}_{name}" for name in NUMBER))
    return [
        Number(*(kind(cell) for kind, cell in zip(kinds, row, strict=True))) if row[0] else None
        for row in rows
    ]


def _read_weight_maxima(tables: Tables) -> dict[int, np.ndarray]:
    if "weight_maxima" not in tables:
        return {}
    table = tables["weight_maxima"]
    return {
        int(operand): table["maximum"][table["operand"] == operand]
        for operand in np.unique(table["operand"])
    }


def _read_scores(tables: Tables) -> Scores:
    if "scores" not in tables:
        raise ArchiveError("it has no table 'scores' (no calibration sample was scored).")
    names = (field.name for field in fields(Scores))
    return Scores(*(tables["scores"][name] for name in names))


def _read_plans(objective: str, strategy: str, table: Table) -> Plans:
    columns = {name: table[name] for name in ("threshold", *PLANS)}
    reliability = table.columns.get("reliability")
    return Plans(objective=objective, strategy=strategy, reliability=reliability, **columns)


def _read_resources(tables: Tables) -> dict[str, Resource]:
    columns = ("resource", "meaning", "units", "objective", "whole", "least")
    return {
        name: Resource(name, meaning, units, objective, float(whole), float(least))
        for table in both(tables, "resources")
        for name, meaning, units, objective, whole, least in table.rows(*columns)
    }


def _read_budgets(tables: Tables) -> dict[str, Plans]:
    """Those of the exact strategy."""
    about = _read_resources(tables)
    return {
        resource: Plans(
            objective=about[resource].objective,
            strategy="ip",
            threshold=table["budget"],
            **{name: table[name] for name in (*PLANS, "taken")},
            resource=resource,
        )
        for (resource,), table in _below(tables, "budgets")
    }


def _read_stability(table: Table) -> Stability:
    bounds = table.rows("gain_median", "gain_low", "gain_high")
    return Stability(
        *(table[name] for name in ("threshold", "resamples", "share")),
        gain=[Estimate(*map(float, row)) for row in bounds],
    )


def _read_gains(table: Table, num_subgraphs: int) -> list[dict[tuple[str, ...], int]]:
    gains: list[dict[tuple[str, ...], int]] = [{} for _ in range(num_subgraphs)]
    for subgraph, formats, gain in table.rows("subgraph", "formats", "gain"):
        gains[subgraph][tuple(formats.split(","))] = int(gain)
    return gains


def _read_loss_errors(tables: Tables) -> dict[str, np.ndarray]:
    if "loss_errors" not in tables:
        return {}
    columns = tables["loss_errors"].columns
    return {name: values for name, values in columns.items() if values.ndim == 2}


def _read_objectives(tables: Tables) -> dict[str, Objective]:
    columns = ("objective", "title", "meaning", "units", "of_times", "whole")
    return {
        name: Objective(name, title, meaning, units, bool(of_times), float(whole))
        for table in both(tables, "objectives")
        for name, title, meaning, units, of_times, whole in table.rows(*columns)
    }


def _read_predictions(tables: Tables) -> dict[tuple[str, str], dict[str, Estimate]]:
    found: dict[tuple[str, str], dict[str, Estimate]] = {}
    columns = ("noise", "loss_model", "assignment_key", "predicted_error", "low", "high")
    for table in both(tables, "predictions"):
        for noise, model, key, *numbers in table.rows(*columns):
            found.setdefault((noise, model), {})[key] = Estimate(*map(float, numbers))
    return found


def _read_given(tables: Tables) -> list[GivenPlan]:
    if "given_plans" not in tables:
        return []
    gains: dict[str, dict[str, int]] = {}
    for (objective,), table in _below(tables, "given_gains"):
        for name, gain in table.rows("name", "gain"):
            gains.setdefault(name, {})[objective] = int(gain)
    columns = (
        "name file assignment assignment_key loss_error predicted_mse predicted_bias "
        "predicted_low predicted_high"
    )
    return [
        GivenPlan(name, file, assignment, key, *map(float, numbers), gains.get(name, {}))
        for name, file, assignment, key, *numbers in tables["given_plans"].rows(*columns.split())
    ]


def _read_failures(tables: Tables) -> list[Failure]:
    return [
        Failure(*row)
        for table in both(tables, "failures")
        for row in table.rows("stage", "label", "reason")
    ]
