"""The nearest plan that a runtime's file can say: what it keeps high, and what that costs."""

import math
from dataclasses import dataclass

from ..contents import Archive, Format
from ..exports import ROUNDING, Chosen, loss_errors_of
from ..notation import significant
from ..seal import ArchiveError
from ..table import gain_scale
from .layers import effective
from .limits import Abilities, Problem, problems

MOST_NAMED = 12


@dataclass(frozen=True)
class Worth:
    """What the archive's tables predict of a plan; None where they do not have it."""

    loss_error: float | None  # nat²
    tau: float | None
    gain: int | None  # in units of the objective
    taken: float | None  # of the resource that the plan has a budget of, in its units


def nearest(archive: Archive, formats: list[Format], able: Abilities) -> list[Format]:
    """The plan with every op of a problem high, and again until there is no problem: no loss error
    becomes larger."""
    raised = list(formats)
    while found := problems(archive, raised, able):
        for place in {op for problem in found for op in problem.ops}:
            raised[place] = archive.formats[0]
    return raised


def worth(chosen: Chosen, formats: list[Format]) -> Worth:
    """Of a plan with the formats at hand, under the chosen plan's loss model."""
    archive, plans, place = chosen.archive, chosen.plans, chosen.place
    errors = loss_errors_of(archive, [archive.formats.index(format_) for format_ in formats])
    loss_error = None if None in errors else math.fsum(errors)
    gain = _gain(archive, plans.objective, formats)
    taken = None
    if plans.resource and gain is not None and plans.gain[place, 0]:
        all_high = archive.resources[plans.resource].whole
        saved = all_high - float(plans.taken[place, 0])
        taken = all_high - saved * gain / int(plans.gain[place, 0])
    return Worth(loss_error, _tau(chosen, loss_error), gain, taken)


def _tau(chosen: Chosen, loss_error: float | None) -> float | None:
    """Mean squares are D + (βD)² in every loss model; the chosen plan's own tells what β is."""
    plans, place = chosen.plans, chosen.place
    own, mean_square = float(plans.loss_error[place, 0]), float(plans.predicted_mse[place, 0])
    if loss_error is None:
        return None
    if not math.isfinite(own) or own <= 0:
        return 0.0 if loss_error == 0 else None
    squared_rate = max(0.0, mean_square - own) / own**2
    return math.sqrt((loss_error + squared_rate * loss_error**2) / chosen.archive.mean_square_loss)


def _gain(archive: Archive, objective: str, formats: list[Format]) -> int | None:
    if objective not in archive.gains:
        return None
    total = 0
    for subgraph, gains in zip(archive.subgraphs, archive.gains[objective], strict=True):
        gain = gains.get(tuple(formats[op].name for op in subgraph.ops))
        if gain is None:
            return None
        total += gain
    return total


def refuse(chosen: Chosen, formats: list[Format], able: Abilities, target: str) -> None:
    """ArchiveError with every problem, its ops and a way out, and what the nearest plan is worth,
    where there is any problem."""
    found = problems(chosen.archive, formats, able)
    if not found:
        return
    archive = chosen.archive
    lines = [f"{archive.path}: {target} cannot say this plan:"]
    lines += [f"  {_described(archive, problem)}" for problem in found]
    changes = price(chosen, nearest(archive, formats, able))
    lines += [
        "  --nearest writes the nearest plan that it can say; one solved for it may gain more:",
        *[f"  {change}" for change in changes],
    ]
    raise ArchiveError("\n".join(lines))


def _described(archive: Archive, problem: Problem) -> str:
    return f"{problem.what}: {_named(archive, problem.ops)}. {problem.instead}."


def _named(archive: Archive, ops: tuple[int, ...]) -> str:
    paths = [archive.ops[op].path for op in ops]
    more = f" and {len(paths) - MOST_NAMED} others" if len(paths) > MOST_NAMED else ""
    return ", ".join(paths[:MOST_NAMED]) + more


def price(chosen: Chosen, after: list[Format]) -> list[str]:
    """What changed, with predicted loss error and gain of both plans and whether the plan's limit
    still holds; nothing where nothing changed."""
    archive, before = chosen.archive, effective(chosen.archive, chosen.formats)
    changed = tuple(
        place for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new
    )
    if not changed:
        return []
    old, new = worth(chosen, chosen.formats), worth(chosen, after)
    figures = []
    if old.tau is not None and new.tau is not None:
        figures.append(f"loss error τ {_both(old.tau, new.tau, 100)} %")
    if old.gain is not None and new.gain is not None:
        factor, unit = gain_scale(archive, chosen.plans.objective)
        figures.append(f"gain {_both(old.gain, new.gain, factor)} {unit}")
    if old.loss_error is not None and new.loss_error is not None:
        figures.append(f"sum of loss errors {_both(old.loss_error, new.loss_error)} nat²")
    lines = [f"{len(changed)} ops stay high: {_named(archive, changed)}"]
    if figures:
        lines.append("predicted: " + ", ".join(figures))
    return lines + _limit(chosen, new)


def _both(old: float, new: float, factor: float = 1) -> str:
    return f"{significant(old, 3, factor)} → {significant(new, 3, factor)}"


def _limit(chosen: Chosen, new: Worth) -> list[str]:
    """Whether what the plan may take is kept: loss errors, or a resource."""
    plans, place = chosen.plans, chosen.place
    if plans.resource:
        what, units = (
            f"it takes of {plans.resource}",
            chosen.archive.resources[plans.resource].units,
        )
        allowed, taken = float(plans.threshold[place]), new.taken
    else:
        what, units = "its loss errors are", "nat²"
        allowed, taken = float(plans.budget[place]), new.loss_error
    if taken is None or not math.isfinite(allowed):
        return []
    is_within = taken <= allowed * (1 + ROUNDING)
    return [
        f"{what} {significant(taken, 4)} {units}, {'within' if is_within else 'MORE than'} the "
        f"budget of {significant(allowed, 4)}"
    ]
