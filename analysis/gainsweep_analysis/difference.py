"""How the evaluations of two plans differ, sample by sample."""

from dataclasses import dataclass

import numpy as np

from .contents import Archive, Evaluation
from .seal import ArchiveError
from .statistics import RESAMPLES, Estimate, bootstrap, mean


@dataclass(frozen=True)
class Difference:
    """The second plan's numbers less the first's; below 0 the second is better. Intervals are
    paired: the same samples are drawn again for both plans, so that what makes a sample hard for
    every plan cancels. One that does not hold 0 tells the plans apart."""

    samples: int
    loss_mse: Estimate  # of mean (g_plan − g_high)², nat²
    loss: Estimate  # of the mean loss, nat
    divergence: Estimate | None  # of the mean KL(all-high‖plan), nat; None without class scores


def difference(
    first: Evaluation,
    second: Evaluation,
    high: Evaluation,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Difference:
    """What two plans measured on the same samples differ by, `high` being all-high's evaluation
    there. The evaluations may be of several archives, as long as their samples are the same.
    ArchiveError where a loss is missing, or numbers of samples differ."""
    losses = [_loss(evaluation) for evaluation in (first, second, high)]
    if len({len(loss) for loss in losses}) > 1:
        counts = ", ".join(str(len(loss)) for loss in losses)
        raise ArchiveError(
            f"evaluations of {counts} samples (the plans, all-high) are not of the same ones. "
            "Compare plans that were evaluated on one set of samples."
        )

    def paired(one: np.ndarray, other: np.ndarray) -> Estimate:
        return bootstrap(mean, other - one, resamples=resamples, seed=seed)

    base = losses[2]
    squares = [(loss - base) ** 2 for loss in losses[:2]]
    shown = first.divergence is not None and second.divergence is not None
    return Difference(
        samples=len(base),
        loss_mse=paired(*squares),
        loss=paired(*losses[:2]),
        divergence=paired(first.divergence, second.divergence) if shown else None,
    )


def difference_of(
    archive: Archive, first: str, second: str, resamples: int = RESAMPLES, seed: int = 0
) -> Difference:
    """The same of two evaluated plans of an archive by assignment key (`Plans.assignment_key`).
    ArchiveError for a plan that was not evaluated."""
    for key in (first, second):
        if key not in archive.evaluations:
            raise ArchiveError(
                f"{archive.path}: the plan {key[:12]} was not evaluated. Name it in "
                "evaluate.plans, or its strategy in evaluate.strategies."
            )
    if archive.baseline is None:
        raise ArchiveError(f"{archive.path}: the all-high model was not evaluated.")
    plans = (archive.evaluations[key] for key in (first, second))
    return difference(*plans, archive.baseline, resamples=resamples, seed=seed)


def _loss(evaluation: Evaluation) -> np.ndarray:
    if evaluation.loss is None:
        raise ArchiveError(f"the plan {evaluation.key[:12]} has times alone, no losses.")
    return evaluation.loss
