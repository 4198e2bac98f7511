"""Synthetic archives, each written once a session."""

from dataclasses import dataclass
from pathlib import Path

import asked
import pytest
import synthetic
from gainsweep_analysis import archive
from gainsweep_analysis.contents import Archive

RECIPES = {
    "whole": synthetic.Recipe(),
    "formats": synthetic.Recipe(low=("int8", "fp8_e4m3", "fp8_e5m2"), loss_model="first_order"),
    "no_time": synthetic.Recipe(objectives=("macs", "memory")),
    "no_evaluation": synthetic.Recipe(evaluated=0),
    "failures": synthetic.Recipe(failures=2),
    "prefix_only": synthetic.Recipe(strategies=("prefix",), frontier=False),
    "alone": synthetic.Recipe(scope="subgraph", evaluated=0),
    "resampled": synthetic.Recipe(low=("int8", "fp8_e4m3"), resamples=40),
    "given": synthetic.Recipe(given=("ModelOpt, 4.5 bits", "by <hand>")),
    "twelve": synthetic.Recipe(
        layers=12, samples=3, evaluated=0, frontier=False, objectives=("macs",), strategies=("ip",)
    ),
    "slow_card": synthetic.Recipe(noise=1e-5, held_back=3),
    "budgets": synthetic.Recipe(low=("int8", "fp8_e4m3"), budgets=(8.5, 10.0, 16.0)),
    "tasks": synthetic.Recipe(
        tasks=tuple(asked.TASKS), given=("by <hand> & 4_bits",), budgets=(9.0, 12.0)
    ),
    "rivals": synthetic.Recipe(
        evaluated=40,
        strategies=("ip", "prefix", "amp"),
        evaluated_strategies=("ip", "amp"),
        reliabilities=(("amp", 0.31),),
    ),
    "one_sample": synthetic.Recipe(samples=1, evaluated=1, blocks=1, rounds=1),
}

DEEP = synthetic.Recipe(
    layers=32,
    low=("int8", "fp8_e4m3"),
    samples=3,
    evaluated=0,
    frontier=False,
    objectives=("memory",),
    strategies=("ip",),
)


@dataclass(frozen=True)
class Case:
    path: Path
    run: synthetic.Run
    archive: Archive


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    """A synthetic archive by the name of its recipe."""
    written = {}

    def case(name: str) -> Case:
        if name not in written:
            path = tmp_path_factory.mktemp(name) / "archive.h5"
            run = synthetic.write(path, (RECIPES | {"deep": DEEP})[name])
            written[name] = Case(path, run, archive.read(path))
        return written[name]

    return case
