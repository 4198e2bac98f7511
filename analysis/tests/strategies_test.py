"""Strategies side by side: rows, table, LaTeX, records, report and figure."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from gainsweep_analysis import __main__, plans, qualities, report, searches, strategies
from gainsweep_analysis.contents import Searched
from gainsweep_analysis.figures import strategies as figure


@pytest.fixture
def case(cases):
    return cases("rivals")


def run(capsys, *arguments):
    code = __main__.main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def test_rows_are_the_evaluated_plans_of_each_strategy(case):
    rows = strategies.rows(case.archive, "macs")
    assert list(rows) == ["ip", "amp"]  # prefix was not evaluated
    assert [row.plan.threshold for row in rows["amp"]] == list(case.run.recipe.thresholds)
    assert {row.passes for own in rows.values() for row in own} == {3}
    assert {row.reliability for row in rows["ip"]} == {None}
    assert {row.reliability for row in rows["amp"]} == {0.31}
    assert all(row.is_unreliable for row in rows["amp"])
    assert not any(row.is_unreliable for row in rows["ip"])


def test_a_reliability_that_is_not_known_is_none_to_rank_by():
    assert strategies.Row(None, 3, float("nan")).is_unreliable
    assert not strategies.Row(None, 3, 0.5).is_unreliable


def test_hits_are_means_over_samples_paired_with_those_of_all_high(case):
    high = case.run.hits(np.zeros(len(case.archive.ops), int))
    for row in plans.rows(case.archive, "macs"):
        own = case.run.hits(row.assignment)
        assert row.alike.value == pytest.approx(np.mean(own["agreement"]), rel=1e-12)
        assert row.top1.value == pytest.approx(np.mean(own["top1"]), rel=1e-12)
        for name in ("top1", "top5"):
            change = getattr(row, f"{name}_change")
            expected = np.mean(own[name]) - np.mean(high[name])
            assert change.value == pytest.approx(expected, abs=1e-12)
            assert change.low <= change.value <= change.high
    found = plans.rows(case.archive, "macs")
    assert len({row.top1.value for row in found}) > 1, "plans differ"
    columns = qualities.hit_columns(case.archive, found, wide=True)
    assert columns[0].cells[-1].startswith(f"{100 * found[-1].alike.value:.1f}"[:4])


def test_the_table_marks_scores_that_rank_by_luck(case, capsys):
    code, text, _ = run(capsys, "strategies", case.path, "--objective", "macs")
    assert code == 0
    lines = [line for line in text.splitlines() if line.strip().startswith("amp")]
    assert len(lines) == len(case.run.recipe.thresholds)
    assert all(line.rstrip().endswith("0.31 !") for line in lines)
    assert "! below 0.5, where an order is luck" in " ".join(text.split())


def test_records_have_bounds_and_no_nan(case, capsys):
    _, text, _ = run(capsys, "strategies", case.path, "--format", "json")
    records = json.loads(text)
    assert {record["objective"] for record in records} == {"time", "macs", "memory"}
    one = next(r for r in records if r["strategy"] == "amp")
    assert one["tau_low"] <= one["tau"] <= one["tau_high"]
    _, text, _ = run(capsys, "strategies", case.path, "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(text)))) == len(records)


def test_latex_is_a_tabular_an_objective(case, capsys):
    _, text, _ = run(capsys, "strategies", case.path, "--format", "latex")
    assert text.count(r"\begin{tabular}") == text.count(r"\bottomrule") == 3
    written = [line for line in text.splitlines() if not line.startswith("%")]
    assert r"$\tau$" in text and not any("τ" in line for line in written)
    cells = {line.count(" & ") for line in written if line.endswith(r"\\")}
    assert cells == {8}, "as many as there are columns"


def test_one_strategy_is_no_comparison(cases, capsys):
    code, _, error = run(capsys, "strategies", cases("whole").path)
    assert code == 2
    assert "no two strategies have evaluated plans for one objective. Name several" in error
    assert report.html(cases("whole").archive).count('<h2 id="s-strategies">') == 0


def test_the_report_has_table_and_figure(case):
    page = report.html(case.archive)
    assert '<h2 id="s-strategies">' in page
    assert "Strategies for macs" in page and "amp (3, unreliable)" in page


def test_the_figure_has_a_point_for_each_plan_that_lowers_something(case):
    drawing = next(d for d in figure.draw(case.archive, 7.0) if d.name == "strategies_macs")
    rows = strategies.rows(case.archive, "macs")
    axes = drawing.figure.axes[0]
    assert axes.get_ylabel() == "KL, mnat" and axes.get_yscale() == "log"
    for own, container in zip(rows.values(), axes.containers, strict=True):
        lowering = [row for row in own if row.plan.assignment.any()]
        points = sorted((100 * r.plan.gain_share, 1e3 * r.plan.divergence.value) for r in lowering)
        assert np.allclose(container.lines[0].get_xydata(), points)


def measured_singles(archive, scores):
    """The archive as if every op had been measured alone, with these divergences."""
    samples = np.linspace(0.9, 1.1, 4)
    high = np.zeros(len(archive.ops), int)
    searched = {tuple(map(int, high)): Searched(samples, 0 * samples, 0 * samples)}
    for place, score in enumerate(scores):
        assignment = high.copy()
        assignment[place] = 1
        own = Searched(samples - score, score * samples, np.full(4, score))
        searched[tuple(map(int, assignment))] = own
    return replace(archive, searched=searched)


def test_agreement_is_the_rank_correlation_of_scores(case):
    assert searches.agreement(case.archive) is None, "nothing was searched"
    divergences = np.random.default_rng(0).permutation(len(case.archive.ops)) + 1.0
    archive = measured_singles(case.archive, divergences)
    found = searches.agreement(archive)
    assert found.names == ["first_order", "single_loss", "single_kl", "sqnr"]
    correlations = dict(zip(found.names, found.correlations[2], strict=True))
    assert correlations["single_kl"] == pytest.approx(1)
    assert correlations["sqnr"] == pytest.approx(1), "noise rises with the divergence"
    assert correlations["single_loss"] == pytest.approx(-1), "the loss falls by it"
    errors = archive.loss_errors["empirical"][:, 1]
    order = [np.argsort(np.argsort(values)) for values in (errors, divergences)]
    assert correlations["first_order"] == pytest.approx(np.corrcoef(*order)[0, 1])


def test_the_square_of_scores_is_shown(case):
    archive = measured_singles(case.archive, np.arange(len(case.archive.ops)) + 1.0)
    text = strategies.text(archive, ["macs"])
    assert "Scores of ops and formats" in text and "rank correlation" in text
    assert "rank correlation" in report.html(archive)
    assert "Scores of ops and formats" not in strategies.text(case.archive, ["macs"])


def test_ties_share_a_rank():
    assert searches._ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0, 2.5, 1]
