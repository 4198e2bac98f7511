"""Tables of what made-up runs plan and predict."""

import itertools
from functools import partial

import numpy as np


def write_plans(writer, run):
    """The tables of plans; those to evaluate, by objective."""
    recipe = run.recipe
    evaluated = []
    for objective, strategy in itertools.product(recipe.objectives, recipe.strategies):
        draws = recipe.draws if strategy == "random" else 1
        budgets = [run.budget(threshold) for threshold in recipe.thresholds]
        plans = np.array(
            [[run.plan(objective, strategy, b, draw) for draw in range(draws)] for b in budgets]
        )
        units = {"time": "ns", "macs": "1", "memory": "byte"}[objective]
        each = np.apply_along_axis
        errors = each(run.loss_error, 2, plans)
        n = len(budgets)
        writer.units(
            f"plans/{objective}/{strategy}",
            [
                ("threshold", recipe.thresholds, "1", []),
                ("budget", budgets, "nat^2", []),
                ("assignment", plans, "1", ["draw", "op"]),
                (
                    "assignment_key",
                    [[run.model.key(p) for p in row] for row in plans],
                    "",
                    ["draw"],
                ),
                ("gain", each(partial(run.gain_of, objective), 2, plans), units, ["draw"]),
                ("loss_error", errors, "nat^2", ["draw"]),
                ("predicted_mse", run.predicted_mse(errors), "nat^2", ["draw"]),
                ("predicted_bias", run.predicted_bias(errors), "nat", ["draw"]),
                ("predicted_low", run.predicted_tau(errors) / 1.2, "1", ["draw"]),
                ("predicted_high", run.predicted_tau(errors) * 1.2, "1", ["draw"]),
                ("num_samples", [recipe.samples] * n, "1", []),
                ("certificate_gap", [0.0] * n, "1", []),
                ("certificate_nodes", [1] * n, "1", []),
                ("certificate_proved", [1] * n, "1", []),
            ],
            n,
            measured=objective == "time",
        )
        if strategy == recipe.strategies[0]:
            evaluated += [(objective, row[0]) for row in plans[:: recipe.every]]
    if recipe.frontier:
        for objective in recipe.objectives:
            write_frontier(writer, run, objective)
    return evaluated


def write_frontier(writer, run, objective):
    assignment = np.zeros(len(run.model.paths), int)
    points = [(0, 0.0, assignment.copy())]
    for op in run.order(objective, "ip", 0):
        assignment[op] = run.low_of(op, objective)[0]
        gain = run.gain_of(objective, assignment)
        if gain > points[-1][0]:
            points.append((gain, run.loss_error(assignment), assignment.copy()))
    gains, errors, plans = (np.array(column) for column in zip(*points, strict=True))
    units = {"time": "ns", "macs": "1", "memory": "byte"}[objective]
    row = ["row"]
    writer.table(
        f"frontier/{objective}",
        [
            ("gain", gains, units, row),
            ("loss_error", errors, "nat^2", row),
            ("predicted_mse", run.predicted_mse(errors), "nat^2", row),
            ("assignment", plans, "1", ["row", "op"]),
        ],
        measured=objective == "time",
    )


def write_objectives(writer, run):
    titles = {"time": "time", "macs": "multiply-accumulates", "memory": "weight bytes"}
    units = {"time": "ns", "macs": "1", "memory": "byte"}
    whole = {
        "time": 0.0,
        "macs": float(sum(run.model.macs)),
        "memory": 2.0 * sum(run.model.elements),
    }
    for measured in (False, True):
        names = [name for name in run.recipe.objectives if (name == "time") == measured]
        if names:
            writer.table(
                "objectives",
                [
                    ("objective", names, "", ["row"]),
                    ("title", [titles[name] for name in names], "", ["row"]),
                    ("meaning", [f"{titles[name]} in full" for name in names], "", ["row"]),
                    ("of_times", [int(measured)] * len(names), "1", ["row"]),
                    ("units", [units[name] for name in names], "", ["row"]),
                    ("whole", [whole[name] for name in names], "1", ["row"]),
                ],
                measured=measured,
            )


def write_predictions(writer, run, listed, measured):
    """Of every noise the same sum, one and a half times as large under the paper's."""
    rows = []
    for assignment, _ in listed:
        if not assignment.any():
            continue
        for noise, model in itertools.product(
            ("empirical", "paper", "log_uniform"), ("first_order", "bias")
        ):
            total = run.loss_error(assignment) * (1.5 if noise == "paper" else 1)
            bias = run.recipe.length / 2 * total if model == "bias" else 0
            error = np.sqrt((total + bias**2) / run.mean_square)
            key = run.model.key(assignment)
            rows.append(
                (key, noise, model, total, bias, total + bias**2, error, 0.8 * error, 1.2 * error)
            )
    names = (
        "assignment_key noise loss_model loss_error predicted_bias predicted_mse predicted_error "
        "low high"
    )
    if rows:
        columns = zip(names.split(), zip(*rows, strict=True), strict=True)
        fields = [(name, column, "", ["row"]) for name, column in columns]
        writer.table("predictions", fields, measured=measured)


def write_loss_errors(writer, run):
    axes = ["op", "format"]
    factors = {"empirical": 1, "paper": 1.5, "log_uniform": 1}
    writer.table("loss_errors", [(name, f * run.d, "nat^2", axes) for name, f in factors.items()])


def write_gains(writer, run):
    for objective, by_group in run.gains.items():
        rows = [
            (group, place, ",".join(run.model.formats[f] for f in configuration), gain)
            for group, gains in enumerate(by_group)
            for place, (configuration, gain) in enumerate(gains.items())
        ]
        columns = zip(*rows, strict=True)
        names = ("subgraph", "configuration", "formats", "gain")
        writer.table(
            f"gains/{objective}",
            [(name, column, "1", ["row"]) for name, column in zip(names, columns, strict=True)],
            measured=objective == "time",
        )
