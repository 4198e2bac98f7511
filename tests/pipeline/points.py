"""A point of a sweep beside its own run."""

import h5py
import numpy as np
from gainsweep_analysis import tables


def point_differences(sweep, number, own):
    """What tells a point of a sweep's archive from the archive of its own run, a line each; times
    and all else below /measured included, what describes the machine or its job aside."""

    def read(path, point):
        with h5py.File(path) as file:
            found = tables.read_tables(file)
        provenance = tables.points(found)[point].provenance
        return provenance, tables.select(found, point)

    (provenance, found), (own_provenance, expected) = read(sweep, number), read(own, 0)
    lines = [f"points/{n}" for n in provenance if provenance[n] != own_provenance[n]]
    for path in sorted((found.keys() | expected.keys()) - {"measured/usage"}):
        if path not in found or path not in expected:
            lines.append(f"{path}: only {'at the point' if path in found else 'in its own run'}")
            continue
        if found[path].units != expected[path].units:
            lines.append(f"{path}: other fields or units")
            continue
        for name, values in expected[path].columns.items():
            other = found[path][name]
            if values.shape != other.shape or not np.array_equal(other, values):
                lines.append(f"{path}/{name}: {other.tolist()} instead of {values.tolist()}"[:400])
    return lines
