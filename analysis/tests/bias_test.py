"""What tables say of predictions that do not hold, and the mean change of the loss."""

import json
from dataclasses import replace

import numpy as np
import pytest
from gainsweep_analysis import exports, plans, table
from gainsweep_analysis.statistics import mean_change


def reference(change, surplus, spread, divergence, tilt):
    """One list at a time, as docs/method.md writes it."""
    count = len(change)
    correction = sum(surplus) / count * sum(tilt) / sum(spread)
    closed = sum(divergence) / count - correction
    mean = sum(change) / count
    error = sum((c - mean) ** 2 for c in change) / (count - 1) / count
    weight = (correction / 2) ** 2 / ((correction / 2) ** 2 + error)
    return closed + weight * (mean - closed)


def columns(count, seed):
    draw = np.random.default_rng(seed).normal
    return (
        draw(0, 0.1, count),
        draw(0.3, 0.1, count),
        4 + draw(0, 1, count) ** 2,
        *(np.abs(draw(0, scale, count)) for scale in (0.01, 0.5)),
    )


@pytest.mark.parametrize("seed", range(5))
def test_mean_change_follows_its_formula(seed):
    given = columns(17, seed)
    assert mean_change(*given) == pytest.approx(reference(*given), rel=1e-12)
    stacked = [np.stack([column, column[::-1]]) for column in given]
    assert mean_change(*stacked) == pytest.approx([reference(*given)] * 2, rel=1e-12)


def test_mean_change_without_correction_is_the_divergence():
    change, surplus, spread, divergence, tilt = columns(9, 1)
    none = np.zeros(9)
    assert mean_change(change, surplus, spread, divergence, none) == divergence.mean()
    assert mean_change(change, surplus, none, divergence, tilt) == divergence.mean()


def test_a_prediction_outside_the_measured_interval_is_marked(cases):
    archive = cases("whole").archive
    marked = 0
    for objective in archive.objectives:
        text = table.text(archive, [objective])
        off = [row for row in plans.rows(archive, objective) if row.is_off]
        for row in plans.rows(archive, objective):
            if row.measured_tau is not None:
                inside = row.measured_tau.low <= row.predicted_tau <= row.measured_tau.high
                assert row.is_off != inside
        head, _, note = text.partition(f"{table.OFF} Predicted outside")
        assert head.count(table.OFF) == len(off)
        assert bool(note) == bool(off)
        for row in off:
            assert table.significant(row.predicted_tau, 3, 100) in " ".join(note.split())
        marked += len(off)
    assert marked, "the made-up losses part from what is predicted somewhere"


def test_measured_intervals_hold_the_arithmetic_floor(cases):
    archive = cases("whole").archive
    high = archive.baseline.loss
    key, plan = next((k, e) for k, e in archive.evaluations.items() if np.any(e.assignment))
    other = replace(plan, next_loss=high + 1.5 * (plan.loss - high))  # half as far off again
    again = replace(archive, evaluations=archive.evaluations | {key: other})
    assert plans.measured_floor(archive) is None
    assert plans.measured_floor(again) == pytest.approx(1.96 * 0.5 / np.sqrt(2), rel=1e-3)
    before = plans.evaluated_tau(archive, plan)
    after = plans.evaluated_tau(again, other)
    share = plans.measured_floor(again)
    assert after.value == before.value
    assert after.high - after.value == pytest.approx(
        np.hypot(before.high - before.value, share * before.value), rel=1e-12
    )
    objectives = list(archive.objectives)
    sentence = "what arithmetic alone does to it, ±69 %"
    assert sentence in " ".join(table.text(again, objectives).split())
    assert "arithmetic alone" not in table.text(archive, objectives)


def test_plans_show_their_own_mean_change(cases):
    archive = cases("whole").archive
    evaluated = [
        row
        for objective in archive.objectives
        for row in plans.rows(archive, objective)
        if row.measured_tau is not None and row.assignment.any()
    ]
    assert evaluated
    for row in evaluated:
        found, high = archive.evaluations[row.assignment_key], archive.baseline
        expected = reference(
            found.loss - high.loss,
            high.loss - high.entropy,
            high.spread,
            found.divergence,
            found.tilt,
        )
        assert row.measured_bias.value == pytest.approx(expected, rel=1e-9)
        assert row.measured_bias.low <= row.measured_bias.value <= row.measured_bias.high
    records = json.loads(table.json_text(table.records(archive, archive.objectives)))
    shown = {record["assignment_key"]: record["measured_bias_nat"] for record in records}
    row = evaluated[-1]
    assert shown[row.assignment_key] == row.measured_bias.value


def test_a_plan_tells_its_interval_and_mean_change(cases):
    archive = cases("whole").archive
    row = [row for row in plans.rows(archive, "macs") if row.measured_bias is not None][-1]
    text = exports.text(exports.choose(archive, "macs", row.threshold, None))
    low, high = row.predicted_interval
    assert low < row.predicted_tau < high
    assert "mean change" in text and "the plan's own" in text
