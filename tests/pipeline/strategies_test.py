"""Strategies that measure, against their definitions over again from what the archive holds."""

import itertools
import json

import h5py
import numpy as np
import pytest
from conftest import is_identical, merged, tiny_spec

SEARCHING = ["ip_measured", "single_loss", "single_kl", "clado", "amp"]
THRESHOLDS = [1e-4, 1e-2, 1.0]
SAMPLES = 5


@pytest.fixture(scope="module")
def spec(material, tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "spec.yaml"
    changes = dict(
        formats={"high": "bf16", "low": ["int8", "int4"], "int4": {"range": "mse"}},
        target={"mac_rates": {"int8": 2, "int4": 4}},
        solve={"objectives": ["macs"], "thresholds": THRESHOLDS, "search_samples": SAMPLES,
               "strategies": ["ip", *SEARCHING]},
        evaluate={"samples": 3, "strategies": ["ip", "amp"]},
    )  # fmt: skip
    path.write_text(json.dumps(merged(tiny_spec(material), changes)))
    return path


@pytest.fixture(scope="module")
def out(program, spec, tmp_path_factory):
    out = tmp_path_factory.mktemp("strategies") / "out"
    result = program("run", spec, "--out", out)
    assert result.returncode == 0, result.stderr
    return out


@pytest.fixture
def archive(out):
    with h5py.File(out / "archive.h5") as archive:
        yield archive


class Searched:
    """What was measured on the samples of searches, by assignment."""

    def __init__(self, archive):
        table = archive["evaluations/search"]
        self.ops = table["assignment"].shape[1]
        self.rows = {tuple(row): place for place, row in enumerate(table["assignment"][()])}
        self.fields = {name: table[name][()] for name in ("loss", "divergence", "noise")}
        self.high = self.of("loss", (0,) * self.ops)

    def of(self, field, assignment):
        return self.fields[field][self.rows[tuple(assignment)]]

    def quality(self, assignment):
        change = self.of("loss", assignment) - self.high
        return np.sqrt(np.mean(change**2) / np.mean(self.high**2))

    def singles(self):
        """Ties of this model's ops: none. (op, format) in order."""
        return [(op, low) for op in range(self.ops) for low in (1, 2)]

    def alone(self, op, low):
        assignment = [0] * self.ops
        assignment[op] = low
        return assignment


@pytest.fixture
def searched(archive):
    return Searched(archive)


def bisected(plans, quality, threshold):
    """The last step first, then halves."""
    found, holds, fails, step = None, 0, len(plans) + 1, len(plans)
    while fails - holds > 1:
        if quality(plans[step - 1]) > threshold:
            fails = step
        else:
            found, holds = plans[step - 1], step
        step = (holds + fails) // 2
    return found


def ranks(values):
    values = np.asarray(values)
    return np.array([np.mean(np.flatnonzero(np.sort(values) == value)) for value in values])


def test_amp_lowers_in_the_order_of_noise_until_it_hurts(archive, searched):
    noise = {single: searched.of("noise", searched.alone(*single)) for single in searched.singles()}
    decibels = {single: np.mean(-10 * np.log10(own)) for single, own in noise.items()}
    order = sorted(searched.singles(), key=lambda single: -decibels[single])
    plans, current = [], [0] * searched.ops
    for op, low in order:
        if current[op] == 2:
            continue  # of as few bits already
        current[op] = low
        plans.append(tuple(current))
    table = archive["plans/macs/amp"]
    for row, threshold in enumerate(THRESHOLDS):
        expected = bisected(plans, searched.quality, threshold) or (0,) * searched.ops
        assert tuple(table["assignment"][row, 0]) == expected, threshold


@pytest.mark.parametrize(("strategy", "field"), [("single_kl", "divergence"), ("amp", "noise")])
def test_reliability_is_the_rank_correlation_of_halves(archive, searched, strategy, field):
    per_sample = np.array([searched.of(field, searched.alone(*s)) for s in searched.singles()])
    if strategy == "amp":
        per_sample = 10 * np.log10(per_sample)
    even, odd = ranks(per_sample[:, ::2].mean(1)), ranks(per_sample[:, 1::2].mean(1))
    expected = np.corrcoef(even, odd)[0, 1]
    assert archive[f"plans/macs/{strategy}/reliability"][0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("strategy", SEARCHING)
def test_plans_hold_what_was_measured(archive, searched, strategy):
    for row, threshold in enumerate(THRESHOLDS):
        plan = archive[f"plans/macs/{strategy}/assignment"][row, 0]
        assert not plan.any() or searched.quality(plan) <= threshold


@pytest.mark.parametrize("strategy", ["single_loss", "single_kl"])
def test_no_other_plan_of_equal_scores_gains_more(archive, searched, strategy):
    """The exact programs on scores: gains of the plan from any op's format to a milder one of
    another would break the limit, or gain no more."""
    field = {"single_loss": "loss", "single_kl": "divergence"}[strategy]
    score = np.zeros((searched.ops, 3))
    for op, low in searched.singles():
        own = searched.of(field, searched.alone(op, low))
        score[op, low] = max(np.mean(own - searched.high if field == "loss" else own), 0)
    table = archive[f"programs/macs/{strategy}"]
    macs = archive["ops/macs"][()].astype(float)
    gain = np.outer(macs, [0, 1 / 2, 3 / 4])
    each = np.arange(searched.ops)
    for limit, plan in zip(table["limit"][()], table["assignment"][()], strict=True):
        assert score[each, plan].sum() <= limit * (1 + 1e-12)
        for op in range(searched.ops):
            for low in range(3):
                other = plan.copy()
                other[op] = low
                if score[each, other].sum() <= limit:
                    assert gain[each, other].sum() <= gain[each, plan].sum() + 1


def interactions(searched):
    """What pairs add to the loss beyond both ops where two standard errors tell it from 0."""
    found = {}
    for (a, low), (b, other) in itertools.combinations(searched.singles(), 2):
        if a == b:
            continue
        both = searched.alone(a, low)
        both[b] = other
        terms = searched.of("loss", both) + searched.high
        terms = terms - searched.of("loss", searched.alone(a, low))
        terms = terms - searched.of("loss", searched.alone(b, other))
        error = np.std(terms, ddof=1) / np.sqrt(SAMPLES)
        if abs(terms.mean()) >= 2 * error:
            found[a, low, b, other] = terms.mean()
    return found


def test_clado_has_the_cheapest_plans_that_gain_enough(archive, searched):
    """Every plan there is, tried."""
    ops = searched.ops
    plans = np.array(list(itertools.product(range(3), repeat=ops)))
    cost = np.zeros(len(plans))
    for op, low in searched.singles():
        own = np.mean(searched.of("loss", searched.alone(op, low)) - searched.high)
        cost += own * (plans[:, op] == low)
    terms = interactions(searched)
    assert terms, "some pairs can be told"
    for (a, low, b, other), term in terms.items():
        cost += term * ((plans[:, a] == low) & (plans[:, b] == other))
    gain = plans_gain(archive, plans)
    place = {tuple(plan): row for row, plan in enumerate(plans)}
    table = archive["programs/macs/clado"]
    for part, plan, gap, proved in zip(
        *(table[name][()] for name in ("least_gain", "assignment", "certificate_gap",
                                       "certificate_proved")),
        strict=True,
    ):  # fmt: skip
        enough = gain >= np.floor(part * gain.max())
        best = cost[enough].min()
        found = place[tuple(plan)]
        assert enough[found]
        if proved:
            assert cost[found] == pytest.approx(best, abs=1e-9 * abs(cost).max())
        else:
            assert gap > 0 and cost[found] >= best - 1e-9


def plans_gain(archive, plans):
    macs = archive["ops/macs"][()].astype(float)
    return np.floor(macs * np.array([0, 1 / 2, 3 / 4])[plans]).sum(axis=1)


def test_passes_count_what_was_measured(archive):
    ip, amp = archive["plans/macs/ip"], archive["plans/macs/amp"]
    assert set(ip["passes"][()]) == {3} and "asked" not in ip
    assert (amp["passes"][()] == amp["asked"][()] + 1).all()  # all-high beside them
    measured = archive["plans/macs/ip_measured"]
    assert (measured["passes"][()] == 3 + measured["asked"][()] + 1).all()
    assert "reliability" not in measured


@pytest.mark.parametrize("ranks", [2, 4])
def test_any_number_of_ranks_gives_the_same_archive(program, spec, out, tmp_path, ranks):
    result = program("run", spec, "--out", tmp_path / "out", ranks=ranks, timeout=200)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, out, tmp_path / "out")
    assert same, differences


def test_plans_from_the_archive_are_the_same(program, spec, out, tmp_path):
    result = program("solve", out / "archive.h5", spec, "--out", tmp_path / "new.h5")
    assert result.returncode == 0, result.stderr
    with h5py.File(out / "archive.h5") as run, h5py.File(tmp_path / "new.h5") as solved:
        for strategy in SEARCHING:
            path = f"plans/macs/{strategy}"
            for name in ("assignment", "passes", "gain"):
                assert (run[path][name][()] == solved[path][name][()]).all()


METRICS = {
    "divergence": lambda high, plan: plan["divergence"].mean(),
    "accuracy": lambda high, plan: 1 - plan["top1"].mean() / high["top1"].mean(),
    "agreement": lambda high, plan: 1 - plan["agreement"].mean(),
}


@pytest.mark.parametrize("metric", METRICS)
def test_thresholds_bound_what_the_spec_says(program, spec, tmp_path, metric):
    out = tmp_path / "out"
    chosen = ("--set", f"solve.search_metric={metric}", "--set", "solve.search_verify=2")
    few = ("--set", "solve.strategies=[ip, ip_measured]", "--set", "evaluate.strategies=[]")
    result = program("run", spec, "--out", out, *chosen, *few)
    assert result.returncode == 0, result.stderr
    with h5py.File(out / "archive.h5") as archive:
        table = archive["evaluations/search"]
        rows = {
            tuple(plan): {name: table[name][row] for name in ("divergence", "top1", "agreement")}
            for row, plan in enumerate(table["assignment"][()])
        }
        plans = archive["plans/macs/ip_measured"]
        assert (plans["asked"][()] <= 8 + 2).all()
        high = rows[(0,) * table["assignment"].shape[1]]
        for row, threshold in enumerate(THRESHOLDS):
            plan = tuple(plans["assignment"][row, 0])
            measured = METRICS[metric](high, rows[plan])
            assert measured <= threshold + 1e-12
            assert plans["searched"][row] == pytest.approx(measured, abs=1e-12)


def test_searches_need_samples(program, spec, tmp_path):
    said = program.refuses("check", spec, "--set", "solve.search_samples=0")
    assert "measures plans while it searches, and solve.search_samples is 0" in said
