"""Measured over predicted loss errors of every plan of some archives, by loss model.

compare.py ARCHIVE...   prints a table a point and noise, and one over all of them
"""

import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gainsweep_analysis import archive as archives
from gainsweep_analysis.statistics import measured_tau

WITHIN = (0.7, 1.4)  # of measured over predicted mean square


@dataclass(frozen=True)
class Case:
    """One evaluated plan under one loss model."""

    ratio: float  # measured over predicted mean square
    inside: bool  # the measured τ lies in the predicted interval
    meets: bool  # the two intervals meet
    tau: float


def cases(archive, largest):
    """By loss model, of the plans that the spec's own predicts within the largest τ."""
    noise, own = (archive.spec["solve"][name] for name in ("noise", "loss_model"))
    baseline = archive.baseline.loss
    found = defaultdict(list)
    for (of_noise, model), predictions in archive.predictions.items():
        if of_noise != noise:
            continue
        for key, predicted in predictions.items():
            if archive.predictions[noise, own][key].value > largest:
                continue
            measured = measured_tau(archive.evaluations[key].loss, baseline)
            found[model].append(
                Case(
                    (measured.value / predicted.value) ** 2,
                    predicted.low <= measured.value <= predicted.high,
                    predicted.low <= measured.high and measured.low <= predicted.high,
                    measured.value,
                )
            )
    return found


def line(name, model, found):
    ratios = np.array([case.ratio for case in found])
    share = np.mean((ratios >= WITHIN[0]) & (ratios <= WITHIN[1]))
    low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
    inside, meets = (
        np.mean([getattr(case, what) for case in found]) for what in ("inside", "meets")
    )
    return (
        f"| {name} | {model} | {len(found)} | {100 * share:.0f} | {middle:.2f} "
        f"({low:.2f}–{high:.2f}) | {100 * inside:.0f} | {100 * meets:.0f} |"
    )


def main(largest, paths):
    print(
        "| setting | loss model | plans | within 0.7–1.4, % | ratio: median (5–95 %) "
        "| measured inside the interval, % | intervals meet, % |"
    )
    print("|---|---|---|---|---|---|---|")
    total = defaultdict(list)
    for path in paths:
        sweep = archives.read_sweep(path)
        for point in sweep.points:
            archive = sweep.at(point)
            name = f"{archive.provenance['name']}, {' + '.join(archive.low)}"
            for model, found in cases(archive, largest).items():
                print(line(name, model, found))
                total[model] += found
    for model, found in total.items():
        print(line("all", model, found))


if __name__ == "__main__":
    main(float(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]])
