"""Tables of what made-up runs plan and predict."""

import copy
import itertools
from functools import partial

import numpy as np

# Loss errors under each noise, in those of the first.
NOISES = {"empirical": 1, "squares": 1, "shrunken": 1, "paper": 1.5, "log_uniform": 1}


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
        units = {"time": "1e-9", "macs": "1", "memory": "byte"}[objective]
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
                *_predictions(run, errors),
                *_reliability(recipe, strategy, n),
            ],
            n,
            measured=objective == "time",
        )
        if strategy in (recipe.evaluated_strategies or recipe.strategies[:1]):
            evaluated += [(objective, row[0]) for row in plans[:: recipe.every]]
    if recipe.frontier:
        for objective in recipe.objectives:
            write_frontier(writer, run, objective)
    return evaluated


def _predictions(run, errors):
    """The columns of plans that follow from their loss errors, with a certificate each."""
    n = len(errors)
    return [
        ("loss_error", errors, "nat^2", ["draw"]),
        ("predicted_mse", run.predicted_mse(errors), "nat^2", ["draw"]),
        ("predicted_bias", run.predicted_bias(errors), "nat", ["draw"]),
        ("predicted_low", run.predicted_tau(errors) / 1.2, "1", ["draw"]),
        ("predicted_high", run.predicted_tau(errors) * 1.2, "1", ["draw"]),
        ("num_samples", [run.recipe.samples] * n, "1", []),
        ("certificate_gap", [0.0] * n, "1", []),
        ("certificate_nodes", [1] * n, "1", []),
        ("certificate_proved", [1] * n, "1", []),
        ("passes", [3] * n, "1", []),
    ]


def _reliability(recipe, strategy, n):
    """The column of a strategy that has one."""
    found = dict(recipe.reliabilities).get(strategy)
    return [] if found is None else [("reliability", [found] * n, "1", [])]


def mean_bits(run, assignment):
    bits = np.where(np.array(assignment) > 0, 8, 16)
    return float(np.average(bits, weights=run.model.elements))


def write_budgets(writer, run):
    """Plans that lower ops in the order of a plan for memory until few enough bits are left."""
    recipe, chosen = run.recipe, []
    for budget in recipe.budgets:
        assignment = np.zeros(len(run.model.paths), int)
        for op in run.order("memory", "ip", 0):
            if mean_bits(run, assignment) > budget:
                assignment[op] = run.low_of(op, "memory")[0]
        chosen.append(assignment)
    plans = np.array(chosen)[:, None, :]
    errors = np.apply_along_axis(run.loss_error, 2, plans)
    n = len(plans)
    taken = [[mean_bits(run, plan)] for plan in chosen]
    writer.units(
        "budgets/bits",
        [
            ("budget", recipe.budgets, "bit", []),
            ("taken", taken, "bit", ["draw"]),
            ("assignment", plans, "1", ["draw", "op"]),
            ("assignment_key", [[run.model.key(plan)] for plan in chosen], "", ["draw"]),
            (
                "gain",
                np.apply_along_axis(partial(run.gain_of, "memory"), 2, plans),
                "byte",
                ["draw"],
            ),
            *_predictions(run, errors),
        ],
        n,
    )
    writer.table(
        "resources",
        [
            ("resource", ["bits"], "", ["row"]),
            ("meaning", ["mean bits a weight, scales included"], "", ["row"]),
            ("units", ["bit"], "", ["row"]),
            ("objective", ["memory"], "", ["row"]),
            ("whole", [16.0], "1", ["row"]),
            ("least", [8.0], "1", ["row"]),
        ],
    )
    return [("memory", plan) for plan in chosen]


def resampled_plans(run, objective):
    """[resample, threshold, op]: plans of `ip` where loss errors are off by made-up factors."""
    drawn = copy.copy(run)
    random = np.random.default_rng(3)
    plans = []
    for _ in range(run.recipe.resamples):
        drawn.d = run.d * random.lognormal(0, 0.5, (len(run.d), 1))
        plans.append(
            [drawn.plan(objective, "ip", run.budget(tau)) for tau in run.recipe.thresholds]
        )
    return np.array(plans)


def write_stability(writer, run):
    thresholds = run.recipe.thresholds
    for objective in run.recipe.objectives:
        plans = resampled_plans(run, objective)
        gains = np.apply_along_axis(partial(run.gain_of, objective), 2, plans)
        units = {"time": "1e-9", "macs": "1", "memory": "byte"}[objective]
        low = range(1, len(run.model.formats))
        share = np.stack([(plans == place).mean(axis=0) for place in low], axis=-1)
        bounds = zip(("low", "median", "high"), (0.025, 0.5, 0.975), strict=True)
        row = ["row"]
        writer.table(
            f"stability/{objective}",
            [
                ("threshold", thresholds, "1", row),
                ("resamples", [run.recipe.resamples] * len(thresholds), "1", row),
                ("share", share, "1", ["row", "op", "low_format"]),
                *(
                    (f"gain_{name}", np.quantile(gains, q, axis=0), units, row)
                    for name, q in bounds
                ),
            ],
            measured=objective == "time",
        )


def write_frontier(writer, run, objective):
    assignment = np.zeros(len(run.model.paths), int)
    points = [(0, 0.0, assignment.copy())]
    for op in run.order(objective, "ip", 0):
        assignment[op] = run.low_of(op, objective)[0]
        gain = run.gain_of(objective, assignment)
        if gain > points[-1][0]:
            points.append((gain, run.loss_error(assignment), assignment.copy()))
    gains, errors, plans = (np.array(column) for column in zip(*points, strict=True))
    units = {"time": "1e-9", "macs": "1", "memory": "byte"}[objective]
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


def given_plans(run):
    """[plan, op]: made-up plans of somebody else, the first of int8 wherever time knows of it."""
    random = np.random.default_rng(11)
    plans = []
    for place in range(len(run.recipe.given)):
        reals = [run.model.real(op) for op in range(len(run.model.paths))]
        if place == 0:
            plans.append([real[-1] if len(real) > 1 else 0 for real in reals])
        else:
            plans.append([int(random.integers(run.d.shape[1])) for _ in reals])
    return np.array(plans)


def write_given(writer, run):
    plans, names, row = given_plans(run), list(run.recipe.given), ["row"]
    errors = np.array([run.loss_error(plan) for plan in plans])
    writer.table(
        "given_plans",
        [
            ("name", names, "", row),
            ("file", [f"plans/{name}.json" for name in names], "", row),
            ("model_digest", [""] * len(names), "", row),
            ("assignment_key", [run.model.key(plan) for plan in plans], "", row),
            ("assignment", plans, "1", ["row", "op"]),
            ("loss_error", errors, "nat^2", row),
            ("predicted_mse", run.predicted_mse(errors), "nat^2", row),
            ("predicted_bias", run.predicted_bias(errors), "nat", row),
            ("predicted_low", run.predicted_tau(errors) / 1.2, "1", row),
            ("predicted_high", run.predicted_tau(errors) * 1.2, "1", row),
        ],
    )
    for objective in run.recipe.objectives:
        # Of times the first plan's alone are known.
        known = slice(1 if objective == "time" else None)
        gains = [run.gain_of(objective, plan) for plan in plans[known]]
        units = {"time": "1e-9", "macs": "1", "memory": "byte"}[objective]
        writer.table(
            f"given_gains/{objective}",
            [("name", names[known], "", row), ("gain", gains, units, row)],
            measured=objective == "time",
        )


def write_objectives(writer, run):
    titles = {"time": "time", "macs": "multiply-accumulates", "memory": "weight bytes"}
    units = {"time": "1e-9", "macs": "1", "memory": "byte"}
    whole = {
        "time": 1e9,
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
    """Of every noise the same sum times what NOISES says."""
    rows = []
    for assignment, _ in listed:
        if not assignment.any():
            continue
        for noise, model in itertools.product(NOISES, ("first_order", "bias")):
            total = run.loss_error(assignment) * NOISES[noise]
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
    writer.table("loss_errors", [(name, f * run.d, "nat^2", axes) for name, f in NOISES.items()])
    rows = [("format", run.recipe.low, "", ["row"])]
    rows += [
        (name, [0.5] * len(run.recipe.low), "1", ["row"]) for name in ("factor", "reliability")
    ]
    writer.table("shrinkage", rows)


def write_gains(writer, run):
    for objective, by_group in run.gains.items():
        rows = [
            (group, place, ",".join(run.model.formats[f] for f in configuration), gain)
            for group, gains in enumerate(by_group)
            for place, (configuration, gain) in enumerate(gains.items())
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        names = ["subgraph", "configuration", "formats", "gain"]
        if objective == "time":
            names += ["saved", "saved_low", "saved_high"]
            columns += map(list, zip(*(_saved(run, *row[:2]) for row in rows), strict=True))
        writer.table(
            f"gains/{objective}",
            [(name, column, "1", ["row"]) for name, column in zip(names, columns, strict=True)],
            measured=objective == "time",
        )


def _saved(run, group, place):
    timed = [timed for timed in run.timings if group in timed.groups]
    return timed[0].saved(place) if timed else np.zeros(3)


def write_savings(writer, run):
    """Of the plans of all objectives; those with something that was not timed are left out."""
    recipe, rows = run.recipe, {}
    for objective, strategy in itertools.product(recipe.objectives, recipe.strategies):
        draws = recipe.draws if strategy == "random" and objective == "time" else 1
        for threshold, draw in itertools.product(recipe.thresholds, range(draws)):
            plan = run.plan(objective, strategy, run.budget(threshold), draw)
            saved = run.time_saved(plan)
            if saved is not None:
                rows[run.model.key(plan)] = saved
    columns = [list(rows), *zip(*rows.values(), strict=True)]
    names = ("assignment_key", "saved", "saved_low", "saved_high")
    fields = [
        (name, column, "" if name == "assignment_key" else "1", ["row"])
        for name, column in zip(names, columns, strict=True)
    ]
    writer.table("savings", fields, measured=True)


def write_contests(writer, run, plans):
    """`plans` are the times of whole plans by assignment key."""
    asked = 0.02
    rows = [
        (
            f"latency/class_{timed.cls}",
            "",
            run.model.names[timed.groups[0]],
            float(np.median(timed.all_high)),
            len(timed.seconds),
            timed.width(),
        )
        for timed in run.timings
    ]
    quietest = min(range(len(rows)), key=lambda place: rows[place][3])
    for key, seconds in plans:
        parts = (seconds[:, 0] - seconds[:, 1]) / seconds[:, 0]
        width = float(np.diff(np.quantile(parts, [0.3, 0.7]))[0])
        base = float(np.median(seconds[:, 0]))
        rows.append(("evaluations/times", key, f"plan {key[:12]}", base, len(seconds), width))
    rows = [(*row, int(row[5] <= asked), int(place == quietest)) for place, row in enumerate(rows)]
    names = [
        "table",
        "assignment_key",
        "label",
        "baseline",
        "blocks",
        "width",
        "is_precise",
        "is_quietest",
    ]
    units = ["", "", "", "s", "1", "1", "1", "1"]
    if run.recipe.held_back is not None:
        names.append("held_back")
        units.append("1")
        rows = [(*row, 0 if place else run.recipe.held_back) for place, row in enumerate(rows)]
    columns = zip(*rows, strict=True)
    fields = [
        (name, list(column), unit, ["row"])
        for name, column, unit in zip(names, columns, units, strict=True)
    ]
    writer.table("contests", fields, measured=True)
