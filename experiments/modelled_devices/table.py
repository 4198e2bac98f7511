"""What the all-high run takes and what fp8 saves: python table.py DEVICE=ARCHIVE ..."""

import sys

import h5py
import numpy as np


def row(device, path):
    with h5py.File(path) as archive:
        source = archive["time_source"]
        low, high = (1e3 * source[f"baseline_{end}"][0] for end in ("low", "high"))
        gains = archive["gains/time"]
        subgraphs, gain = gains["subgraph"][()], gains["gain"][()]
        best = [
            np.flatnonzero(subgraphs == s)[np.argmax(gain[subgraphs == s])]
            for s in np.unique(subgraphs)
        ]
        saved = [100 * gains[name][()][best].sum() for name in ("saved_low", "saved_high")]
        plans = archive["plans/time/ip"]
        cells = [device, f"{low:.1f}–{high:.1f}", f"{saved[0]:.1f}–{saved[1]:.1f}"]
        for i, threshold in enumerate(plans["threshold"][()]):
            ops = np.count_nonzero(plans["assignment"][i, 0])
            share = 1e-7 * plans["gain"][i, 0]
            cells.append(f"{share:.1f} % with {ops} ops at τ = {100 * threshold:g} %")
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(row(*argument.split("=", 1)))
