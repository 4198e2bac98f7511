"""Log-likelihoods of the all-high model in an archive against those of lm-evaluation-harness.

compare.py ARCHIVE GOLDENS.json"""

import json
import sys
from pathlib import Path

import gainsweep_analysis as gainsweep
import numpy as np


def main(archive: Path, goldens: Path) -> None:
    wanted = json.loads(goldens.read_text())["bos_auto"]
    for task in gainsweep.read(archive).tasks:
        listed = wanted[task.name]["per_item"]
        found = task.baseline
        if task.kind == "rolling":  # sums of a document's windows
            own, other = np.bincount(task.item, found.loglikelihood), np.ravel(listed)
            greedy = "no greedy flags"
        else:
            flat = [request for item in listed for request in item]
            own, other = found.loglikelihood, np.array([likelihood for likelihood, _ in flat])
            differing = np.sum(found.greedy != np.array([is_greedy for _, is_greedy in flat]))
            greedy = f"{differing} of {len(flat)} greedy flags differ"
        apart = np.abs(own - other)
        allowed = apart / (1e-4 + 1e-6 * np.abs(other))
        print(
            f"{task.name}: {len(own)} log-likelihoods, largest difference {apart.max():.2g} nat, "
            f"{allowed.max():.2g} of the tolerance 1e-4 + 1e-6·|ll|; {greedy}"
        )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
