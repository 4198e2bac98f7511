"""Every number of the table against the raw archive, read with h5py alone."""

import csv
import io
import json
import math
import re
import statistics

import h5py
import numpy as np
import pytest
import synthetic
from conftest import RECIPES
from gainsweep_analysis import archive, table
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.notation import fixed, interval, scaled_unit, significant
from gainsweep_analysis.statistics import Estimate


class Raw:
    """What a reader with h5py finds for one plan."""

    def __init__(self, path, objective, strategy, point, draw=0):
        self.file = h5py.File(path)
        top = self.file["measured"] if objective == "time" else self.file
        self.plans = top[f"plans/{objective}/{strategy}"]
        self.point, self.draw = point, draw

    def cell(self, name):
        return self.plans[name][self.point][self.draw]

    def losses(self, key):
        return self.evaluated(key, "loss")

    def divergences(self, key):
        return self.evaluated(key, "divergence")

    def evaluated(self, key, field):
        for group in ("evaluations/losses", "measured/evaluations/losses"):
            if group in self.file:
                keys = list(self.file[group]["assignment_key"].asstr()[()])
                if key in keys:
                    return self.file[group][field][keys.index(key)]
        return None

    def baseline(self):
        return self.file["evaluations/losses/loss"][0]

    def paired(self, key):
        """Parts of the all-high run beside it that a plan saves, by block."""
        times = self.file.get("measured/evaluations/times")
        if times is None:
            return []
        keys = times["assignment_key"].asstr()[()]
        rows = [times["seconds"][i] for i in range(len(keys)) if keys[i] == key]
        return [(block[0] - block[1]) / block[0] for row in rows for block in row]

    def saved(self):
        """Sum of what the sub-graphs save, None where a configuration was not timed."""
        gains = self.file["measured/gains/time"]
        names = self.file["formats/name"].asstr()[()]
        assignment = self.cell("assignment")
        owner = self.file["ops/subgraph"][()]
        total = 0
        for subgraph in range(owner.max() + 1):
            wanted = ",".join(
                names[assignment[op]] for op in range(len(owner)) if owner[op] == subgraph
            )
            rows = [
                float(saved)
                for place, formats, saved in zip(
                    gains["subgraph"], gains["formats"].asstr()[()], gains["saved"], strict=True
                )
                if place == subgraph and formats == wanted
            ]
            if not rows:
                return None
            total += rows[0]
        return total


@pytest.mark.parametrize("name", ["whole", "formats"])
@pytest.mark.parametrize("objective", ["time", "macs", "memory"])
def test_every_number(cases, name, objective):
    case = cases(name)
    records = table.records(case.archive, [objective])
    assert len(records) == len(case.run.recipe.thresholds)
    for point, record in enumerate(records):
        raw = Raw(case.path, objective, "ip", point)
        key = raw.cell("assignment_key").decode()
        assert record["assignment_key"] == key
        assert record["allowed_tau"] == case.run.recipe.thresholds[point]
        assignment = raw.cell("assignment")
        for place, low in enumerate(case.run.recipe.low, start=1):
            share = sum(int(f) == place for f in assignment) / len(assignment)
            assert record[f"lowered_{low}"] == pytest.approx(share)
        assert record["gain"] == raw.cell("gain")
        square = statistics.fmean(g * g for g in raw.file["scores/loss"])
        assert record["predicted_tau"] == pytest.approx(
            math.sqrt(raw.cell("predicted_mse") / square), rel=1e-12
        )
        check_measured(record, raw, key)
        for strategy in ("prefix", "random"):
            gains = Raw(case.path, objective, strategy, point).plans["gain"][point]
            assert record[f"{strategy}_gain"] == statistics.median(int(gain) for gain in gains)


def check_measured(record, raw, key):
    losses, high = raw.losses(key), raw.baseline()
    differences = [(g - h) ** 2 for g, h in zip(losses, high, strict=True)]
    tau = math.sqrt(statistics.fmean(differences) / statistics.fmean(h * h for h in high))
    assert record["measured_tau"] == pytest.approx(tau, rel=1e-12)
    assert record["measured_tau_low"] <= tau <= record["measured_tau_high"]
    apart = raw.divergences(key)
    assert record["divergence_nat"] == pytest.approx(statistics.fmean(apart), rel=1e-12)
    assert record["divergence_nat_low"] <= record["divergence_nat"] <= record["divergence_nat_high"]
    assert record["perplexity"] == pytest.approx(math.exp(statistics.fmean(losses)), rel=1e-12)
    paired = raw.paired(key)
    if paired:
        assert record["measured_time_share"] == pytest.approx(statistics.median(paired), rel=1e-12)
        assert record["measured_time_share_low"] <= record["measured_time_share_high"]
        low, high = record["measured_time_share_low"], record["measured_time_share_high"]
        outside = not low <= record["predicted_time_share"] <= high
        assert record["time_prediction_is_outside"] == outside
    else:
        assert record["measured_time_share"] is None
        assert record["time_prediction_is_outside"] is None
    saved = raw.saved()
    if saved is None:
        assert record["predicted_time_share"] is None
    else:
        assert record["predicted_time_share"] == pytest.approx(saved, rel=1e-12, abs=1e-15)
        assert record["predicted_time_share_low"] <= saved <= record["predicted_time_share_high"]


def test_shares_of_all_high(cases):
    case = cases("whole")
    model = case.run.model
    macs, memory = (table.records(case.archive, [name])[-1] for name in ("macs", "memory"))
    assert macs["gain_share"] == pytest.approx(macs["gain"] / sum(model.macs))
    assert memory["gain_share"] == pytest.approx(memory["gain"] / (2 * sum(model.elements)))
    time = table.records(case.archive, ["time"])[-1]
    with h5py.File(case.path) as file:
        tables = [table for name, table in file["measured/latency"].items()]
        baseline = min(np.median(table["seconds"][:, :, 0]) for table in tables)
    assert time["baseline_time_s"] == pytest.approx(baseline)
    assert time["gain_share"] == pytest.approx(time["predicted_time_share"])
    assert time["gain"] / 1e9 <= time["gain_share"], "plans count the lower ends"


def test_a_machine_that_slows_down_changes_no_share(tmp_path):
    """Every contest and block at a speed of its own: the same shares."""
    shares = []
    for name, speeds in (("steady", [1.0]), ("slowing", [1.0, 9.0, 0.2])):
        path = tmp_path / f"{name}.h5"
        synthetic.write(path, synthetic.Recipe())
        with h5py.File(path, "r+") as file:
            times = [file["measured/evaluations/times"], *file["measured/latency"].values()]
            for place, contest in enumerate(times):
                seconds = contest["seconds"][()]
                factors = np.resize(np.roll(speeds, place), seconds.shape[:2])
                contest["seconds"][...] = seconds * factors[..., None]
        synthetic.seal(path)
        found = archive.read(path)
        records = table.records(found, found.objectives)
        names = [name for name in records[0] if "share" in name]
        listed = [record[name] for record in records for name in names]
        shares.append([share for share in listed if share is not None])
    assert shares[1] == pytest.approx(shares[0], rel=1e-9)


def test_failed_plan_is_left_out(cases):
    """A threshold whose `prefix` unit failed has no number there, not its neighbour's."""
    found = cases("whole").archive
    prefix = found.plans["macs", "prefix"]
    kept = {
        name: value[1:] if isinstance(value, np.ndarray) else value
        for name, value in vars(prefix).items()
    }
    plans = found.plans | {("macs", "prefix"): type(prefix)(**kept)}
    records = table.records(type(found)(**(vars(found) | {"plans": plans})), ["macs"])
    assert records[0]["prefix_gain"] is None
    assert records[1]["prefix_gain"] == prefix.gain[1, 0]


@pytest.mark.parametrize("name", RECIPES)
def test_text_fits_a_terminal(cases, name):
    text = table.text(cases(name).archive, cases(name).archive.objectives)
    assert max(map(len, text.splitlines())) <= 128
    assert "nan" not in text.lower()
    assert "None" not in text


def test_text_names_what_is_there(cases):
    whole = table.text(cases("whole").archive, ["time"])
    assert "Objective time" in whole
    assert "time saved, % of a run" in whole
    assert re.search(r"\d ms in bf16 \(1 × 64 tokens on cpu, the quietest of 5", whole)
    assert "Objective macs" not in whole
    assert (
        "measured" not in table.text(cases("no_evaluation").archive, ["macs"]).split("Each line")[0]
    )
    assert "2 units failed" in table.text(cases("failures").archive, ["macs"])


def test_csv_and_json_hold_the_records(cases, capsys):
    case = cases("whole")
    records = table.records(case.archive, case.archive.objectives)
    assert main(["table", str(case.path), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == records
    assert main(["table", str(case.path), "--format", "csv", "--objective", "macs"]) == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["objective"] for row in listed] == ["macs"] * 4
    wanted = [record for record in records if record["objective"] == "macs"]
    assert float(listed[2]["measured_tau"]) == wanted[2]["measured_tau"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0123456, "0.0123"),
        (9.996, "10.0"),
        (1234.5, "1234"),
        (-0.5, "-0.500"),
        (1.234e-300, "1.23e-300"),
        (-9.996e-8, "-1.00e-07"),
        (1.5e12, "1.50e+12"),
        (None, "–"),
    ],
)
def test_significant(value, text):
    assert significant(value) == text


def test_intervals_as_text():
    assert interval(Estimate(1.234, 1.1, 1.4)) == "1.23 [1.10–1.40]"
    assert interval(Estimate(0.1, -0.02, 0.21)) == "0.10 [-0.02, 0.21]"
    assert interval(Estimate(1.23456, 1.2344, 1.2347)) == "1.235 [1.234–1.235]"
    assert interval(Estimate(1.0, math.nan, math.nan)) == "1.00"
    assert interval(None) == "–"
    assert interval(Estimate(2e-200, 1e-200, 3e-200)) == "2.00e-200 [1.00e-200–3.00e-200]"
    assert interval(Estimate(2.0, 1.0, math.inf)) == "2.00"


def test_fixed_places():
    assert fixed(12.3456, 3) == "12.346"
    assert fixed(1.5e300, 3) == "1.50e+300"


def test_scaled_unit():
    assert scaled_unit(1.5e9, "1") == (1e-9, "GMAC")
    assert scaled_unit(999, "byte") == (1, "B")
    assert scaled_unit(0, "byte") == (1, "B")
