"""How plans change when calibration samples are drawn again."""

import textwrap
from collections.abc import Iterable

import numpy as np

from . import grid
from .contents import Archive
from .notation import DASH, interval, significant
from .planned import Stability
from .plans import RESAMPLED, agreement, format_shares
from .seal import ArchiveError
from .table import WIDTH, gain_scale

UNSETTLED = 0.05  # an op is unsettled where more than that share of plans has it, and of plans not


def stability_of(archive: Archive, objective: str) -> Stability:
    if objective not in archive.stability:
        raise ArchiveError(
            f"{archive.path}: it has no plans on resampled calibration samples. Run its spec with "
            "solve.resamples, such as 200, or `gainsweep solve` the archive with it."
        )
    return archive.stability[objective]


def planned_formats(archive: Archive, objective: str, threshold: float) -> np.ndarray | None:
    """The format of each op in the plan of record of `ip`; None where there is none."""
    plans = archive.plans.get((objective, RESAMPLED))
    point = None if plans is None else plans.point(threshold)
    return None if plans is None or point is None else plans.assignment[point, 0]


def records(archive: Archive, objectives: Iterable[str]) -> list[dict]:
    """A record an objective, threshold, op and low format."""
    listed = []
    for objective in objectives:
        found = stability_of(archive, objective)
        for row, threshold in enumerate(found.threshold):
            planned = planned_formats(archive, objective, threshold)
            for place, op in enumerate(archive.ops):
                for low, name in enumerate(archive.low):
                    listed.append(
                        {
                            "objective": objective,
                            "allowed_tau": float(threshold),
                            "resamples": int(found.resamples[row]),
                            "op": op.path,
                            "module": op.module,
                            "format": name,
                            "share": float(found.share[row, place, low]),
                            "is_planned": None
                            if planned is None
                            else bool(planned[place] == low + 1),
                        }
                    )
    return listed


def num_unsettled(archive: Archive, objective: str, threshold: float) -> int | None:
    """Ops that some resamples lower and others do not."""
    shares = format_shares(archive, objective, threshold)
    if shares is None:
        return None
    lowered = 1 - shares[:, 0]
    return int(np.sum((lowered > UNSETTLED) & (lowered < 1 - UNSETTLED)))


def text(archive: Archive, objectives: Iterable[str]) -> str:
    """A table an objective, a line a threshold."""
    lines = [f"{archive.provenance['name']}: plans of {RESAMPLED} on resampled calibration samples"]
    for objective in objectives:
        lines += ["", f"Objective {objective}", "", *grid.lines(_columns(archive, objective))]
    legend = (
        "Alike: the mean over ops of the share of resamples with the op in the plan's format. "
        f"Unsettled: ops that more than {UNSETTLED:.0%} of the resamples lower and more than "
        f"{UNSETTLED:.0%} do not. Gains: of the plan, and of the resamples' plans the median "
        "[2.5–97.5 %], as they counted when plans were chosen."
    )
    return "\n".join([*lines, "", *textwrap.wrap(legend, WIDTH)]) + "\n"


def _columns(archive: Archive, objective: str) -> list[grid.Column]:
    found = stability_of(archive, objective)
    factor, unit = gain_scale(archive, objective)
    plans = archive.plans.get((objective, RESAMPLED))
    heads = ("τ, %", "resamples", "% alike", "unsettled", "plan", "resampled")
    groups = ("allowed", "", "", "ops", f"{unit} saved by", f"{unit} saved by")
    cells: list[tuple[str, ...]] = []
    for row, threshold in enumerate(found.threshold):
        point = None if plans is None else plans.point(threshold)
        gain = alike = None
        if plans is not None and point is not None:
            gain = float(plans.gain[point, 0])
            alike = agreement(archive, plans, threshold, plans.assignment[point, 0])
        unsettled = num_unsettled(archive, objective, threshold)
        cells.append(
            (
                significant(threshold, 3, 100),
                str(found.resamples[row]),
                significant(alike, 3, 100),
                DASH if unsettled is None else str(unsettled),
                significant(gain, 3, factor),
                interval(found.gain[row] if found.resamples[row] else None, factor),
            )
        )
    columns = zip(groups, heads, zip(*cells, strict=True), strict=True)
    return [grid.Column(group, head, list(column)) for group, head, column in columns]


def finding(archive: Archive, objective: str) -> str:
    """How stable the plans of an objective are, in a sentence."""
    found = archive.stability[objective]
    counts = [
        count
        for count in (num_unsettled(archive, objective, tau) for tau in found.threshold)
        if count is not None
    ]
    if not counts:
        return f"For {objective} no resample has a plan."
    solved = sorted(set(found.resamples.tolist()))
    number = str(solved[-1]) if len(solved) == 1 else f"{solved[0]} to {solved[-1]}"
    return (
        f"For {objective}, on {number} resamples of the calibration samples, "
        f"{np.median(counts):g} of {len(archive.ops)} ops are unsettled at the "
        f"median threshold and {max(counts)} at most: more than {UNSETTLED:.0%} of the resamples' "
        f"plans lower the op and more than {UNSETTLED:.0%} do not."
    )
