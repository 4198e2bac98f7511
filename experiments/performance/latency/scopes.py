"""What each configuration saves in scope `model` and in scope `subgraph`, side by side.

scopes.py ARCHIVE_OF_MODEL ARCHIVE_OF_SUBGRAPH: two archives of one spec, `latency.scope` aside.
Prints the percentages of an all-high run that the members of a class save together, and the sums
over classes of the best of each.
"""

import sys

import h5py
import numpy as np


def savings(path: str) -> dict[tuple[str, str], float]:
    """By sub-graph class and configuration, in percent of an all-high run."""
    found = {}
    with h5py.File(path) as archive:
        about = archive["timed_configurations"]
        members_of = np.bincount(archive["subgraphs/class"][()])
        columns = [about[name].asstr()[()] for name in ("table", "subgraph", "formats")]
        numbers = [about[name][()] for name in ("configuration", "members")]
        for table, subgraph, formats, place, lowered in zip(*columns, *numbers, strict=True):
            timed = archive["measured"][table]
            seconds = timed["seconds"][()].reshape(-1, timed["seconds"].shape[-1])
            high = seconds[:, 0]
            whole = timed["whole_seconds"][()].ravel() if "whole_seconds" in timed else high
            members = members_of[int(table.rsplit("_", 1)[1])]
            part = np.median((high - seconds[:, place]) / whole) * members / lowered
            found[subgraph, formats] = 100 * part
    return found


def best(found: dict[tuple[str, str], float]) -> float:
    by_class: dict[str, float] = {}
    for (subgraph, _), saved in found.items():
        by_class[subgraph] = max(saved, by_class.get(subgraph, 0))
    return sum(by_class.values())


def main() -> None:
    model, subgraph = (savings(path) for path in sys.argv[1:3])
    for (name, formats), saved in model.items():
        print(f"{name:36.36} {formats:30} {saved:7.2f} % {subgraph[name, formats]:7.2f} %")
    print(f"best of each class                                                  "
          f"{best(model):7.2f} % {best(subgraph):7.2f} %")  # fmt: skip


if __name__ == "__main__":
    main()
