"""Plans of files in tables, records, reports, comparisons and figures."""

import json
from dataclasses import replace

import numpy as np
import planned
import pytest
from gainsweep_analysis import comparison, report, table
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.figures import accuracy, gain
from gainsweep_analysis.plans import given_rows, rows

NAMES = ["ModelOpt, 4.5 bits", "by <hand>"]


@pytest.fixture
def given(cases):
    return cases("given").archive


def test_each_is_a_strategy_of_its_own(cases, given):
    run = cases("given").run
    plans = planned.given_plans(run)
    found = given_rows(given, "macs")
    assert [row.strategy for row in found] == [f"given: {name}" for name in NAMES]
    for row, plan in zip(found, plans, strict=True):
        assert np.isnan(row.threshold)
        assert row.gain == row.expected_gain == run.gain_of("macs", plan)
        error = run.loss_error(plan)
        assert row.predicted_tau == pytest.approx(run.predicted_tau(error), rel=1e-12)
        evaluation = given.evaluations[run.model.key(plan)]
        assert row.divergence.value == pytest.approx(evaluation.divergence.mean())
        square = np.mean((evaluation.loss - given.baseline.loss) ** 2)
        tau = np.sqrt(square / np.mean(given.baseline.loss**2))
        assert row.measured_tau.value == pytest.approx(tau, rel=1e-12)


def test_a_gain_that_is_not_known_is_none(given):
    """What the device does not run has no gain in time."""
    first, second = given_rows(given, "time")
    assert first.gain > 0 and first.measured_time is not None
    assert second.gain is None and second.gain_share is None and second.expected_gain is None


def test_records_have_them_behind_the_run_s_own(given):
    records = table.records(given, ["time"])
    assert [record["strategy"] for record in records] == [
        *["ip"] * 4,
        *(f"given: {name}" for name in NAMES),
    ]
    assert [record["allowed_tau"] for record in records[-2:]] == [None, None]
    assert records[-1]["gain"] is None
    json.loads(table.json_text(records))
    assert records[-1]["assignment_key"] == given.given[1].assignment_key


def test_no_other_number_depends_on_them(given):
    without = replace(given, given=[])
    for objective in given.objectives:
        own = table.records(given, [objective])[: len(rows(given, objective))]
        assert own == table.records(without, [objective])


def test_the_table_has_a_line_each(given):
    text = table.text(given, ["macs"])
    lines = text.splitlines()
    for name in NAMES:
        (line,) = (line for line in lines if f"given: {name}" in line)
        assert "[" in line, "measured"
    assert "Given: plans of files" in text
    assert "given" not in table.text(replace(given, given=[]), ["macs"]).lower()


def test_the_report_has_them(given):
    page = report.html(given)
    assert page.count("<td>given: ModelOpt, 4.5 bits") == len(given.objectives)
    assert "given: by &lt;hand&gt;" in page
    assert "Plans of files were among them: ModelOpt, 4.5 bits and by &lt;hand&gt;." in page


def test_figures_have_a_point_each(given):
    objectives = {point.objective for point in accuracy.loss_points(given, "empirical", "bias")}
    assert accuracy.GIVEN in objectives
    (drawing,) = gain.draw(given, 7)
    texts = [text.get_text() for axes in drawing.figure.axes for text in axes.texts]
    assert texts == [NAMES[0], *NAMES, *NAMES], "time, macs, memory"


def test_comparisons_pair_them_by_name(cases, given, capsys):
    other = replace(given, given=given.given[1:])
    pairs = [pair for pair in comparison.pairs(given, other, "macs") if pair.given is not None]
    assert [pair.given for pair in pairs] == NAMES
    assert pairs[0].second is None and pairs[0].differing is None
    assert pairs[1].differing == 0
    path = str(cases("given").path)
    assert main(["compare", path, path, "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    named = [record for record in records if record["given"] is not None]
    assert [record["given"] for record in named] == NAMES * 3
    assert {record["allowed_tau"] for record in named} == {None}
    assert main(["compare", path, path]) == 0
    assert "given: by <hand>" in capsys.readouterr().out
