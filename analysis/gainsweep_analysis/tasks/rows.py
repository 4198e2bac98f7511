"""Plans that tasks were asked under, strategies side by side where as much is allowed."""

from dataclasses import dataclass

import numpy as np

from .. import budgets
from ..contents import Archive, Task
from ..notation import significant
from ..planned import Plans
from ..plans import PlanRow, given_rows, plan_row
from ..table import objective_note
from .comparison import Result, results
from .metrics import Metric, shown

Found = dict[str, dict[str, Result]]  # by task and assignment key


@dataclass(frozen=True)
class Line:
    """A plan in all tasks; the first line of a group is the all-high model."""

    allowed: str  # as tables print it; empty where nothing is
    strategy: str
    plan: PlanRow | None  # none: the all-high model
    results: dict[str, Result]  # by task, those that were asked under the plan

    @property
    def saved(self) -> float | None:
        """In % of what all-high takes."""
        share = 0.0 if self.plan is None else self.plan.gain_share
        return None if share is None else 100 * share


@dataclass(frozen=True)
class Group:
    """Lines of one objective, or within budgets of one resource."""

    name: str  # of the objective or resource
    title: str
    saved: str  # what is, in few words
    unit: str  # of what is allowed: "τ, %"
    lines: list[Line]


@dataclass(frozen=True)
class Asked:
    """All of an archive."""

    tasks: list[Task]
    groups: list[Group]

    @property
    def shown(self) -> list[tuple[Task, Metric]]:
        """The columns of tables; the figure has a panel each."""
        return [(task, metric) for task in self.tasks for metric in shown(task)]


def asked(archive: Archive, objective: str | None = None) -> Asked:
    """Of one objective, or of all of them and of all budgets. Tasks without results are left out,
    and so are plans that no task was asked under."""
    found = {task.name: of_task for task in archive.tasks if (of_task := results(task))}
    tasks = [task for task in archive.tasks if task.name in found]
    if not tasks:
        return Asked([], [])
    names = archive.objectives if objective is None else [objective]
    groups = [_of_objective(archive, name, found) for name in names]
    if objective is None:
        groups += [_of_resource(archive, resource, found) for resource in archive.budgets]
    key = next(key for key, given in tasks[0].answers.items() if given is tasks[0].baseline)
    high = Line("", archive.high, None, _results_of(key, found))
    for group in groups:
        group.lines.insert(0, high)
    return Asked(tasks, [group for group in groups if len(group.lines) > 1])


def _of_objective(archive: Archive, objective: str, found: Found) -> Group:
    lines = []
    for threshold in sorted(archive.spec_thresholds):
        for strategy in archive.strategies(objective):
            plans = archive.plans[objective, strategy]
            lines += _lines(archive, plans, plans.point(threshold), 100, found)
    lines += [
        Line("", row.strategy, row, _results_of(row.assignment_key, found))
        for row in given_rows(archive, objective)
        if _results_of(row.assignment_key, found)
    ]
    title = f"Objective {objective}: {objective_note(archive, objective)}"
    return Group(objective, title, archive.objective(objective).title, "τ, %", lines)


def _of_resource(archive: Archive, resource: str, found: Found) -> Group:
    factor, unit = budgets.scale(archive, resource)
    plans, lines = archive.budgets[resource], []
    for point in np.argsort(plans.threshold, kind="stable"):
        lines += _lines(archive, plans, int(point), factor, found)
    title = f"Budgets of {resource}: {budgets.note(archive, resource)}"
    return Group(resource, title, archive.objective(plans.objective).title, unit, lines)


def _lines(
    archive: Archive, plans: Plans, point: int | None, factor: float, found: Found
) -> list[Line]:
    """Of the plan at a place, none where it was not asked."""
    if point is None:
        return []
    own = _results_of(str(plans.assignment_key[point, 0]), found)
    allowed = significant(float(plans.threshold[point]), 4 if plans.resource else 3, factor)
    return [Line(allowed, plans.strategy, plan_row(archive, plans, point), own)] if own else []


def _results_of(key: str, found: Found) -> dict[str, Result]:
    return {name: of_task[key] for name, of_task in found.items() if key in of_task}


def predicted_square(archive: Archive, line: Line) -> float:
    """The mean square of the change of a sample's loss that was predicted, nat²."""
    return 0.0 if line.plan is None else line.plan.predicted_tau**2 * archive.mean_square_loss
