"""One plan: the layouts that other programs read, the text, and what is refused."""

import csv
import io
import json
import re

import numpy as np
import pytest
import synthetic
from gainsweep_analysis import exports, table
from gainsweep_analysis.__main__ import main

KEYS = [
    *("schema", "schema_version", "model_digest", "objective", "strategy", "threshold"),
    *("loss_model", "noise", "budget", "loss_error", "predicted_mse", "gain", "gain_units"),
    *("formats", "assignment", "modules"),
]


def printed(capsys, case, *options) -> str:
    assert main(["plan", str(case.path), *options]) == 0
    return capsys.readouterr().out


def refusal(capsys, path, *options) -> str:
    assert main(["plan", str(path), *options]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    return found.err


@pytest.mark.parametrize("objective", ["time", "macs", "memory"])
def test_json_has_what_the_archive_has(cases, capsys, objective):
    case = cases("whole")
    options = ("--objective", objective, "--tau", "1%", "--format", "json")
    plan = json.loads(printed(capsys, case, *options))
    assert list(plan) == KEYS
    assert (plan["schema"], plan["schema_version"]) == ("gainsweep plan", 1)
    plans = case.archive.plans[objective, "ip"]
    place = case.run.recipe.thresholds.index(1e-2)
    names = [case.run.model.formats[index] for index in plans.assignment[place, 0]]
    assert plan["assignment"] == dict(zip(case.run.model.paths, names, strict=True))
    for name in ("threshold", "budget"):
        assert plan[name] == getattr(plans, name)[place]
    for name in ("gain", "loss_error", "predicted_mse"):
        assert plan[name] == getattr(plans, name)[place, 0]
    int8 = {"weight": "int8", "activation": "int8", "scale": "static", "backoff": 1.0}
    int8 |= {"granularity": "tensor", "scale_grid": "arbitrary", "range": "max"}
    assert plan["formats"] == {"int8": int8}
    weights = [path for path in case.run.model.paths if not path.endswith((".qk", ".av"))]
    assert plan["modules"] == {path: f"model.{path}" for path in weights}
    assert plan["model_digest"] == "m" * 64


def test_csv_has_every_op(cases, capsys):
    case = cases("formats")
    options = ("--objective", "memory", "--tau", "0.01", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(printed(capsys, case, *options))))
    assert tuple(rows[0]) == exports.HEAD
    assert [row["op"] for row in rows] == case.run.model.paths
    assert [row["module"] for row in rows] == case.run.model.modules()
    plans = case.archive.plans["memory", "ip"]
    place = case.run.recipe.thresholds.index(1e-2)
    assert sum(float(row["loss_error"]) for row in rows) == pytest.approx(
        plans.loss_error[place, 0], rel=1e-12
    )
    for row, elements in zip(rows, case.run.model.elements, strict=True):
        high = row["format"] == "bf16"
        size = 2 * elements if high or not elements else elements + 4
        assert int(row["weight_bytes"]) == size
        assert float(row["loss_error"]) == 0 or not high


def test_text_says_what_the_table_says(cases, capsys):
    case = cases("whole")
    text = printed(capsys, case, "--objective", "time", "--tau", "1 %")
    record = table.records(case.archive, ["time"])[2]
    saved = re.search(r"time saved +predicted (\S+) \[(\S+)–(\S+)\] %, measured (\S+) \[", text)
    assert float(saved[1]) == pytest.approx(100 * record["predicted_time_share"], rel=2e-2)
    assert float(saved[4]) == pytest.approx(100 * record["measured_time_share"], rel=2e-2)
    assert re.search(r"of +\S+ ms in bf16 \(1 × 64 tokens on cpu", text)
    errors = re.search(r"τ +predicted (\S+) \[(\S+)–(\S+)\] %, measured (\S+) \[", text)
    assert float(errors[1]) == pytest.approx(100 * record["predicted_tau"], rel=2e-2)
    assert float(errors[2]) < float(errors[1]) < float(errors[3])
    assert float(errors[4]) == pytest.approx(100 * record["measured_tau"], rel=5e-2)
    lines = text.splitlines()
    ops = [line.split() for line in lines[-len(case.run.model.paths) :]]
    assert [words[0] for words in ops] == case.run.model.paths
    lowered = sum(words[3] != "bf16" for words in ops)
    assert f"{lowered} of {len(ops)} ops" in text


def test_text_without_an_evaluation(cases, capsys):
    text = printed(capsys, cases("no_evaluation"), "--objective", "macs", "--tau", "0.01")
    assert "measured –\n" in text
    assert "perplexity" not in text
    assert "nan" not in text


@pytest.mark.parametrize("tau", ["0.0123", "1.23%"])
def test_a_threshold_as_printed(tmp_path, capsys, tau):
    path = tmp_path / "archive.h5"
    recipe = {"objectives": ("macs",), "evaluated": 0, "layers": 1}
    synthetic.write(path, synthetic.Recipe(thresholds=(1e-3, 0.01234567), **recipe))
    assert main(["plan", str(path), "--tau", tau, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.01234567
    close = (0.01234567, 0.01234987)
    synthetic.write(path, synthetic.Recipe(thresholds=close, **recipe))
    said = refusal(capsys, path, "--tau", tau)
    assert "several thresholds print as τ = 1.23 %" in said
    assert "Take one of them: 0.01234567, 0.01234987" in said


@pytest.mark.parametrize("objective", ["time", "macs", "memory"])
@pytest.mark.parametrize("tau", [5e-4, 2.5e-3, 0.2])
def test_any_other_loss_error_is_answered_by_the_frontier(cases, capsys, objective, tau):
    case = cases("whole")
    options = ("--objective", objective, f"--tau={tau}", "--format", "json")
    plan = json.loads(printed(capsys, case, *options))
    assert list(plan) == KEYS
    assert (plan["strategy"], plan["threshold"], plan["budget"]) == ("frontier", tau, None)
    allowed = tau**2 * case.run.mean_square
    assert plan["predicted_mse"] <= allowed * (1 + 1e-9)
    place = [case.run.model.formats.index(name) for name in plan["assignment"].values()]
    assert plan["gain"] == case.run.gain_of(objective, place)
    assert plan["loss_error"] == pytest.approx(case.run.loss_error(np.array(place)))
    frontier = case.archive.frontiers[objective]
    assert plan["gain"] == frontier.gain[frontier.predicted_mse <= allowed].max()


def test_a_frontiers_plan_that_was_evaluated_has_its_measurement(cases, capsys):
    """Of the plan at a threshold, asked for by another loss error."""
    case = cases("whole")
    tau = case.run.recipe.thresholds[-1] * 1.5
    text = printed(capsys, case, "--objective", "macs", f"--tau={tau}")
    assert "the optimal plan for macs at an allowed loss error τ of 4.50 %" in text
    assert re.search(r"measured \S+ \[", text)


def test_scales(tmp_path, capsys):
    path = tmp_path / "archive.h5"
    recipe = {"objectives": ("macs",), "evaluated": 0, "layers": 1}
    for granularity in ("tensor", "channel"):
        run = synthetic.write(path, synthetic.Recipe(granularity=granularity, **recipe))
        assert main(["scales", str(path), "--format", "csv"]) == 0
        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        query = [r for r in rows if r["op"] == "layers.0.attention.qk" and r["operand"] == "query"]
        place = run.model.operands.index((3, 0))
        assert [float(row["scale"]) for row in query] == [run.scales[place, 0]]
        weight = [r for r in rows if r["module"] == "lm_head" or r["op"] == "lm_head"]
        weight = [row for row in weight if row["role"] == "weight"]
        amax = run.largest[run.model.operands.index((len(run.model.paths) - 1, 1))]
        parts = [0.5, 1] if granularity == "channel" else [1]
        assert [float(r["scale"]) for r in weight] == pytest.approx(
            [part * amax / 127 for part in parts], rel=1e-6
        )
    assert main(["scales", str(path)]) == 0
    text = capsys.readouterr().out
    assert "int8: of weights the largest channel's" in text


def test_another_strategy(cases, capsys):
    case = cases("whole")
    options = ("--objective", "macs", "--tau", "3%", "--strategy", "prefix", "--format", "json")
    plan = json.loads(printed(capsys, case, *options))
    assert plan["strategy"] == "prefix"
    assert plan["gain"] == case.archive.plans["macs", "prefix"].gain[3, 0]


def test_what_the_archive_does_not_have(cases, capsys):
    path = cases("whole").path
    assert "Name one by --objective (time, macs, memory)" in refusal(capsys, path, "--tau", "1%")
    said = refusal(capsys, path, "--tau", "1%", "--objective", "energy")
    assert "no plans for energy" in said
    said = refusal(capsys, path, "--tau", "2%", "--objective", "macs", "--strategy", "prefix")
    assert "no plan at τ = 2.00 %" in said
    assert "0.001, 0.003, 0.01, 0.03" in said
    said = refusal(capsys, path, "--tau", "1%", "--objective", "macs", "--strategy", "best")
    assert "Name one by --strategy (ip, prefix, random)" in said


@pytest.mark.parametrize("tau", ["", "%", "one", "-1%", "0", "nan", "inf", "1%%"])
def test_no_threshold(cases, capsys, tau):
    with pytest.raises(SystemExit) as left:
        main(["plan", str(cases("whole").path), f"--tau={tau}"])
    assert left.value.code == 2
    assert "is no loss error above 0, such as 0.001 or 0.1%" in capsys.readouterr().err


def test_a_point_of_a_sweep(tmp_path, capsys):
    path = tmp_path / "archive.h5"
    recipes = [
        synthetic.Recipe(objectives=("macs",), evaluated=0, layers=1, seed=seed) for seed in (0, 1)
    ]
    runs = synthetic.write_sweep(path, recipes, {"seed": ["0", "1"]})
    assert "Choose one by --select (seed)" in refusal(capsys, path, "--tau", "1%")
    options = ["--tau", "1%", "--select", "seed=1", "--format", "csv"]
    assert main(["plan", str(path), *options]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    plan = runs[1].plan("macs", "ip", runs[1].budget(1e-2))
    assert [row["format"] for row in rows] == list(np.array(["bf16", "int8"])[plan])
