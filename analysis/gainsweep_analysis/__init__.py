"""Reads the archive of a gainsweep run: tables, figures, report.

`open(path)` is the way in for programs of your own; README.md has an example.
"""

from .archive import Sweep, read
from .archive import read_sweep as open
from .contents import (
    Archive,
    Evaluation,
    Failure,
    Format,
    Frontier,
    GivenPlan,
    Number,
    Objective,
    Op,
    Operand,
    Plans,
    Resource,
    Scores,
    Stability,
    Subgraph,
    Timing,
)
from .difference import Difference, difference, difference_of
from .seal import ArchiveError
from .tables import Point

__all__ = [
    "Archive",
    "ArchiveError",
    "Difference",
    "Evaluation",
    "Failure",
    "Format",
    "Frontier",
    "GivenPlan",
    "Number",
    "Objective",
    "Op",
    "Operand",
    "Plans",
    "Point",
    "Resource",
    "Scores",
    "Stability",
    "Subgraph",
    "Sweep",
    "Timing",
    "difference",
    "difference_of",
    "open",
    "read",
]
