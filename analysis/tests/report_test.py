"""The report stands alone; every command works on every kind of archive."""

import re
from html.parser import HTMLParser

import pytest
import synthetic
from conftest import RECIPES
from gainsweep_analysis import archive, comparison, figures, report, table, timings
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.figures import accuracy, maps, style, timing
from gainsweep_analysis.layers import layers

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
            assert [file.name for file in path.parent.iterdir()] == ["report.html"]
            pages[name] = path.read_text(encoding="utf-8")
        return pages[name]

    return page


@pytest.mark.parametrize("name", RECIPES)
def test_self_contained(page_of, name):
    html = page_of(name)
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    assert all(reference.startswith(("#", "data:")) for reference in page.references)
    assert {ref[1:] for ref in page.references if ref.startswith("#")} <= set(page.ids)
    targets = re.findall(r"url\(([^)]*)\)", html)
    assert {target.strip("\"'")[1:] for target in targets} <= set(page.ids)
    assert not page.tags & {"script", "link", "iframe", "img"}
    assert "@import" not in html
    assert "nan" not in page.text.replace("<nan>", "").lower().split()


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
    configurations = sum(len(timing.configurations) - 1 for timing in found.timings)
    assert timings.wide_intervals(found) == (configurations, configurations)
    assert f"{configurations} of {configurations} timed" in report.html(found)
    text = table.text(found, found.objectives)
    assert "Times are noisy" in text
    assert "Times are noisy" not in table.text(found, ["macs"])


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
