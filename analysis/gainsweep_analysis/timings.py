"""How far the measured times can be trusted."""

import numpy as np

from .contents import Archive
from .statistics import time_saved


def wide_intervals(archive: Archive) -> tuple[int, int]:
    """Of the timed configurations, how many have an interval wider than the spec's
    `latency.precision` of the all-high time, and how many there are."""
    precision = float(archive.spec["latency"]["precision"])
    wide = total = 0
    for timing in archive.timings:
        allowed = precision * np.median(timing.seconds[:, 0])
        for place in range(1, timing.seconds.shape[1]):
            saved = time_saved(timing.seconds, place)
            total += 1
            wide += not saved.high - saved.low <= allowed
    return wide, total


def warning(archive: Archive) -> str | None:
    """A sentence where times are less precise than the spec asked for."""
    wide, total = wide_intervals(archive)
    if not wide:
        return None
    precision = float(archive.spec["latency"]["precision"])
    return (
        f"Times are noisy: the intervals of {wide} of {total} timed configurations are wider than "
        f"the {precision:.2g} of a run that latency.precision asks for. Other work on the machine "
        "does this; gains in time, and plans made from them, may follow the noise."
    )
