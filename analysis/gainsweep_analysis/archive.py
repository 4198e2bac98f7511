"""The archive as dataclasses; docs/archive_format.md has its layout."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import yaml

from .seal import SCHEMA, ArchiveError, check_seal

VERSION = 1


@dataclass(frozen=True)
class Op:
    path: str
    kind: str
    macs: int
    weight_elements: int
    subgraph: int
    tie: int
    real_formats: tuple[str, ...]


@dataclass(frozen=True)
class Operand:
    op: int
    place: int
    role: str


@dataclass(frozen=True)
class Subgraph:
    name: str
    cls: int
    ops: tuple[int, ...]


@dataclass(frozen=True)
class Format:
    name: str
    kind: str
    bits: int
    mantissa_bits: int


@dataclass(frozen=True)
class Scores:
    """Per calibration sample; `low` counts the formats from the second on."""

    sample: np.ndarray
    loss: np.ndarray  # [sample], nat
    sensitivity: np.ndarray  # [sample, operand], nat²
    signed_error: np.ndarray  # [sample, operand, low], nat
    step_norm: np.ndarray  # [sample, operand, low], nat²


@dataclass(frozen=True)
class Plans:
    """The plans of one objective and strategy; `draw` has one place unless it is `random`."""

    objective: str
    strategy: str
    gain_units: str
    threshold: np.ndarray  # [point]
    budget: np.ndarray  # [point], nat²
    assignment: np.ndarray  # [point, draw, op], index of the format
    assignment_key: np.ndarray  # [point, draw]
    gain: np.ndarray  # [point, draw]
    loss_error: np.ndarray  # [point, draw], nat²
    predicted_mse: np.ndarray  # [point, draw], nat²
    num_samples: np.ndarray  # [point]
    certificate_gap: np.ndarray  # [point]
    certificate_nodes: np.ndarray  # [point]

    def point(self, threshold: float) -> int | None:
        """The place of a threshold, None where its unit failed or was not asked for."""
        places = np.flatnonzero(np.isclose(self.threshold, threshold, rtol=1e-9, atol=0))
        return int(places[0]) if places.size else None


@dataclass(frozen=True)
class Frontier:
    gain: np.ndarray
    loss_error: np.ndarray
    predicted_mse: np.ndarray


@dataclass(frozen=True)
class Timing:
    """Raw times of the configurations of one class of sub-graphs."""

    table: str
    subgraph: str  # the first of the class
    members: int  # lowered together
    configurations: list[tuple[str, ...]]
    seconds: np.ndarray  # [block, configuration]
    kernels: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one assignment."""

    key: str
    assignment: np.ndarray | None = None  # [op]
    loss: np.ndarray | None = None  # [sample], nat
    seconds: np.ndarray | None = None  # [block, (all-high, plan)]


@dataclass(frozen=True)
class Failure:
    stage: str
    label: str
    reason: str


@dataclass(frozen=True)
class Archive:
    path: Path
    program: str
    provenance: dict[str, str]
    machine: dict[str, str]
    spec: dict
    ops: list[Op]
    operands: list[Operand]
    subgraphs: list[Subgraph]
    formats: list[Format]
    scores: Scores
    plans: dict[tuple[str, str], Plans]  # by objective and strategy
    frontiers: dict[str, Frontier]  # by objective
    gains: dict[str, list[dict[tuple[str, ...], int]]]  # by objective, sub-graph, configuration
    timings: list[Timing]
    evaluations: dict[str, Evaluation]  # by assignment key
    failures: list[Failure] = field(default_factory=list)

    @property
    def length(self) -> int:
        """T: predicted tokens of a sample."""
        return int(self.spec["calibration"]["length"])

    @property
    def mean_square_loss(self) -> float:
        """E[g²] over the calibration samples, nat²."""
        return float(np.mean(self.scores.loss**2))

    @property
    def high(self) -> str:
        return self.formats[0].name

    @property
    def low(self) -> list[str]:
        return [format_.name for format_ in self.formats[1:]]

    @property
    def spec_thresholds(self) -> list[float]:
        return [float(threshold) for threshold in self.spec["solve"]["thresholds"]]

    @property
    def objectives(self) -> list[str]:
        """Those with plans, in the spec's order."""
        found = {objective for objective, _ in self.plans}
        return [name for name in self.spec["solve"]["objectives"] if name in found]

    def strategies(self, objective: str) -> list[str]:
        known = self.spec["solve"]["strategies"]
        return [name for name in known if (objective, name) in self.plans]

    @property
    def baseline(self) -> Evaluation | None:
        """The evaluation of the all-high assignment."""
        for evaluation in self.evaluations.values():
            if evaluation.assignment is not None and not evaluation.assignment.any():
                return evaluation
        return None


def read(path: str | os.PathLike) -> Archive:
    """Reads and checks an archive. ArchiveError for anything else."""
    path = Path(path)
    check_seal(path)
    try:
        with h5py.File(path) as file:
            return _read(path, file)
    except ArchiveError as error:
        raise ArchiveError(f"{path}: {error}") from None
    except (KeyError, OSError, ValueError, IndexError, yaml.YAMLError) as error:
        raise ArchiveError(
            f"{path}: its contents do not fit this version of the analysis ({error}). "
            "Use the analysis package of the program's version."
        ) from error


def _read(path: Path, file: h5py.File) -> Archive:
    schema, version = _text(file.attrs.get("schema", "")), file.attrs.get("schema_version", 0)
    if schema != SCHEMA or version != VERSION:
        raise ArchiveError(
            f"its layout is '{schema}' version {version}, this package reads '{SCHEMA}' version "
            f"{VERSION}. Use the analysis package of the program's version."
        )
    provenance = _texts_of(file["provenance"])
    layout = _read_layout(file)
    return Archive(
        path=path,
        program=_text(file.attrs.get("program", "")),
        provenance=provenance,
        machine=_texts_of(file["measured/machine"]),
        spec=yaml.safe_load(provenance["spec_resolved"]),
        **layout,
        scores=_read_scores(file),
        plans={
            (plans.objective, plans.strategy): plans
            for top in _tops(file)
            for objective, group in top.get("plans", {}).items()
            for plans in (_read_plans(objective, name, group[name]) for name in group)
        },
        frontiers={
            objective: Frontier(
                *(group[name][0] for name in ("gain", "loss_error", "predicted_mse"))
            )
            for top in _tops(file)
            for objective, group in top.get("frontier", {}).items()
        },
        gains={
            objective: _read_gains(group, len(layout["subgraphs"]))
            for top in _tops(file)
            for objective, group in top.get("gains", {}).items()
        },
        timings=_read_timings(file),
        evaluations=_read_evaluations(file),
        failures=_read_failures(file),
    )


def _tops(file: h5py.File) -> list[h5py.Group]:
    """The groups that hold tables: deterministic ones, then measured ones."""
    return [file, file["measured"]]


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _texts_of(group: h5py.Group) -> dict[str, str]:
    """Short texts are attributes, long ones datasets."""
    texts = {key: _text(value) for key, value in group.attrs.items() if key != "sha256"}
    return texts | {key: dataset.asstr()[()] for key, dataset in group.items()}


def _texts(group: h5py.Group, name: str) -> np.ndarray:
    return group[name].asstr()[()]


def _read_layout(file: h5py.File) -> dict:
    ops, operands, subgraphs, formats = (
        file[name] for name in ("ops", "operands", "subgraphs", "formats")
    )
    op_subgraph = ops["subgraph"][()]
    return {
        "ops": [
            Op(
                path,
                kind,
                int(macs),
                int(elements),
                int(subgraph),
                int(tie),
                tuple(real.split(",")),
            )
            for path, kind, macs, elements, subgraph, tie, real in zip(
                _texts(ops, "path"),
                _texts(ops, "kind"),
                ops["macs"][()],
                ops["weight_elements"][()],
                op_subgraph,
                ops["tie"][()],
                _texts(ops, "real_formats"),
                strict=True,
            )
        ],
        "operands": [
            Operand(int(op), int(place), role)
            for op, place, role in zip(
                operands["op"][()], operands["operand"][()], _texts(operands, "role"), strict=True
            )
        ],
        "subgraphs": [
            Subgraph(name, int(cls), tuple(int(op) for op in np.flatnonzero(op_subgraph == index)))
            for index, (name, cls) in enumerate(
                zip(_texts(subgraphs, "name"), subgraphs["class"][()], strict=True)
            )
        ],
        "formats": [
            Format(name, kind, int(bits), int(mantissa))
            for name, kind, bits, mantissa in zip(
                _texts(formats, "name"),
                _texts(formats, "kind"),
                formats["bits"][()],
                formats["mantissa_bits"][()],
                strict=True,
            )
        ],
    }


def _read_scores(file: h5py.File) -> Scores:
    if "scores" not in file:
        raise ArchiveError("it has no table 'scores' (no calibration sample was scored).")
    names = ("sample", "loss", "sensitivity", "signed_error", "step_norm")
    return Scores(*(file["scores"][name][()] for name in names))


def _read_plans(objective: str, strategy: str, group: h5py.Group) -> Plans:
    numbers = (
        "threshold budget assignment gain loss_error predicted_mse num_samples certificate_gap "
        "certificate_nodes"
    )
    return Plans(
        objective=objective,
        strategy=strategy,
        gain_units=_text(group["gain"].attrs["units"]),
        assignment_key=_texts(group, "assignment_key"),
        **{name: group[name][()] for name in numbers.split()},
    )


def _read_gains(group: h5py.Group, num_subgraphs: int) -> list[dict[tuple[str, ...], int]]:
    gains: list[dict[tuple[str, ...], int]] = [{} for _ in range(num_subgraphs)]
    rows = zip(group["subgraph"][()], _texts(group, "formats"), group["gain"][()], strict=True)
    for subgraph, formats, gain in rows:
        gains[subgraph][tuple(formats.split(","))] = int(gain)
    return gains


def _read_timings(file: h5py.File) -> list[Timing]:
    if "timed_configurations" not in file:
        return []
    rows = file["timed_configurations"]
    tables = _texts(rows, "table")
    formats, subgraphs, members = _texts(rows, "formats"), _texts(rows, "subgraph"), rows["members"]
    timings = []
    for table in dict.fromkeys(tables):
        if table not in file["measured"]:
            continue  # its first round failed
        places = np.flatnonzero(tables == table)
        group = file["measured"][table]
        seconds = group["seconds"][()]
        timings.append(
            Timing(
                table=table,
                subgraph=subgraphs[places[0]],
                members=int(members[places[0]]),
                configurations=[tuple(formats[place].split(",")) for place in places],
                seconds=seconds.reshape(-1, seconds.shape[-1]),
                kernels=tuple(dict.fromkeys(_texts(group, "kernels").ravel())),
            )
        )
    return timings


def _read_evaluations(file: h5py.File) -> dict[str, Evaluation]:
    found: dict[str, dict] = {}
    for top in _tops(file):
        if "evaluations/losses" in top:
            group = top["evaluations/losses"]
            for row, key in enumerate(_texts(group, "assignment_key")):
                found.setdefault(key, {}).update(
                    assignment=group["assignment"][row], loss=group["loss"][row]
                )
    times = file["measured"].get("evaluations/times")
    if times is not None:
        keys = _texts(times, "assignment_key")
        for key in dict.fromkeys(keys):
            seconds = times["seconds"][np.flatnonzero(keys == key)]
            found.setdefault(key, {})["seconds"] = seconds.reshape(-1, seconds.shape[-1])
    return {key: Evaluation(key, **values) for key, values in found.items()}


def _read_failures(file: h5py.File) -> list[Failure]:
    groups = [file[path] for path in ("failures", "measured/failures") if path in file]
    columns = ("stage", "label", "reason")
    rows = (zip(*(_texts(group, name) for name in columns), strict=True) for group in groups)
    return [Failure(*row) for part in rows for row in part]
