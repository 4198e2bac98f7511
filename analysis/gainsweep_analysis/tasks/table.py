"""The tables of tasks as text, CSV, JSON and LaTeX."""

import math
import textwrap
from collections.abc import Iterable
from dataclasses import replace

from .. import grid
from ..contents import Archive, Task
from ..notation import DASH, interval, significant
from ..seal import ArchiveError
from ..statistics import CONFIDENCE
from ..table import WIDTH, estimate_cells
from .comparison import DRAWS, SEED, Pairs, Result, Score
from .metrics import Metric, shown
from .rows import Asked, Group, Line, asked, predicted_square

APART = "*"  # marks what can be told from the all-high model


def checked(archive: Archive, objective: str | None = None) -> Asked:
    """ArchiveError where no task was asked."""
    found = asked(archive, objective)
    if not found.groups:
        why = (
            "none of its plans was asked any" if archive.tasks else "its spec has no evaluate.tasks"
        )
        raise ArchiveError(f"{archive.path}: it has no results of tasks ({why}).")
    return found


def score_text(line: Line, task: Task, metric: Metric) -> str:
    """A metric to four digits, marked where it is apart from the all-high model's."""
    result = line.results.get(task.name)
    if result is None:
        return DASH
    score = result.scores[metric.name]
    shown = _value(score)
    return shown + APART if line.plan is not None and score.is_apart else shown


def _value(score: Score) -> str:
    value = score.value.value * score.metric.factor
    return f"{value:.1f}" if score.metric.is_share else significant(value, 4)


def columns(found: Asked, group: Group) -> list[grid.Column]:
    """Plans by tasks, as tables of models have them."""
    lines = group.lines
    scores = [
        grid.Column(task.name, metric.title, [score_text(line, task, metric) for line in lines])
        for task, metric in found.shown
    ]
    return [*_plan_columns(group), *scores]


def _plan_columns(group: Group) -> list[grid.Column]:
    lines = group.lines
    return [
        grid.Column("allowed,", group.unit, [line.allowed or DASH for line in lines]),
        grid.flush_left("plan", [line.strategy for line in lines]),
        grid.Column("saved,", "%", [significant(line.saved, 3) for line in lines]),
    ]


def task_columns(archive: Archive, group: Group, task: Task) -> list[grid.Column]:
    """How the distinct plans change what tables show of one task."""
    lines = list(_distinct(group, task))
    if not lines:
        return []
    results = [line.results[task.name] for line in lines]
    columns_of = _plan_columns(replace(group, lines=lines))
    for metric in shown(task):
        columns_of += _metric_columns(metric, [result.scores[metric.name] for result in results])
    right = [interval(result.right_change) for result in results]
    columns_of.append(grid.Column("Δll of what", "is right, nat", right))
    if task.kind != "choice":
        rms = "rms of Δll a token, nat"
        predicted = [significant(math.sqrt(predicted_square(archive, line)), 3) for line in lines]
        measured = [_root(result) for result in results]
        columns_of += [
            grid.Column(rms, "predicted", predicted),
            grid.Column(rms, "measured", measured),
        ]
    return grid.without_empty(columns_of)


def _distinct(group: Group, task: Task) -> Iterable[Line]:
    """Lines of a task but the all-high model's, of equal plans the first."""
    seen = set()
    for line in group.lines:
        if line.plan is None or task.name not in line.results:
            continue
        if line.plan.assignment_key not in seen:
            seen.add(line.plan.assignment_key)
            yield line


def _metric_columns(metric: Metric, scores: list[Score]) -> list[grid.Column]:
    changes = [interval(score.difference, metric.factor) for score in scores]
    found = [
        grid.Column(metric.title, "", [_value(score) for score in scores]),
        grid.Column(metric.title, "change", changes),
    ]
    if metric.is_share:
        pairs = [score.pairs for score in scores]
        found += [
            grid.Column(metric.title, "lost, won", [_counts(pair) for pair in pairs]),
            grid.Column(metric.title, "p", [significant(pair.p_value, 2) for pair in pairs]),
            grid.Column(metric.title, "flips", [f"{100 * pair.flipped:.1f}" for pair in pairs]),
        ]
    return found


def _counts(pairs: Pairs) -> str:
    return f"{pairs.only_baseline}, {pairs.only_plan}"


def _root(result: Result) -> str:
    square = result.square_change
    roots = (math.sqrt(max(0.0, bound)) for bound in (square.value, square.low, square.high))
    return interval(type(square)(*roots))


def describe(task: Task) -> str:
    """What was asked, in a line."""
    known = [task.variant, f"{task.dropped} dropped" if task.dropped else ""]
    form = f" ({', '.join(filter(None, known))})" if any(known) else ""
    documents = "documents" if task.kind == "rolling" else "items"
    return (
        f"{task.name}: {len(task.label)} {documents}{form}, "
        f"{len(task.item)} requests of up to {task.length} tokens, {task.shots} shots, "
        f"BOS {task.bos}"
    )


def legend(archive: Archive) -> str:
    high, level = archive.high, f"{CONFIDENCE:.0%}"
    return (
        f"{APART}: differs from {high} beyond chance (shares: exact McNemar test, p < "
        f"{1 - CONFIDENCE:.2g}; others: {level} interval). Changes are from {high} on the same "
        f"items; [low–high]: {level} bootstrap intervals over items, drawn {DRAWS:,} times for "
        f"both at once (seed {SEED}). Lost, won: items that {high} or the plan alone answers "
        "rightly. Flips: % of items with another answer, right or wrong. acc_norm is by "
        "characters, acc_bytes by UTF-8 bytes."
    )


CHANGES = (
    "Rms of Δll a token: root-mean-square change of a request's log-likelihood by scored token, "
    "beside what was predicted for calibration samples: of fewer tokens, as of one last word, it "
    "is larger."
)


def text(archive: Archive, objective: str | None = None) -> str:
    """For a terminal."""
    found, lines = checked(archive, objective), []
    for task in found.tasks:
        lines += textwrap.wrap(describe(task), WIDTH)
    for group in found.groups:
        lines += ["", *textwrap.wrap(group.title, WIDTH), "", *grid.lines(columns(found, group))]
        for task in found.tasks:
            if shown_of := task_columns(archive, group, task):
                lines += ["", f"{task.name}:", *grid.lines(shown_of)]
    lines += ["", *textwrap.wrap(legend(archive), WIDTH)]
    if any(task.kind != "choice" for task in found.tasks):
        lines += textwrap.wrap(CHANGES, WIDTH)
    return "\n".join(lines) + "\n"


def records(archive: Archive, objective: str | None = None) -> list[dict]:
    """One flat record for each plan, task and metric, the all-high model's first."""
    found = checked(archive, objective)
    return [
        _record(archive, group, line, task, score)
        for group in found.groups
        for line in group.lines
        for task in found.tasks
        if task.name in line.results
        for score in line.results[task.name].scores.values()
    ]


def _record(archive: Archive, group: Group, line: Line, task: Task, score: Score) -> dict:
    plan, pairs, result = line.plan, score.pairs, line.results[task.name]
    is_free = plan is None or plan.resource or math.isnan(plan.threshold)
    return {
        "group": group.name,
        "strategy": line.strategy,
        "allowed_tau": None if is_free else plan.threshold,
        "allowed": None if plan is None else plan.budget,
        "gain": 0 if plan is None else plan.gain,
        "gain_share": 0.0 if plan is None else plan.gain_share,
        "assignment_key": "" if plan is None else plan.assignment_key,
        "task": task.name,
        "variant": task.variant,
        "kind": task.kind,
        "shots": task.shots,
        "bos": task.bos,
        "length": task.length,
        "items": len(task.label),
        "metric": score.metric.name,
        **estimate_cells("value", score.value),
        "standard_error": score.standard_error,
        **estimate_cells("difference", score.difference),
        "difference_standard_error": None if pairs is None else pairs.difference_error,
        "only_baseline": None if pairs is None else pairs.only_baseline,
        "only_plan": None if pairs is None else pairs.only_plan,
        "mcnemar_p": None if pairs is None else pairs.p_value,
        "flipped": None if pairs is None else pairs.flipped,
        **estimate_cells("right_change_nat", result.right_change),
        **estimate_cells("square_change_nat2", result.square_change),
        "predicted_square_change_nat2": predicted_square(archive, line),
        "bootstrap_draws": DRAWS,
        "bootstrap_seed": SEED,
    }
