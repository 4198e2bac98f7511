"""What configurations of a sub-graph save together, against the sum of what their ops save alone
and against what multiply-accumulates promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from .calibration import operations
from .contents import Archive, Timing
from .statistics import Estimate, times_saved

LEAST = 8  # configurations of a class worth comparing
NOTHING = Estimate(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Gain:
    """Of one configuration, as parts of an all-high run."""

    formats: tuple[str, ...]  # by op
    joint: Estimate
    summed: Estimate | None  # None where an op has no time alone
    theoretical: float  # part of the model's multiply-accumulates, as fast as formats promise


def chosen(archive: Archive) -> list[int]:
    """Of each class with enough timed configurations its first sub-graph with times."""
    found: dict[int, int] = {}
    for place, subgraph in enumerate(archive.subgraphs):
        if subgraph.cls not in found and len(_configurations(archive, place)) >= LEAST:
            found[subgraph.cls] = place
    return list(found.values())


def gains(archive: Archive, place: int) -> list[Gain]:
    """Of every configuration of a sub-graph, the largest first."""
    configurations = _configurations(archive, place)
    found = [
        Gain(
            formats,
            _saved(archive, place, [formats]),
            _summed(archive, place, formats),
            _theoretical(archive, place, formats),
        )
        for formats in configurations
    ]
    return sorted(found, key=lambda gain: -gain.joint.value)


def groups(archive: Archive, place: int) -> list[list[int]]:
    """Places of a sub-graph's ops, those that share one format together."""
    found: dict[int, list[int]] = {}
    for position, op in enumerate(archive.subgraphs[place].ops):
        found.setdefault(archive.ops[op].tie, []).append(position)
    return list(found.values())


def timing_of(archive: Archive, place: int) -> Timing | None:
    """The measured times of a sub-graph."""
    name = archive.subgraphs[place].name
    return next((timing for timing in archive.timings if timing.subgraph == name), None)


def _configurations(archive: Archive, place: int) -> list[tuple[str, ...]]:
    if archive.time_source is not None:
        return list(archive.saved[place]) if archive.saved else []
    timing = timing_of(archive, place)
    return [] if timing is None else timing.configurations


def _saved(archive: Archive, place: int, configurations: list[tuple[str, ...]]) -> Estimate:
    """Sum of what configurations save, each by itself. Measured ones share their blocks; of others
    the ends of the intervals are added."""
    timing = timing_of(archive, place)
    if archive.time_source is not None or timing is None:
        return reduce(_added, (archive.saved[place][formats] for formats in configurations))
    columns = [timing.configurations.index(formats) for formats in configurations]
    return times_saved(timing.seconds, columns, timing.whole).scaled(1 / timing.members)


def _added(a: Estimate, b: Estimate) -> Estimate:
    return Estimate(a.value + b.value, a.low + b.low, a.high + b.high)


def _summed(archive: Archive, place: int, formats: tuple[str, ...]) -> Estimate | None:
    """Of the configurations that lower one op, or ops that share a format, as this one does."""
    singles = list(_singles(archive, place, formats))
    if not singles:
        return NOTHING
    known = _configurations(archive, place)
    return _saved(archive, place, singles) if all(one in known for one in singles) else None


def _singles(archive: Archive, place: int, formats: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    for group in groups(archive, place):
        if formats[group[0]] != archive.high:
            yield tuple(
                name if position in group else archive.high for position, name in enumerate(formats)
            )


def _theoretical(archive: Archive, place: int, formats: tuple[str, ...]) -> float:
    whole = sum(operations(archive, op) for op in archive.ops)
    ops = (archive.ops[op] for op in archive.subgraphs[place].ops)
    faster = [1 - _rate(archive, archive.high) / _rate(archive, name) for name in formats]
    saved = (operations(archive, op) * part for op, part in zip(ops, faster, strict=True))
    return sum(saved) / whole


def _rate(archive: Archive, name: str) -> float:
    """Of multiply-accumulates, relative: the spec's, else the device's, else the high format's bits
    over those of the wider operand."""
    high = archive.formats[0].weight.bits
    format_ = next(format_ for format_ in archive.formats if format_.name == name)
    widest = max(format_.weight.bits, format_.activation.bits if format_.activation else high)
    otherwise = format_.device_rate or high / widest
    return float(archive.spec["target"]["mac_rates"].get(name, otherwise))
