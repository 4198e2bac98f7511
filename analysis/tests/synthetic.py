"""Made-up runs as archives in the program's layout; any part can be left out."""

import hashlib
from pathlib import Path

import asked
import h5py
import numpy as np
import planned
from layout import Writer, seal
from made_up import FORMATS, Recipe, Run

__all__ = ["Recipe", "Run", "seal", "spec_text", "write", "write_sweep"]


def spec_text(recipe: Recipe) -> str:
    thresholds = ", ".join(f"{t:.6f}" for t in recipe.thresholds)
    return f"""schema: 2
experiment: plan
name: synthetic
device: cpu
threads: 2
seed: 0
model:
  checkpoint: configs/models/synthetic
calibration:
  tokens: configs/data/synthetic.h5
  samples: {recipe.samples}
  length: {recipe.length}
  scale_samples: 8
formats:
  high: bf16
  low: [{", ".join(recipe.low)}]
sensitivity:
  precision: fp32
latency:
  scope: {recipe.scope}
  precision: 0.02
  batch: 1
  length: {recipe.length}
target:
  mac_rates: {{}}
solve:
  loss_model: {recipe.loss_model}
  noise: empirical
  gain: lower
  objectives: [{", ".join(recipe.objectives)}]
  thresholds: [{thresholds}]
  strategies: [{", ".join(recipe.strategies)}]
evaluate:
  samples: {recipe.evaluated}
  strategies: [{", ".join(recipe.evaluated_strategies or recipe.strategies[:1])}]
"""


def write(path: Path, recipe: Recipe | None = None) -> Run:
    return write_sweep(path, [recipe or Recipe()], {})[0]


def write_sweep(path: Path, recipes: list[Recipe], parameters: dict[str, list[str]]) -> list[Run]:
    """One point per recipe; `parameters` has the values of the swept leaves at each."""
    runs = [Run(recipe) for recipe in recipes]
    with h5py.File(path, "w", userblock_size=512) as file:
        file.attrs["schema"] = "gainsweep archive"
        file.attrs["schema_version"] = 2
        file.attrs["program"] = "gainsweep 0.1.0"
        _write_descriptions(Writer(file))
        _write_points(Writer(file), recipes, parameters)
        for point, run in enumerate(runs):
            _write_point(Writer(file, point), run)
    seal(path)
    return runs


def _write_point(writer, run):
    _write_layout(writer, run)
    _write_scores(writer, run)
    if "time" in run.recipe.objectives:
        _write_timings(writer, run)
    plans = planned.write_plans(writer, run)
    if run.recipe.given:
        planned.write_given(writer, run)
        plans = [("given", plan) for plan in planned.given_plans(run)] + plans
    if run.recipe.budgets:
        plans += planned.write_budgets(writer, run)
    if run.recipe.resamples:
        planned.write_stability(writer, run)
    planned.write_gains(writer, run)
    planned.write_loss_errors(writer, run)
    planned.write_objectives(writer, run)
    times = _write_evaluations(writer, run, plans) if run.recipe.evaluated else []
    if run.recipe.tasks:
        asked.write(writer, run, plans)
    if "time" in run.recipe.objectives:
        planned.write_savings(writer, run)
        planned.write_contests(writer, run, times)
    if run.recipe.failures:
        _write_failures(writer, run.recipe.failures)


def _write_points(writer, recipes, parameters):
    resolved = [spec_text(recipe) for recipe in recipes]
    texts = {
        "spec_resolved": resolved,
        "spec_digest": [hashlib.sha256(text.encode()).hexdigest() for text in resolved],
        "model_digest": ["m" * 64] * len(recipes),
        "calibration_digest": ["c" * 64] * len(recipes),
        "evaluation_digest": ["e" * 64] * len(recipes),
    }
    point = ["point"]
    columns = [(name, values, "", point) for name, values in texts.items()]
    group = writer.file.create_group("points")
    writer.fill(group, "points", [("point", range(len(recipes)), "1", point), *columns])
    if parameters:
        columns = [(path, values, "", point) for path, values in parameters.items()]
        writer.fill(writer.file.create_group("parameters"), "parameters", columns)


def _write_descriptions(writer):
    writer.texts(
        "provenance",
        {
            "name": "synthetic",
            "spec_written": "schema: 2\nname: synthetic\n",
            "program_version": "0.1.0",
            "program_commit": "0123456",
        },
    )
    writer.texts(
        "measured/machine",
        {
            "host": "node",
            "device": "Some CPU @ 2.0 GHz",
            "instruction_set": "avx512",
            "torch_version": "2.13.0",
            "threads": "2",
            "processors": "2",
            "ranks": "1",
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:01:00Z",
        },
    )


def _write_layout(writer, run):
    model, op = run.model, ["op"]
    count = len(model.paths)
    real = [",".join(model.formats[f] for f in model.real(i)) for i in range(count)]
    writer.table(
        "ops",
        [
            ("path", model.paths, "", op),
            ("kind", model.kinds, "", op),
            ("macs", model.macs, "1", op),
            ("weight_elements", model.elements, "1", op),
            ("weight_channels", [64 if e else 0 for e in model.elements], "1", op),
            ("weight_line", [e // 64 for e in model.elements], "1", op),
            ("weight_shared", [0] * count, "1", op),
            ("subgraph", model.subgraph, "1", op),
            ("tie", model.tie, "1", op),
            ("fused", [-1] * count, "1", op),
            ("real_formats", real, "", op),
            ("module", model.modules(), "", op),
        ],
    )
    roles = [
        "weight" if place == 1 and model.kinds[op] == "linear" else "activation"
        for op, place in model.operands
    ]
    names = [model.operand_name(op, place) for op, place in model.operands]
    paths = [
        f"{model.paths[op]}.{name}" for (op, _), name in zip(model.operands, names, strict=True)
    ]
    writer.table(
        "operands",
        [
            ("op", [op for op, _ in model.operands], "1", ["operand"]),
            ("operand", [place for _, place in model.operands], "1", ["operand"]),
            ("role", roles, "", ["operand"]),
            ("path", paths, "", ["operand"]),
            ("name", names, "", ["operand"]),
        ],
    )
    weights = [place for place, role in enumerate(roles) if role == "weight"]
    writer.table(
        "weight_maxima",
        [
            ("operand", np.repeat(weights, 2), "1", ["row"]),
            ("channel", [0, 1] * len(weights), "1", ["row"]),
            ("maximum", np.outer(run.largest[weights], [0.5, 1]).ravel(), "1", ["row"]),
        ],
    )
    writer.table("scales", [("scale", run.scales, "1", ["operand", "low_format"])])
    writer.table(
        "subgraphs",
        [
            ("name", model.names, "", ["subgraph"]),
            ("class", model.classes, "1", ["subgraph"]),
            ("num_ops", [len(ops) for ops in model.members], "1", ["subgraph"]),
        ],
    )
    described = [FORMATS[name] for name in model.formats]
    writer.table(
        "formats",
        [
            ("name", model.formats, "", ["format"]),
            ("device_rate", [0.0] * len(described), "1", ["format"]),
            *_number_columns("weight", run, described),
            *_number_columns("activation", run, described),
        ],
    )


def _number_columns(operand, run, described):
    names, count = run.model.formats, len(described)
    granularity = run.recipe.granularity if operand == "weight" else "tensor"
    columns = [
        ("number", names, ""),
        ("kind", [row[0] for row in described], ""),
        ("bits", [row[1] for row in described], "bit"),
        ("stored_bits", [float(row[1]) for row in described], "bit"),
        ("mantissa_bits", [row[2] for row in described], "bit"),
        ("max", [row[3] for row in described], "1"),
        ("granularity", [granularity] * count, ""),
        ("block", [0] * count, "1"),
        ("scale", ["fixed", *["static"] * len(run.recipe.low)], ""),
        ("backoff", [1.0] * count, "1"),
        ("scale_grid", ["arbitrary"] * count, ""),
        ("range", ["max"] * count, ""),
    ]
    return [(f"{operand}_{name}", cells, unit, ["format"]) for name, cells, unit in columns]


def _write_scores(writer, run):
    both = ["operand", "low_format"]
    writer.units(
        "scores",
        [
            ("sample", range(len(run.loss)), "1", []),
            ("loss", run.loss, "nat", []),
            ("targets", [run.recipe.length] * len(run.loss), "1", []),
            ("sensitivity", run.sensitivity, "nat^2", ["operand"]),
            ("signed_error", run.signed_error, "nat", both),
            ("square_error", run.square_error, "nat^2", both),
            ("step_norm", run.step_norm, "nat^2", both),
        ],
        len(run.loss),
    )


def _write_timings(writer, run):
    rows = []
    for timed in run.timings:
        rounds = timed.seconds.reshape(run.recipe.rounds, -1, len(timed.configurations))
        programs = len(timed.configurations) + (timed.whole is not None)
        order = np.broadcast_to(np.arange(programs), (*rounds.shape[:2], programs))
        fields = [
            ("round", range(len(rounds)), "1", []),
            ("seconds", rounds, "s", ["block", "configuration"]),
            ("order", order, "1", ["block", "place"]),
            ("warm_up_runs", [5] * len(rounds), "1", []),
            ("warm_up_last", [run.baseline] * len(rounds), "s", []),
            ("kernels", [["bf16 brg_matmul", "int8 brg_matmul"]] * len(rounds), "", ["kernel"]),
        ]
        if timed.whole is not None:
            whole = timed.whole.reshape(rounds.shape[:2])
            fields.append(("whole_seconds", whole, "s", ["block"]))
            fields.append(("piece_seconds", whole / 4, "s", ["block"]))
        if run.recipe.held_back is not None:
            fields += _card_fields(rounds.shape[:2], 0 if rows else run.recipe.held_back)
        writer.units(f"latency/class_{timed.cls}", fields, len(rounds), measured=True)
        for place, configuration in enumerate(timed.configurations):
            formats = ",".join(run.model.formats[f] for f in configuration)
            name = run.model.names[timed.groups[0]]
            rows.append((f"latency/class_{timed.cls}", name, place, formats, timed.members))
    columns = list(zip(*rows, strict=True))
    names = ("table", "subgraph", "configuration", "formats", "members")
    fields = [(name, column, "", ["row"]) for name, column in zip(names, columns, strict=True)]
    writer.table("timed_configurations", fields)


def _card_fields(shape, slow):
    """How a made-up card was doing around the blocks, the first of which it was slow at."""
    marks = (np.arange(np.prod(shape)) < slow).reshape(shape)
    marks = np.stack([np.zeros_like(marks), marks], axis=-1).astype(int)
    axes, reasons = ["block", "moment"], np.where(marks, "sw_power_cap", "").tolist()
    return [
        ("card_clock", np.where(marks, 1.4e9, 1.98e9), "Hz", axes),
        ("card_power", np.full(marks.shape, 400.0), "W", axes),
        ("card_temperature", np.full(marks.shape, 61.0), "degC", axes),
        ("card_clock_reasons", reasons, "", axes),
        ("card_held_back_by", reasons, "", axes),
    ]


def _write_evaluations(writer, run, plans):
    base = run.random.normal(2.6, 0.3, run.recipe.evaluated)
    high = np.zeros(len(run.model.paths), int)
    rows = {False: [(high, base)], True: []}
    seen, times = {run.model.key(high)}, []
    ordered = [(objective == "time", plan) for objective, plan in plans]
    for measured, assignment in sorted(ordered, key=lambda item: item[0]):
        key = run.model.key(assignment)
        if key in seen:
            continue
        seen.add(key)
        rows[measured].append((assignment, run.plan_losses(assignment, base)))
        real = all(place in run.model.real(op) for op, place in enumerate(assignment))
        if "time" in run.recipe.objectives and real:
            times.append((key, run.plan_times(assignment)))
    for measured, listed in rows.items():
        if listed:
            writer.units(
                "evaluations/losses",
                [
                    ("assignment_key", [run.model.key(a) for a, _ in listed], "", []),
                    ("assignment", [a for a, _ in listed], "1", ["op"]),
                    ("loss", [losses for _, losses in listed], "nat", ["sample"]),
                    *_shown_by_predictions(run, listed),
                ],
                len(listed),
                measured,
            )
            planned.write_predictions(writer, run, listed, measured)
    if times:
        _write_plan_times(writer, run, times)
    return times


def _shown_by_predictions(run, listed):
    """Entropy, spread, divergence and tilt of assignments with their losses."""
    count = run.recipe.evaluated
    divergences = [np.full(count, run.recipe.length / 2 * run.loss_error(a)) for a, _ in listed]
    return [
        ("entropy", [0.9 * losses for _, losses in listed], "nat", ["sample"]),
        ("spread", [np.full(count, 4.0)] * len(listed), "nat^2", ["sample"]),
        ("divergence", divergences, "nat", ["sample"]),
        ("tilt", [0.1 * divergence for divergence in divergences], "nat^2", ["sample"]),
        *(
            (name, [run.hits(a)[name] for a, _ in listed], "1", ["sample"])
            for name in ("agreement", "top1", "top5")
        ),
    ]


def _write_plan_times(writer, run, times):
    rounds = [(key, part) for key, seconds in times for part in np.split(seconds, 2)]
    order = np.broadcast_to([0, 1], (len(rounds), *rounds[0][1].shape))
    writer.units(
        "evaluations/times",
        [
            ("round", [0, 1] * len(times), "1", []),
            ("seconds", [part for _, part in rounds], "s", ["block", "configuration"]),
            ("order", order, "1", ["block", "place"]),
            ("warm_up_runs", [5] * len(rounds), "1", []),
            ("warm_up_last", [run.baseline] * len(rounds), "s", []),
            ("kernels", np.empty((len(rounds), 0), "S1"), "", ["kernel"]),
            ("assignment_key", [key for key, _ in rounds], "", []),
        ],
        len(rounds),
        measured=True,
    )


def _write_failures(writer, count):
    writer.units(
        "failures",
        [
            ("stage", ["score"] * count, "", []),
            ("label", [f"score of sample {i}" for i in range(count)], "", []),
            ("reason", ["the loss is <nan> & not finite"] * count, "", []),
        ],
        count,
    )
