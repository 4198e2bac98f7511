"""Fits what a description of a device assumes to times that were measured on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from .archive import ArchiveError
from .contents import Archive, Op
from .plans import baseline_seconds

LINEAR = "linear"


@dataclass(frozen=True)
class Equation:
    """Seconds that operations by format and launches add up to."""

    operations: dict[str, float]  # by format
    launches: int
    seconds: float


@dataclass(frozen=True)
class Fit:
    rate: dict[str, float]  # operations a second that are reached, by format
    launch: float  # s
    residual: float  # root mean square, as a part of the seconds


def solve(equations: list[Equation], formats: list[str]) -> Fit:
    """Least squares of relative errors; the unknowns are a time for each operation in each format
    and one for each launch."""
    matrix = np.array(
        [[e.operations.get(name, 0.0) for name in formats] + [e.launches] for e in equations]
    )
    seconds = np.array([e.seconds for e in equations])
    scale = np.where(matrix.any(axis=0), np.abs(matrix).max(axis=0), 1)
    weighed = matrix / scale / np.abs(seconds)[:, None]
    found, _, rank, _ = np.linalg.lstsq(weighed, np.sign(seconds), rcond=1e-12)
    if rank < len(found):
        raise ArchiveError(
            f"{len(equations)} measured times do not determine {len(found)} numbers (too few "
            "classes of one linear layer each). Measure a model of more shapes, or another length."
        )
    costs = found / scale
    for name, cost in zip(formats, costs, strict=False):
        if cost <= 0:
            raise ArchiveError(
                f"the measured times give operations in {name} no time at all (noise, or layers "
                "that do not wait for arithmetic). Measure longer sequences."
            )
    errors = weighed @ found - np.sign(seconds)
    rates = {name: 1 / cost for name, cost in zip(formats, costs, strict=False)}
    return Fit(rates, max(float(costs[-1]), 0.0), float(np.sqrt(np.mean(errors**2))))


def operations(archive: Archive, op: Op) -> float:
    """Of an op in the latency workload; a multiply-accumulate counts as two."""
    latency, calibration = archive.spec["latency"], archive.spec["calibration"]
    longer = float(latency["length"]) / float(calibration["length"])
    power = 1 if op.kind == LINEAR else 2  # attention grows with the square
    return 2 * op.macs * float(latency["batch"]) * longer**power


def equations(archive: Archive) -> list[Equation]:
    """What classes of one linear layer save in each format, and the whole all-high run. What lies
    between matrix products is in neither: it counts against the rates."""
    found = []
    for timing in archive.timings:
        subgraph = next(s for s in archive.subgraphs if s.name == timing.subgraph)
        op = archive.ops[subgraph.ops[0]]
        if len(subgraph.ops) > 1 or op.kind != LINEAR:
            continue
        count = operations(archive, op)
        for place, (name, *_) in enumerate(timing.configurations):
            if place == 0:
                continue
            paired = timing.seconds[:, 0] - timing.seconds[:, place]
            saved = float(np.median(paired)) / timing.members
            if saved:
                # The cast is one launch more.
                found.append(Equation({archive.high: count, name: -count}, -1, saved))
    baseline = baseline_seconds(archive)
    if archive.time_source is not None or baseline is None or not found:
        raise ArchiveError(
            f"{archive.path}: it has no measured times of single linear layers. Take the archive "
            "of a run with the objective time and latency.source: measured."
        )
    whole = sum(operations(archive, op) for op in archive.ops)
    return [*found, Equation({archive.high: whole}, len(archive.ops), baseline)]


def fitted(archive: Archive, description: dict) -> tuple[dict, Fit]:
    """The description with the shares and the launch that the archive's times say."""
    asked = equations(archive)
    lowered = {name for equation in asked for name in equation.operations}
    types = {archive.high: archive.high} | description.get("formats", {})
    formats = [name for name in (archive.high, *archive.low) if name in lowered]
    for name in formats:
        if types.get(name) not in description["rates_tflops"]:
            raise ArchiveError(
                f"the description has no rate for {name}, which was measured. Add it under "
                "rates_tflops and formats."
            )
    fit = solve(asked, formats)
    reached = dict(description.get("reached", {}))
    for name, rate in fit.rate.items():
        share = rate / (1e12 * description["rates_tflops"][types[name]])
        if share > 1:
            raise ArchiveError(
                f"{name} reaches {rate / 1e12:.3g} TFLOPS, more than the published "
                f"{description['rates_tflops'][types[name]]}. Correct rates_tflops."
            )
        reached[types[name]] = float(f"{share:.4g}")
    launch = float(f"{fit.launch * 1e6:.4g}")
    old = description["launch_us"]
    within = old["graph"] / old["none"] if old["none"] else 0
    return description | {
        "reached": reached,
        "launch_us": {"none": launch, "graph": float(f"{launch * within:.4g}")},
        "assumed": [key for key in description.get("assumed", []) if key != "reached"],
        "sources": [
            *description["sources"],
            f"fitted to times of {archive.machine['device']} ({archive.provenance['name']}): "
            "reached, launch_us",
        ],
    }, fit


def read_description(path: Path) -> dict:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path}: no YAML ({error}). Name a file such as those of "
                           "configs/devices.") from None  # fmt: skip
    wanted = ("schema", "device", "rates_tflops", "launch_us", "sources")
    missing = [key for key in wanted if not isinstance(found, dict) or key not in found]
    if missing:
        raise ArchiveError(
            f"{path}: no description of a device (it lacks {', '.join(missing)}). Name a file such "
            "as those of configs/devices."
        )
    return found


def text(description: dict) -> str:
    return yaml.safe_dump(description, sort_keys=False, default_flow_style=None, width=100)
