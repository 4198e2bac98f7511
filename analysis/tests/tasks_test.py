"""Tasks: against numbers of lm-evaluation-harness, the raw archive, and draws made one by one."""

import csv
import io
import itertools
import json
import math
import statistics
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from gainsweep_analysis import archive, report
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.contents import Answers, Task
from gainsweep_analysis.figures import tasks as figure
from gainsweep_analysis.measurements import read_tasks
from gainsweep_analysis.tables import Table
from gainsweep_analysis.tasks import comparison, latex, rows, table
from gainsweep_analysis.tasks.comparison import DRAWS, SEED, mcnemar, results

SHARED = Path(__file__).parents[3] / "shared/data/tasks"
GOLDENS = SHARED / "task_goldens_stories260K.json"


def golden_task(name: str) -> Task:
    """Answers of the harness to the requests of an items file: with BOS as if of the all-high
    model, without as if of a plan."""
    goldens = json.loads(GOLDENS.read_text())
    with h5py.File(SHARED / f"items_{name}_stories260K.h5") as file:
        request = {field: file[f"request/{field}"][()] for field in file["request"]}
        item = {field: file[f"item/{field}"][()] for field in file["item"]}
        kind = file.attrs["kind"]
    request["targets"] = np.diff(request["offset"]) - request["start"]
    if kind == "rolling":  # the harness tells the sum of a document's windows
        request["targets"] = np.bincount(request["item"], request["targets"])
        request |= {field: item["label"] * 0 for field in ("bytes", "characters")}
        request["item"] = np.arange(len(item["label"]))

    def answers(bos, lowered):
        flat = goldens[bos][name]["per_item"]
        if kind != "rolling":
            flat = [tuple(asked) for of_item in flat for asked in of_item]
        pairs = [(of, False) for of in np.ravel(flat)] if kind == "rolling" else flat
        likelihood, greedy = (np.array(column) for column in zip(*pairs, strict=True))
        return Answers(np.array([lowered]), likelihood, greedy)

    return Task(
        name, name, "", kind, "auto", 512, 0, 0, item["label"], item["bytes"], item["words"],
        *(request[field] for field in ("item", "bytes", "characters", "targets")),
        answers={"auto": answers("bos_auto", 0), "never": answers("bos_never", 1)},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["hellaswag", "piqa", "winogrande", "lambada", "wikitext"])
def test_metrics_are_those_of_the_harness(name):
    if not GOLDENS.exists():
        pytest.skip(f"{GOLDENS} is not here")
    goldens = json.loads(GOLDENS.read_text())
    found = results(golden_task(name))
    for key, bos in (("auto", "bos_auto"), ("never", "bos_never")):
        wanted = goldens[bos][name]["metrics"]
        for metric, value in wanted.items():
            assert found[key].scores[metric].value.value == pytest.approx(value, rel=1e-9)
    paired = goldens["paired_never_against_auto"].get(name)
    if paired is not None:
        base, score = (found[key].scores["acc"] for key in ("auto", "never"))
        assert base.value.value == paired["acc_a"] and score.value.value == paired["acc_b"]
        assert base.standard_error == pytest.approx(paired["stderr_a"])
        assert score.difference.value == pytest.approx(paired["difference"])
        assert score.pairs.difference_error == pytest.approx(paired["stderr_paired"])
        assert score.pairs.only_baseline == paired["only_a"]
        assert score.pairs.only_plan == paired["only_b"]
        assert score.pairs.p_value == paired["mcnemar_exact_p"]


def test_mcnemar_is_a_fair_coin():
    for count in range(9):
        for lost in range(count + 1):
            tosses = itertools.product((0, 1), repeat=count)
            far = abs(2 * lost - count)
            as_far = sum(abs(2 * sum(toss) - count) >= far for toss in tosses)
            assert mcnemar(lost, count - lost) == pytest.approx(min(1, as_far / 2**count))
    assert mcnemar(0, 5000) == 0 and mcnemar(2400, 2600) == pytest.approx(0.00487, rel=0.01)


def named(case, name):
    return next(task for task in case.archive.tasks if task.name == name)


def values_by_hand(task, answers, places):
    """Metrics of a choice task, or perplexity, over these items."""
    rights = {"acc": [], "acc_norm": [], "acc_bytes": []}
    likelihood, targets = [], []
    for place in places:
        own = [r for r, item in enumerate(task.item) if item == place]
        likelihood.append(sum(answers.loglikelihood[r] for r in own))
        targets.append(sum(task.targets[r] for r in own))
        for name, lengths in (
            ("acc", None),
            ("acc_norm", task.characters),
            ("acc_bytes", task.bytes),
        ):
            scores = [
                answers.loglikelihood[r] / (lengths[r] if lengths is not None and lengths[r] else 1)
                for r in own
            ]
            rights[name].append(scores.index(max(scores)) == task.label[place])
    shares = {name: statistics.fmean(column) for name, column in rights.items()}
    return shares | {"token_perplexity": math.exp(-sum(likelihood) / sum(targets))}


@pytest.mark.parametrize(("name", "metric"), [("hellaswag", "acc_norm"), ("hellaswag", "acc"),
                         ("wikitext", "token_perplexity")])  # fmt: skip
def test_intervals_are_of_items_drawn_for_both(cases, name, metric, monkeypatch):
    monkeypatch.setattr(comparison, "DRAWS", 200)
    task = named(cases("tasks"), name)
    key = list(task.answers)[-1]
    score = results(task)[key].scores[metric]
    count = len(task.label)
    drawn = np.random.default_rng(SEED).integers(count, size=(200, count))
    own, base = (
        np.array([values_by_hand(task, answers, places)[metric] for places in drawn])
        for answers in (task.answers[key], task.baseline)
    )
    low, high = np.quantile(own, [0.025, 0.975])
    assert (score.value.low, score.value.high) == pytest.approx((low, high))
    low, high = np.quantile(own - base, [0.025, 0.975])
    assert (score.difference.low, score.difference.high) == pytest.approx((low, high))
    whole = values_by_hand(task, task.answers[key], range(count))[metric]
    assert score.value.value == pytest.approx(whole)


def test_flips_and_changes(cases):
    task = named(cases("tasks"), "hellaswag")
    base, found = task.baseline, results(task)
    for key, answers in task.answers.items():
        flips, changes = [], []
        for place, label in enumerate(task.label):
            own = np.flatnonzero(task.item == place)
            flips.append(base.loglikelihood[own].argmax() != answers.loglikelihood[own].argmax())
            changes.append(answers.loglikelihood[own[label]] - base.loglikelihood[own[label]])
        result = found[key]
        assert result.scores["acc"].pairs.flipped == pytest.approx(np.mean(flips))
        assert result.right_change.value == pytest.approx(np.mean(changes))
        squares = ((answers.loglikelihood - base.loglikelihood) / task.targets) ** 2
        assert result.square_change.value == pytest.approx(np.mean(squares))
    rolling = results(named(cases("tasks"), "wikitext"))
    assert {result.right_change for result in rolling.values()} == {None}


def test_items_without_a_right_choice_count_nowhere(cases):
    task = named(cases("tasks"), "hellaswag")
    label = np.where(np.arange(len(task.label)) < 10, task.label, -1)
    kept = task.item < 10
    fewer = replace(
        task,
        label=task.label[:10],
        **{f: getattr(task, f)[kept] for f in ("item", "bytes", "characters", "targets")},
        answers={
            key: Answers(a.assignment, a.loglikelihood[kept], a.greedy[kept])
            for key, a in task.answers.items()
        },
    )
    assert results(replace(task, label=label)) == results(fewer)
    assert results(replace(task, label=np.full(len(label), -1))) == {}


def test_one_item_has_no_interval(cases):
    task = named(cases("tasks"), "wikitext")
    kept = task.item < 1
    one = replace(
        task, label=task.label[:1], item_words=task.item_words[:1], item_bytes=task.item_bytes[:1],
        **{f: getattr(task, f)[kept] for f in ("item", "bytes", "characters", "targets")},
        answers={key: Answers(a.assignment, a.loglikelihood[kept], a.greedy[kept])
                 for key, a in task.answers.items()},
    )  # fmt: skip
    for result in results(one).values():
        assert all(math.isnan(score.value.low) for score in result.scores.values())


def test_an_assignment_with_a_chunk_missing_is_left_out(cases):
    with h5py.File(cases("tasks").path) as file:
        tables = archive.read_tables(file)
    path = "evaluations/tasks/piqa"
    whole = tables[path]
    assert len(set(whole["first_request"])) == 3 and whole["num_requests"].tolist()[:3] == [
        128,
        128,
        44,
    ]
    kept = np.arange(len(whole["greedy"])) != 4
    cut = {name: column[kept] for name, column in whole.columns.items()}
    found, fewer = (
        {task.name: task for task in read_tasks(changed)}
        for changed in (tables, tables | {path: Table(cut, whole.units)})
    )
    lost = set(found["piqa"].answers) - set(fewer["piqa"].answers)
    assert lost == {whole["assignment_key"][4]}
    assert not any(np.isnan(a.loglikelihood).any() for a in found["piqa"].answers.values())


def test_strategies_stand_side_by_side(cases):
    found = rows.asked(cases("tasks").archive)
    assert [group.name for group in found.groups] == ["time", "macs", "memory", "bits"]
    macs = found.groups[1].lines
    assert macs[0].plan is None and macs[0].strategy == "bf16" and macs[0].saved == 0
    allowed = [line.plan.threshold for line in macs[1:-1]]
    assert allowed == sorted(allowed) and len(set(allowed)) == 4
    assert {line.strategy for line in macs[1:-1]} == {"ip", "prefix", "random"}
    assert macs[-1].strategy == "given: by <hand> & 4_bits"
    assert [line.plan.budget for line in found.groups[3].lines[1:]] == [9.0, 12.0]
    assert rows.asked(cases("whole").archive).groups == []


def test_records_are_whole_and_of_every_metric(cases, capsys):
    path = str(cases("tasks").path)
    assert main(["tasks", path, "--format", "json", "--objective", "macs"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {record["group"] for record in records} == {"macs"}
    of_high = [record for record in records if record["strategy"] == "bf16"]
    assert [(r["task"], r["metric"]) for r in of_high] == [
        *(("hellaswag", name) for name in ("acc", "acc_norm", "acc_bytes")),
        *(("piqa", name) for name in ("acc", "acc_norm", "acc_bytes")),
        *(("lambada", name) for name in ("acc", "perplexity", "token_perplexity")),
        *(("wikitext", name) for name in ("word_perplexity", "byte_perplexity", "bits_per_byte",
                                          "token_perplexity")),
    ]  # fmt: skip
    assert {r["difference"] for r in of_high} == {0} and {
        r["bootstrap_draws"] for r in records
    } == {DRAWS}
    plan = next(r for r in records if r["strategy"] == "ip" and r["task"] == "lambada")
    square = cases("tasks").archive.mean_square_loss
    row = next(r.plan for r in rows.asked(cases("tasks").archive).groups[1].lines if r.plan)
    assert plan["predicted_square_change_nat2"] == pytest.approx(row.predicted_tau**2 * square)
    assert main(["tasks", path, "--format", "csv"]) == 0
    listed = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {record["allowed"] for record in listed} == {"", "9.0", "12.0"}


def test_text_marks_what_is_beyond_chance(cases):
    found = cases("tasks").archive
    text = table.text(found)
    assert "hellaswag: 40 items (json-lines), 160 requests" in text
    assert "wikitext: 6 documents" in text and "lost, won" in text
    of_others = replace(found.tasks[0], variant="", dropped=2)
    assert "40 items (2 dropped), 160" in table.describe(of_others)
    assert "40 items, 160" in table.describe(replace(of_others, dropped=0))
    asked = rows.asked(found)
    for group in asked.groups:
        columns = table.columns(asked, group)[3:]
        for column, (task, metric) in zip(columns, asked.shown, strict=True):
            for cell, line in zip(column.cells, group.lines, strict=True):
                score = line.results[task.name].scores[metric.name]
                apart = line.plan is not None and (
                    score.pairs.p_value < 0.05
                    if score.pairs
                    else not score.difference.low <= 0 <= score.difference.high
                )
                assert cell.endswith("*") == apart


def test_latex_is_a_table_of_booktabs(cases):
    text = latex.text(cases("tasks").archive)
    assert text.count(r"\begin{tabular}") == text.count(r"\bottomrule") == 4
    assert r"given: by $<$hand$>$ \& 4\_bits" in text and r"acc\_norm, \%" in text
    for part in text.split(r"\begin{tabular}")[1:]:
        width = len(part.split("}")[0].strip("{"))
        for line in part.splitlines():
            if line.endswith(r"\\") and r"\multicolumn" not in line:
                assert line.replace(r"\&", "").count("&") == width - 1
    assert all(line.startswith("%") for line in text.split(r"\begin{tabular}")[0].splitlines())


def test_the_best_of_equal_thresholds_is_bold(cases):
    """The largest accuracy and the least perplexity; none where all are equal."""
    found = rows.asked(cases("tasks").archive)
    group = found.groups[1]
    bold = latex._body(found, group, table.columns(found, group))
    lines = [line for line in bold if line.endswith(r"\\")]
    assert len(lines) == len(group.lines) and "textbf" not in lines[0]
    for threshold, together in itertools.groupby(
        zip(lines, group.lines, strict=True), lambda pair: pair[1].allowed
    ):
        pairs = [(line.split(" & "), row) for line, row in together if threshold]
        for column, (task, metric) in enumerate(found.shown, start=3):
            values = [row.results[task.name].scores[metric.name].value.value for _, row in pairs]
            best = max(values, default=0) if metric.is_share else min(values, default=0)
            for (cells, _), value in zip(pairs, values, strict=True):
                is_best = value == best and min(values) < max(values)
                assert (r"\textbf" in cells[column]) == is_best


def test_report_and_figures_have_them(cases):
    found = cases("tasks").archive
    page = report.html(found)
    assert page.count("<h3>Tasks: ") == 4 and ">Tasks</h2>" in page
    assert "given: by &lt;hand&gt; &amp; 4_bits" in page
    drawings = figure.draw(found, 7)
    assert [drawing.name for drawing in drawings] == [
        f"tasks_{name}" for name in ("time", "macs", "memory", "bits")
    ]
    titles = [axes.get_title() for axes in drawings[0].figure.axes]
    assert titles == ["hellaswag", "piqa", "lambada", "lambada", "wikitext"]
    assert ">Tasks</h2>" not in report.html(cases("whole").archive)
    assert figure.draw(cases("whole").archive, 7) == []


def test_an_archive_without_tasks_says_so(cases, capsys):
    assert main(["tasks", str(cases("whole").path)]) == 2
    assert "its spec has no evaluate.tasks" in capsys.readouterr().err
    assert main(["tasks", str(cases("tasks").path), "--objective", "joy"]) == 2
    assert "no plans for the objective 'joy'" in capsys.readouterr().err
    bare = replace(
        cases("tasks").archive, tasks=[replace(cases("tasks").archive.tasks[0], answers={})]
    )
    with pytest.raises(archive.ArchiveError, match="none of its plans was asked any"):
        table.text(bare)
