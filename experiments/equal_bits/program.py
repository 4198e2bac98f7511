"""This program: its exact plans at budgets of bits, plan files, and what it measures of plans."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import gainsweep_analysis as analysis
from bits import mean_bits
from by_rule import Groups
from gainsweep_analysis.contents import Archive
from plan_files import Named, plan_of
from processes import measured
from settings import BUDGETS, EVALUATION, HIGH, LENGTH, NOISES


def spec(
    model: Path, menu: Sequence[str], samples: int, threads: int, plans: Sequence[Path] = ()
) -> dict:
    """Without files of plans what makes plans alone, under each noise; anchors are for
    predictions."""
    evaluate = {"samples": EVALUATION if plans else 1, "strategies": [], "time": False}
    if plans:
        more = {"evaluate": evaluate | {"plans": [str(path) for path in plans]}}
    else:
        noises = list(NOISES.values())
        more = {"evaluate": evaluate, "sweep": {"product": {"solve.noise": noises}}}
    return {
        "schema": 2,
        "name": "equal_bits",
        "threads": threads,
        "model": {"checkpoint": str(model)},
        "calibration": {
            "tokens": str(model / "tokens.h5"),
            "samples": samples,
            "scale_samples": min(samples, 8),
            "length": LENGTH,
        },
        "formats": {"high": HIGH, "low": list(menu)},
        "partition": {"fused": "all"},
        "sensitivity": {"precision": "fp32", "anchor_samples": 0},
        "solve": {
            "objectives": ["memory"],
            "thresholds": [0.01],
            "loss_model": "first_order",
            "budgets": {"bits": list(BUDGETS)},
            "strategies": ["ip"],
            "frontier": False,
        },
        **more,
    }


def run(program: Path, described: dict, folder: Path, threads: int) -> dict[str, float]:
    """Runs a spec into a folder; what it took."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.with_suffix(".yaml")
    path.write_text(json.dumps(described, indent=1))
    command = [program, "run", path, "--out", folder]
    return measured(command, folder.with_suffix(".log"), threads)


def archive(folder: Path) -> Archive:
    """Of a run without a sweep, or its first point."""
    sweep = analysis.open(folder)
    return sweep.at(sweep.points[0])


def plans(folder: Path, groups: Groups) -> list[Named]:
    """The plan of least loss error at each budget that has one, by noise. ValueError where the
    program's count of its bits is not the one of all tools."""
    sweep = analysis.open(folder)
    named = []
    for name, point in zip(NOISES, sweep.points, strict=True):
        made = sweep.at(point)
        found = made.budgets["bits"]
        for place, budget in enumerate(found.threshold):
            plan = plan_of(made, found.assignment[place, 0])
            taken, counted = float(found.taken[place, 0]), mean_bits(groups, plan)
            if not math.isclose(taken, counted, rel_tol=1e-9):
                raise ValueError(f"{folder}: {taken} bits by the program, {counted} by bits.py")
            named.append(Named(name, float(budget), 0, plan))
    return named
