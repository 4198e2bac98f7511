"""What was measured of plans, whoever measured: per sample, with intervals, paired with ours."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import program
from gainsweep_analysis.exports import assignment_key
from gainsweep_analysis.statistics import Estimate, bootstrap, mean
from plan_files import assignment
from settings import BUDGETS, OURS, TITLES, TOOLS


@dataclass(frozen=True)
class Samples:
    """Per evaluation sample: squared change of the loss (nat²), KL(high ‖ plan) a token (nat), and
    the loss (nat a token)."""

    squares: np.ndarray
    divergence: np.ndarray
    loss: np.ndarray


@dataclass(frozen=True)
class Row:
    """One tool at one budget, as one evaluator sees it; `over` is its number less ours."""

    model: str
    menu: str
    evaluator: str
    tool: str
    budget: float
    bits: float
    loss_mse: Estimate
    divergence: Estimate
    perplexity: Estimate
    high_perplexity: float
    mse_over: Estimate
    divergence_over: Estimate


def rows(folder: Path) -> list[Row]:
    """Of a folder MODEL/MENU that compare.py filled."""
    named = json.loads((folder / "named.json").read_text())
    found = []
    for evaluator, (high, samples) in _evaluators(folder, named).items():
        for budget in BUDGETS:
            ours = _of(named, samples, OURS, budget)
            for tool in TITLES:
                theirs = _of(named, samples, tool, budget)
                if ours is not None and theirs is not None:
                    found.append(_row(folder, evaluator, tool, budget, high, theirs, ours))
    return found


def _row(
    folder: Path,
    evaluator: str,
    tool: str,
    budget: float,
    high: np.ndarray,
    theirs: tuple[float, Samples],
    ours: tuple[float, Samples],
) -> Row:
    bits, own = theirs
    base = ours[1]
    return Row(
        folder.parent.name,
        folder.name,
        evaluator,
        tool,
        budget,
        bits,
        bootstrap(mean, own.squares),
        bootstrap(mean, own.divergence),
        bootstrap(lambda loss: np.exp(mean(loss)), own.loss),
        float(np.exp(high.mean())),
        bootstrap(mean, own.squares - base.squares),
        bootstrap(mean, own.divergence - base.divergence),
    )


def _of(
    named: dict, samples: dict[str, Samples], tool: str, budget: float
) -> tuple[float, Samples] | None:
    """The mean bits and the samples of a tool's plan, or the means over its draws; None without."""
    stems = [
        stem for stem, fact in named.items() if fact["tool"] == tool and fact["budget"] == budget
    ]
    if not stems or not all(named[stem]["evaluated_as"] in samples for stem in stems):
        return None
    fields = (
        np.mean([getattr(samples[named[stem]["evaluated_as"]], field) for stem in stems], axis=0)
        for field in ("squares", "divergence", "loss")
    )
    return float(np.mean([named[stem]["bits"] for stem in stems])), Samples(*fields)


def _evaluators(folder: Path, named: dict) -> dict[str, tuple[np.ndarray, dict[str, Samples]]]:
    """The losses of the high model and the samples of each plan."""
    found = {OURS: _by_program(folder / "losses" / OURS, named)}
    for name in TOOLS:
        path = folder / "losses" / f"{name}.json"
        if path.exists():
            found[name] = _by_tool(json.loads(path.read_text()))
    return found


def _samples(loss: Iterable[float], divergence: Iterable[float], high: np.ndarray) -> Samples:
    loss, divergence = np.asarray(loss), np.asarray(divergence)
    return Samples((loss - high) ** 2, divergence, loss)


def _by_tool(answer: dict) -> tuple[np.ndarray, dict[str, Samples]]:
    high = np.asarray(answer["high"])
    return high, {
        stem: _samples(found["losses"], found["divergences"], high)
        for stem, found in answer["plans"].items()
    }


def _by_program(folder: Path, named: dict) -> tuple[np.ndarray, dict[str, Samples]]:
    archive = program.archive(folder)
    high = archive.baseline.loss
    found = {}
    for stem, fact in named.items():
        if fact["evaluated_as"] != stem:
            continue
        key = assignment_key(archive, np.asarray(assignment(archive, fact["plan"])))
        evaluation = archive.evaluations[key]
        found[stem] = _samples(evaluation.loss, evaluation.divergence, high)
    return high, found
