"""How good a model and plans of it are, in the words of its kind: perplexity, or loss and hits."""

import numpy as np

from . import grid
from .contents import Archive
from .notation import fixed, interval, significant
from .plans import PlanRow
from .statistics import Estimate, perplexity


def quality(archive: Archive, losses: np.ndarray, digits: int) -> str:
    """How good the model is by the losses of samples, in the words of its kind."""
    if archive.is_exported:
        return f"mean loss {significant(losses.mean(), 4)} nat"
    return f"perplexity {fixed(perplexity(losses), digits)}"


def hit_columns(archive: Archive, found: list[PlanRow], wide: bool) -> list[grid.Column]:
    """How often plans are right, and as all-high: of classifiers, and of others on a page."""
    if not (wide or archive.is_exported):
        return []

    def text(estimate: Estimate | None) -> str:
        if wide or estimate is None:
            return interval(estimate, 100)
        return significant(estimate.value, 3, 100)

    group = "right, %"
    columns = [
        grid.Column("alike,", "%", [text(row.alike) for row in found]),
        grid.Column(group, "top 1", [text(row.top1) for row in found]),
        grid.Column(group, "change", [interval(row.top1_change, 100) for row in found]),
    ]
    if wide:
        columns += [
            grid.Column(group, "top 5", [text(row.top5) for row in found]),
            grid.Column(group, "its change", [text(row.top5_change) for row in found]),
        ]
    return columns


def quality_column(archive: Archive, found: list[PlanRow]) -> grid.Column:
    """Perplexity says nothing of a model that predicts once a sample."""
    if archive.is_exported:
        return grid.Column("loss,", "nat", [significant(row.loss, 4) for row in found])
    return grid.Column("perplex-", "ity", [fixed(row.perplexity, 3) for row in found])


def hits_note(archive: Archive) -> str:
    """What the columns of hits are, for a legend; empty where there are none."""
    if not archive.is_exported or archive.baseline is None:
        return ""
    text = "Alike: part of the predictions whose likeliest class is that of the model as stored. "
    if archive.baseline.top1 is None:
        return text
    right = significant(archive.baseline.top1.mean(), 3, 100)
    return text + (
        f"Right: part whose likeliest class is the label, {right} % of the model as stored, and "
        "what a plan changes of it on the same samples. "
    )
