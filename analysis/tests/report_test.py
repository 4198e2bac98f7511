"""The report stands alone; every command works on every kind of archive."""

import itertools
import json
import re
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import synthetic
from conftest import RECIPES
from gainsweep_analysis import (
    answer,
    archive,
    comparison,
    figures,
    grid,
    report,
    table,
    timings,
)
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.figures import accuracy, maps, style, timing
from gainsweep_analysis.layers import layers
from gainsweep_analysis.notation import significant
from gainsweep_analysis.plans import rows as planned_rows
from gainsweep_analysis.statistics import Estimate

VOID = {"meta", "br", "img", "hr", "input", "link"}


class Page(HTMLParser):
    """Collects what a page refers to and checks that its tags close."""

    def __init__(self, html):
        super().__init__()
        self.references, self.ids, self.open, self.tags, self.text = [], [], [], set(), ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self._note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self._note(tag, attrs)

    def _note(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.references.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page_of(cases, tmp_path_factory):
    """The text of a report that the command wrote."""
    pages = {}

    def page(name: str) -> str:
        if name not in pages:
            path = tmp_path_factory.mktemp(name) / "deep" / "report.html"
            assert main(["report", str(cases(name).path), "--out", str(path)]) == 0
            files = {file.name for file in path.parent.iterdir()}
            assert files == {"report.html", "report_plans"}
            pages[name] = path.read_text(encoding="utf-8")
        return pages[name]

    return page


@pytest.mark.parametrize("name", RECIPES)
def test_self_contained(page_of, name):
    html = page_of(name)
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    plans = [ref for ref in page.references if not ref.startswith(("#", "data:"))]
    assert all(re.fullmatch(r"report_plans/[a-z]+_[0-9.e-]+\.(json|csv)", ref) for ref in plans)
    assert {ref[1:] for ref in page.references if ref.startswith("#")} <= set(page.ids)
    targets = re.findall(r"url\(([^)]*)\)", html)
    assert {target.strip("\"'")[1:] for target in targets} <= set(page.ids)
    assert not page.tags & {"script", "link", "iframe", "img"}
    assert "@import" not in html
    assert "nan" not in page.text.replace("<nan>", "").lower().split()


def test_links_lead_to_the_plans(cases, tmp_path):
    case, out = cases("whole"), tmp_path / "report.html"
    assert main(["report", str(case.path), "--out", str(out)]) == 0
    links = {r for r in Page(out.read_text()).references if r.startswith("report_plans/")}
    assert len(links) > 5
    assert {link for link in links if not (tmp_path / link).is_file()} == set()
    for link in links:
        if link.endswith(".json"):
            plan = json.loads((tmp_path / link).read_text())
            known = case.archive.plans[plan["objective"], "ip"]
            assert plan["gain"] == known.gain[known.point(plan["threshold"]), 0]


@pytest.mark.parametrize("name", ["whole", "no_time", "formats", "failures", "no_evaluation"])
def test_one_heading_per_thing_and_all_in_the_contents(page_of, name):
    html = page_of(name)
    found = re.findall(r"<h([1-6])[^>]*>(.*?)</h\1>", html)
    titles = [title for _, title in found]
    assert len(set(titles)) == len(titles)
    sections = [title for level, title in found if level == "2"]
    contents = re.search(r"<nav.*?</nav>", html, flags=re.DOTALL)[0]
    assert re.findall(r">([^<]+)</a>", contents) == sections
    assert sections[0] == "The answer"


def test_the_answer_is_the_largest_gain_that_keeps_its_word(cases):
    case = cases("whole")
    for objective in case.archive.objectives:
        row = answer.answer_row(case.archive, objective)
        rows = planned_rows(case.archive, objective)
        kept = [r for r in rows if r.measured_tau and r.measured_tau.value <= r.threshold]
        assert row.gain == max(r.gain for r in kept)
        assert row.threshold == min(r.threshold for r in rows if r.gain == row.gain)
        assert f"lower {np.count_nonzero(row.assignment)} of" in report.finding(case.archive, row)


def test_no_plan_says_why(cases):
    found = cases("whole").archive
    assert "too small" in answer.why_nothing(found, "time")
    zero = [{formats: 0 for formats in gains} for gains in found.gains["time"]]
    nothing = replace(found, gains=found.gains | {"time": zero, "macs": zero})
    lower = replace(nothing, spec={**found.spec, "solve": {**found.spec["solve"], "gain": "lower"}})
    assert "solve.gain: lower" in answer.why_nothing(lower, "time")
    assert "saves anything" in answer.why_nothing(lower, "macs")


def test_lowered_ops_in_words(cases):
    found = cases("formats").archive
    places = {op.path: place for place, op in enumerate(found.ops)}

    def words(**lowered):
        assignment = np.zeros(len(places), int)
        for name, format_ in lowered.items():
            matching = [p for path, p in places.items() if re.search(name, path)]
            assignment[matching] = format_
        return answer.lowered_ops(found, assignment)

    assert words() == {}
    assert words(**{"": 1}) == {"int8": "all ops"}
    assert words(**{"": 1, "lm_head": 0}) == {"int8": "all ops but lm_head"}
    assert words(**{r"\.[qk]$": 1}) == {"int8": "q and k of all layers"}
    assert words(**{r"0.*\.[qk]$": 1, r"1.*\.up": 2}) == {
        "int8": "q and k of layer 0",
        "fp8_e4m3": "up of layer 1",
    }


def test_equal_rows_are_one():
    columns = [
        grid.Column("a", "", ["1", "2", "3", "4"]),
        grid.Column("b", "", ["x", "x", "y", "x"]),
    ]
    assert [column.cells for column in grid.merged(columns)] == [["1–2", "3", "4"], ["x", "y", "x"]]


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("name", ["whole", "deep", "tasks"])
def test_figures_hold_their_width(cases, name, width):
    """Nothing leaves the paper, no two names of an axis touch."""
    inches = figures.WIDTHS[width]
    with style.settings(), warnings.catch_warnings():
        warnings.simplefilter("error")
        for drawing in figures.draw_all(cases(name).archive, inches):
            assert drawing.figure.get_figwidth() <= inches
            drawing.figure.draw_without_rendering()
            assert not overlapping(drawing.figure), drawing.name


def overlapping(figure):
    """Pairs of names of ticks of an axis that lie on each other."""
    found = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            boxes = [
                label.get_window_extent()
                for label in axis.get_ticklabels()
                if label.get_visible() and label.get_text()
            ]
            found += [(a, b) for a, b in itertools.pairwise(boxes) if a.overlaps(b)]
    return found


def test_loss_panels_are_no_twins(cases):
    """Here all noises but the paper's predict the same."""
    archive = cases("whole").archive
    solve = archive.spec["solve"]
    assert (solve["loss_model"], solve["noise"]) == ("bias", "empirical")
    groups = accuracy.panels(archive)
    assert [names for names, _ in groups] == [
        [("first_order", "empirical")],
        [("bias", noise) for noise in ("empirical", "squares", "shrunken", "log_uniform")],
        [("bias", "paper")],
    ]


def test_times_are_clipped_where_the_caption_says(tmp_path):
    path = tmp_path / "archive.h5"
    synthetic.write(path, synthetic.Recipe(objectives=("time",), layers=1, blocks=200))
    found = archive.read(path)
    for one, drawing in zip(found.timings, timing.draw(found, style.PAGE), strict=True):
        end = 1e3 * np.percentile(one.seconds, timing.CLIPPED)
        slower = int(np.sum(1e3 * one.seconds > end))
        assert f"ends at the 99th percentile of all runs, {significant(end)} ms" in drawing.caption
        assert f"slower ones ({slower}, up to" in drawing.caption
        left, right = drawing.figure.axes[0].get_xlim()
        assert left < 1e3 * one.seconds.min() and end < right < 1.1 * end
        assert drawing.figure.axes[0].get_xscale() == "linear"


def test_operands_have_names_in_the_map(cases):
    found = cases("whole").archive
    labels = maps.operand_rows(found, layers(found)).labels
    assert labels[6:10] == ["qk query", "qk key", "av weights", "av value"]
    assert labels[:2] == ["q input", "q weight"]


def test_colours_follow_the_style_sheet(page_of):
    html = page_of("whole")
    svgs = "".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)).lower()
    assert not [color for color in style.VARIABLES.values() if color in svgs]
    light, dark = html.split("prefers-color-scheme: dark", 1)
    for name, color in style.VARIABLES.items():
        assert f"--{name}: {color}" in light
        assert f"--{name}:" in dark


def test_sections_follow_the_data(page_of):
    whole, failures = (Page(page_of(name)).text for name in ("whole", "failures"))
    assert "Failures" not in whole
    assert "the loss is <nan> & not finite" in failures
    untimed = Page(page_of("no_time")).text
    assert "Times of the sub-graphs" not in untimed
    unevaluated = Page(page_of("no_evaluation")).text
    assert "Predicted against measured" not in unevaluated
    assert "No plan was evaluated." in unevaluated
    assert "64 predicted tokens" in whole


@pytest.mark.parametrize("name", RECIPES)
def test_text_commands(cases, name, capsys):
    path = str(cases(name).path)
    assert main(["table", path]) == 0
    assert main(["compare", path, str(cases("whole").path)]) == 0
    assert capsys.readouterr().err == ""


def test_noisy_times_are_named(tmp_path):
    """Times of a busy machine get a warning, quiet ones none."""
    quiet, noisy = tmp_path / "quiet.h5", tmp_path / "noisy.h5"
    synthetic.write(quiet, synthetic.Recipe(noise=1e-5))
    synthetic.write(noisy, synthetic.Recipe(noise=0.3))
    assert timings.warning(archive.read(quiet)) is None
    found = archive.read(noisy)
    classes = len(found.timings)
    assert len(timings.imprecise(found)) == len(found.contests)
    assert f"{classes} of {classes} timed classes and" in report.html(found)
    text = table.text(found, found.objectives)
    assert "Times are noisy" in text
    assert "Times are noisy" not in table.text(found, ["macs"])
    assert "*: times less precise" in " ".join(text.split())
    assert "*" not in table.text(archive.read(quiet), ["time"])


def test_times_of_a_slower_card_are_named(cases):
    """Blocks around which the card was held back count, and are told of."""
    found = cases("slow_card").archive
    blocks = sum(contest.blocks for contest in found.contests)
    for text in (report.html(found), " ".join(table.text(found, ["time"]).split())):
        assert f"The card was held back around 3 of {blocks} blocks of times" in text
    assert "held back" not in report.html(cases("whole").archive)


def with_times(found, predicted, measured):
    """The archive as if every timed plan had saved these shares of a run."""
    evaluations = {
        key: replace(e, seconds=np.stack([np.ones(20), 1 - measured], axis=1))
        if e.seconds is not None
        else e
        for key, e in found.evaluations.items()
    }
    savings = dict.fromkeys(found.savings, Estimate(predicted, predicted, predicted))
    return replace(found, evaluations=evaluations, savings=savings)


def headline(found):
    return report.finding(found, answer.answer_row(found, "time"))


def test_a_contradicted_prediction_is_no_headline(cases):
    found = cases("whole").archive
    spread = np.linspace(-0.01, 0.01, 20)
    agreeing = headline(with_times(found, 0.2, 0.2 + spread))
    assert re.search(r"save 20\.\d* \[", agreeing)
    assert "predicted, outside" not in agreeing.split(" at a measured loss")[0]
    contradicted = with_times(found, 0.9, 0.2 + spread)
    said = headline(contradicted)
    assert re.search(r"save 20\.\d* \[", said)
    assert "90.0 % predicted, outside of what was measured" in said
    text = " ".join(table.text(contradicted, ["time"]).split())
    assert "†: the predicted time lies outside" in text
    assert "it costs some" in headline(with_times(found, 0.3, -0.2 + spread))
    assert "no time that can be told from noise" in headline(with_times(found, 0.3, spread))


def test_an_unmeasured_time_is_told_as_predicted(cases):
    found = cases("whole").archive
    untimed = {key: replace(e, seconds=None) for key, e in found.evaluations.items()}
    said = headline(replace(found, evaluations=untimed))
    assert "save a predicted" in said and "not measured as a whole" in said


def test_figures_are_files(cases, tmp_path):
    assert main(["figures", str(cases("whole").path), "--out", str(tmp_path)]) == 0
    stems = {drawing.name for drawing in figures.draw_all(cases("whole").archive)}
    assert {"gain", "loss_error", "time", "sensitivity", "plans_time"} <= stems
    assert {file.name for file in tmp_path.iterdir()} == {
        stem + ending for stem in stems for ending in (".png", ".pdf")
    }


def test_unwritable_report(cases, tmp_path, capsys):
    blocker = tmp_path / "file"
    blocker.write_text("")
    out = str(blocker / "report.html")
    assert main(["report", str(cases("no_evaluation").path), "--out", out]) == 1
    assert "file" in capsys.readouterr().err


def test_loss_points_are_the_distinct_evaluated_plans(cases):
    case = cases("whole")
    points = accuracy.loss_points(case.archive, "empirical", "bias")
    lowered = [e for e in case.archive.evaluations.values() if e.assignment.any()]
    assert len(points) == len(lowered) > 3
    allowed = max(case.run.recipe.thresholds)
    assert all(0 < point.x.value <= 100 * allowed for point in points)
    assert len(accuracy.time_points(case.archive)) == sum(e.seconds is not None for e in lowered)


def test_layers(cases):
    grid = layers(cases("whole").archive)
    assert grid.columns == ["0", "1", ""]
    assert grid.rows == ["q", "k", "v", "qk", "av", "o", "gate", "up", "down", "lm_head"]
    assert len(set(zip(grid.column, grid.row, strict=True))) == len(grid.column)
    assert (grid.column[-1], grid.row[-1]) == (2, 9)


def test_chosen_plans_are_distinct_and_few(cases):
    for plans in cases("whole").archive.plans.values():
        points = maps.chosen_points(plans)
        keys = [plans.assignment_key[point, 0] for point in points]
        assert 0 < len(points) <= maps.MOST_PLANS
        assert len(set(keys)) == len(keys)


def test_configurations_by_falling_gain(cases):
    case = cases("whole")
    shown = timing.shown_configurations(case.archive.timings[0])
    assert shown[0] == 0
    assert sorted(shown) == list(range(8))
    labels = [timing.configuration_label(case.archive, case.archive.timings[0], p) for p in shown]
    assert labels[:2] == ["all bf16", "q k v int8"]


def test_comparison_counts_differing_ops(cases):
    first, second = cases("whole").archive, cases("formats").archive
    for pair in comparison.pairs(first, second, "macs"):
        a, b = (found.plans["macs", "ip"] for found in (first, second))
        point = a.point(pair.threshold)
        names = [
            [found.formats[place].name for place in plans.assignment[point, 0]]
            for found, plans in ((first, a), (second, b))
        ]
        assert pair.differing == sum(x != y for x, y in zip(*names, strict=True))
    same = comparison.pairs(first, first, "time")
    assert [pair.differing for pair in same] == [0] * 4
    assert {
        pair.differing for pair in comparison.pairs(first, cases("no_time").archive, "time")
    } == {None}
