"""What strategies of an archive agree on, and who is closer to the model at equal savings.

compare.py ARCHIVE [OBJECTIVE]: of every point, rank correlations between scores, and the divergence
of each strategy's plans over that of `ip` at the same savings (its plans interpolated, both axes
as they are drawn: savings linear, divergence by its logarithm).
"""

import sys
from pathlib import Path

import numpy as np
from gainsweep_analysis import archive, strategies
from gainsweep_analysis.tables import both, select

LOW = 1e-9  # of a divergence that is 0


def singles(found, tables):
    """Scores by what was measured of each op alone, [op, low format]; NaN where it was not."""
    measured = {
        tuple(assignment): own
        for table in both(tables, "evaluations/search")
        for assignment, *own in table.rows("assignment", "loss", "divergence", "noise")
    }
    ops, lows = len(found.ops), len(found.low)
    high, *_ = measured[(0,) * ops]
    scores = {name: np.full((ops, lows), np.nan) for name in ("single_loss", "single_kl", "sqnr")}
    for op, low in np.ndindex(ops, lows):
        assignment = [0] * ops
        assignment[op] = low + 1
        if tuple(assignment) not in measured:
            continue
        loss, divergence, noise = measured[tuple(assignment)]
        scores["single_loss"][op, low] = np.mean(loss - high)
        scores["single_kl"][op, low] = np.mean(divergence)
        scores["sqnr"][op, low] = np.mean(10 * np.log10(noise))
    return scores


def ranks(values):
    return np.array([np.mean(np.flatnonzero(np.sort(values) == value)) for value in values])


def correlation(a, b):
    known = np.isfinite(a) & np.isfinite(b)
    return np.corrcoef(ranks(a[known]), ranks(b[known]))[0, 1]


def tell_correlations(found, tables):
    errors = found.loss_errors[found.spec["solve"]["noise"]][:, 1:]
    scores = {"first_order": errors, **singles(found, tables)}
    names = list(scores)
    print("| rank correlation | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 1) + "|")
    for a in names:
        cells = (f"{correlation(scores[a].ravel(), scores[b].ravel()):.2f}" for b in names)
        print(f"| `{a}` | " + " | ".join(cells) + " |")
    print()


def tell_ratios(found, objective):
    rows = strategies.rows(found, objective)
    own = sorted((r.plan.gain_share, r.plan.divergence.value) for r in rows["ip"])
    gains, divergences = np.array(own).T
    for name, listed in rows.items():
        if name == "ip":
            continue
        ratios = {}
        for row in listed:
            gain = row.plan.gain_share
            if not gains[0] <= gain <= gains[-1] or not row.plan.assignment.any():
                continue
            expected = np.exp(np.interp(gain, gains, np.log(np.maximum(divergences, LOW))))
            ratios[round(100 * gain, 1)] = row.plan.divergence.value / expected
        said = ", ".join(f"{ratio:.2f} at {gain} %" for gain, ratio in sorted(ratios.items()))
        print(f"{name}: KL over that of ip {said or 'at no common savings'}")


def main():
    path, objective = Path(sys.argv[1]), (sys.argv[2:] or ["macs"])[0]
    sweep = archive.read_sweep(path)
    for point in sweep.points:
        found = sweep.at(point)
        print(f"\n## {point.label or found.provenance['name']}\n")
        tell_correlations(found, select(sweep.tables, point.number))
        tell_ratios(found, objective)


if __name__ == "__main__":
    main()
