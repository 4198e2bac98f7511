"""What strategies measured while they searched, and how far scores of ops agree."""

from dataclasses import dataclass

import numpy as np

from .contents import Archive, Searched

FIRST_ORDER = "first_order"


@dataclass(frozen=True)
class Agreement:
    """Spearman's rank correlations between scores over ops and their low formats."""

    names: list[str]
    correlations: np.ndarray  # [name, name], NaN where fewer than two places have both


def agreement(archive: Archive) -> Agreement | None:
    """Of the scores that were measured and of loss errors; None where no op was measured alone."""
    found = scores(archive)
    if not np.isfinite(found["single_kl"]).any():
        return None
    names = list(found)
    ranked = [[_correlation(found[a], found[b]) for b in names] for a in names]
    return Agreement(names, np.array(ranked))


def scores(archive: Archive) -> dict[str, np.ndarray]:
    """By name, [lowered together, low format]: the larger, the more lowering them alone changes;
    NaN where it was not measured."""
    groups = _groups(archive)
    errors = archive.loss_errors[archive.spec["solve"]["noise"]]
    found = {FIRST_ORDER: np.array([errors[ops, 1:].sum(axis=0) for ops in groups])}
    high = archive.searched.get((0,) * len(archive.ops))
    for name, score in _SCORES.items():
        found[name] = np.full((len(groups), len(archive.low)), np.nan)
        for place, low in np.ndindex(found[name].shape):
            assignment = np.zeros(len(archive.ops), int)
            assignment[groups[place]] = low + 1
            alone = archive.searched.get(tuple(map(int, assignment)))
            if alone is not None and high is not None:
                found[name][place, low] = score(alone, high)
    return found


def _groups(archive: Archive) -> list[list[int]]:
    """Ops that are lowered together."""
    groups: dict[tuple[int, int], list[int]] = {}
    for place, op in enumerate(archive.ops):
        groups.setdefault((op.subgraph, op.tie), []).append(place)
    return list(groups.values())


def _added_loss(alone: Searched, high: Searched) -> float:
    return float(np.mean(alone.loss - high.loss))


def _divergence(alone: Searched, high: Searched) -> float:
    return float(np.mean(alone.divergence))


def _noise(alone: Searched, high: Searched) -> float:
    with np.errstate(divide="ignore"):
        return float(np.mean(10 * np.log10(alone.noise)))


_SCORES = {"single_loss": _added_loss, "single_kl": _divergence, "sqnr": _noise}


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    known = ~(np.isnan(a) | np.isnan(b))
    ranks = [_ranks(values[known]) for values in (a, b)]
    if known.sum() < 2 or any(np.ptp(own) == 0 for own in ranks):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Of equal values their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends - 1) / 2)[places]
