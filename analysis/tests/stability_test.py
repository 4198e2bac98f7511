"""How plans change when calibration samples are drawn again."""

import csv
import io
import json

import numpy as np
import planned
import pytest
from gainsweep_analysis import stability, table
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.figures import draw_all
from gainsweep_analysis.plans import rows


@pytest.fixture
def case(cases):
    return cases("resampled")


def test_rows_say_what_resampled_plans_have_in_common_with_the_plan(case):
    for objective in case.archive.objectives:
        drawn = planned.resampled_plans(case.run, objective)
        for place, row in enumerate(rows(case.archive, objective)):
            assert row.agreement == pytest.approx(np.mean(drawn[:, place] == row.assignment))
            gains = [case.run.gain_of(objective, plan) for plan in drawn[:, place]]
            expected = np.quantile(gains, [0.5, 0.025, 0.975])
            found = row.resampled_gain
            assert (found.value, found.low, found.high) == pytest.approx(tuple(expected))
        unsettled = np.mean(drawn > 0, axis=0)
        for tau, shares in zip(case.run.recipe.thresholds, unsettled, strict=True):
            count = np.sum((shares > 0.05) & (shares < 0.95))
            assert stability.num_unsettled(case.archive, objective, tau) == count


def test_the_command_prints_a_line_a_threshold(case, capsys):
    assert main(["stability", str(case.path), "--objective", "macs"]) == 0
    text = capsys.readouterr().out
    body = text.split("─\n")[1].split("\n\n")[0].splitlines()
    assert len(body) == len(case.run.recipe.thresholds)
    assert all(line.split()[1] == "40" for line in body)
    assert "Objective time" not in text and max(map(len, text.splitlines())) <= table.WIDTH


def test_records_have_every_op_and_low_format(case, capsys):
    assert main(["stability", str(case.path), "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert main(["stability", str(case.path), "--format", "csv"]) == 0
    assert len(list(csv.reader(io.StringIO(capsys.readouterr().out)))) == len(listed) + 1
    thresholds, ops = len(case.run.recipe.thresholds), len(case.archive.ops)
    assert len(listed) == len(case.archive.objectives) * thresholds * ops * 2
    drawn = planned.resampled_plans(case.run, "memory")
    for record in listed:
        if record["objective"] != "memory":
            continue
        op = case.run.model.paths.index(record["op"])
        place = list(case.run.recipe.thresholds).index(pytest.approx(record["allowed_tau"]))
        number = case.run.model.formats.index(record["format"])
        assert record["share"] == pytest.approx(np.mean(drawn[:, place, op] == number))
        plan = case.archive.plans["memory", "ip"].assignment[place, 0]
        assert record["is_planned"] == (plan[op] == number)


def test_tables_and_figures_show_it_where_it_is_there(case, cases):
    record = table.records(case.archive, ["macs"])[-1]
    assert 0 < record["resampled_agreement"] <= 1
    assert record["resampled_gain_low"] <= record["resampled_gain"]
    names = [drawing.name for drawing in draw_all(case.archive)]
    assert [f"stability_{name}" for name in case.archive.stability] == [
        name for name in names if name.startswith("stability")
    ]
    without = cases("whole").archive
    assert table.records(without, ["macs"])[0]["resampled_agreement"] is None


def test_an_archive_without_resamples_says_what_to_do(cases, capsys):
    assert main(["stability", str(cases("whole").path)]) == 2
    assert "solve.resamples" in capsys.readouterr().err
