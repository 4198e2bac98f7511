"""Which strategy is closer to the model at equal savings.

compare.py ARCHIVE [OBJECTIVE]: of every point the divergence of each strategy's plans over that of
`ip` at the same savings (its plans interpolated, both axes as they are drawn: savings linear,
divergence by its logarithm).
"""

import sys
from pathlib import Path

import numpy as np
from gainsweep_analysis import archive, strategies

LOW = 1e-9  # of a divergence that is 0


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
        tell_ratios(found, objective)


if __name__ == "__main__":
    main()
