"""Gains of configurations against the sums of single gains and against theoretical ones."""

import itertools
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import synthetic
from gainsweep_analysis import additivity, archive, figures, report
from gainsweep_analysis.contents import TimeSource
from gainsweep_analysis.figures import configurations, style, timing
from gainsweep_analysis.statistics import Estimate
from report_test import Page, overlapping

SOURCE = TimeSource("modelled", "gaudi2", "tile", Estimate(0.1, 0.09, 0.11))
CAST = 0.003  # part of a run, shared by all lowered ops of a sub-graph


def modelled(found, source=SOURCE):
    """The archive as if its times came from elsewhere: every configuration has one, and the first
    op that is lowered pays for a cast."""
    saved = []
    for subgraph in found.subgraphs:
        ops = [found.ops[op] for op in subgraph.ops]
        names = [format_.name for format_ in found.formats]
        of_subgraph = {}
        for formats in itertools.product(names, repeat=len(ops)):
            lowered = [place for place, name in enumerate(formats) if name != found.high]
            value = sum(0.002 * (place + 1) for place in lowered) - CAST * bool(lowered)
            of_subgraph[formats] = Estimate(value, value - 0.001, value + 0.002)
        saved.append(of_subgraph)
    return replace(found, time_source=source, saved=saved, timings=[], contests=[])


def drawings(found, width=style.PAGE):
    with style.settings():
        return configurations.draw(found, width)


def words(drawing):
    labels = drawing.figure.axes[0].get_xticklabels()
    return [label.get_text().replace("\n", "") for label in labels]


def test_measured_gains_follow_from_raw_seconds(cases):
    case = cases("whole")
    timed = case.run.timings[0]
    parts = (timed.seconds[:, :1] - timed.seconds) / timed.all_high[:, None] / timed.members
    medians = dict(zip(timed.configurations, np.median(parts, axis=0), strict=True))
    found = additivity.gains(case.archive, 0)
    assert len(found) == 8
    assert [g.joint.value for g in found] == sorted((g.joint.value for g in found), reverse=True)
    macs = case.run.gains["macs"][0]
    for gain in found:
        key = tuple(case.run.model.formats.index(name) for name in gain.formats)
        assert gain.joint.value == pytest.approx(medians[key])
        singles = [
            tuple(f if at == place else 0 for at in range(5)) for place, f in enumerate(key) if f
        ]
        assert gain.summed.value == pytest.approx(sum(medians[one] for one in singles))
        assert gain.theoretical == pytest.approx(macs[key] / sum(case.run.model.macs))
        assert gain.summed.low <= gain.summed.value <= gain.summed.high
        if len(singles) == 1:
            assert gain.summed == gain.joint
        if not singles:
            assert gain.summed == gain.joint == Estimate(0, 0, 0)


@pytest.mark.parametrize("scope", ["model", "subgraph"])
def test_gains_without_noise_add_up(tmp_path, scope):
    synthetic.write(tmp_path / "archive.h5", synthetic.Recipe(noise=0, scope=scope, evaluated=0))
    found = archive.read(tmp_path / "archive.h5")
    for gain in additivity.gains(found, 0):
        assert gain.summed.value == pytest.approx(gain.joint.value, rel=0.02, abs=1e-12)


def test_rates_of_the_spec_count(cases):
    found = cases("whole").archive
    spec = {**found.spec, "target": {"mac_rates": {"int8": 4, "bf16": 1}}}
    slow = {gain.formats: gain.theoretical for gain in additivity.gains(found, 0)}
    fast = additivity.gains(replace(found, spec=spec), 0)
    assert all(gain.theoretical == pytest.approx(1.5 * slow[gain.formats]) for gain in fast)


def test_theoretical_gains_are_of_the_workload_that_is_timed(cases):
    """Attention grows with the square of the length."""
    found = cases("whole").archive
    longer = {**found.spec["latency"], "length": 10 * found.spec["latency"]["length"]}
    shares = [
        next(g.theoretical for g in additivity.gains(one, 0) if g.formats[0] != "bf16")
        for one in (found, replace(found, spec={**found.spec, "latency": longer}))
    ]
    assert shares[1] < shares[0]


def test_shared_costs_are_the_distance_of_sums(cases):
    found = modelled(cases("whole").archive)
    gains = additivity.gains(found, 0)
    assert len(gains) == 32
    for gain in gains:
        lowered = sum(name != "bf16" for name in gain.formats)
        short = gain.joint.value - gain.summed.value
        assert short == pytest.approx(CAST * max(0, lowered - 1))
        width = gain.summed.high - gain.summed.low
        assert width == pytest.approx(0.003 * lowered)


def test_words_are_those_of_the_gains(cases):
    found = modelled(cases("whole").archive)
    (drawing,) = drawings(found)
    gains = additivity.gains(found, 0)
    assert words(drawing) == [
        "".join("01"[name == "int8"] for name in gain.formats) for gain in gains
    ]
    assert words(drawing)[0] == "11111"
    assert sorted(words(drawing)) == [f"{number:05b}" for number in range(32)]
    assert drawing.figure.axes[0].get_xlabel() == "0 bf16, 1 int8"
    measured = drawings(cases("whole").archive)[0]
    assert {word[3:] for word in words(measured)} == {"00"}  # qk and av have no kernel


def test_tied_ops_have_one_letter(cases):
    found = modelled(cases("whole").archive)
    first = found.subgraphs[0].ops
    ops = [replace(op, tie=min(op.tie, 2)) if i in first else op for i, op in enumerate(found.ops)]
    allowed = [
        {c: saved for c, saved in of.items() if place or len(set(c[2:])) == 1}
        for place, of in enumerate(found.saved)
    ]
    tied = replace(found, ops=ops, saved=allowed)
    (drawing,) = drawings(tied)
    assert sorted(words(drawing)) == [f"{number:03b}" for number in range(8)]
    assert [text.get_text() for text in drawing.figure.axes[0].texts] == ["q\nk\nv qk av"]
    for gain in additivity.gains(tied, 0):
        letters = sum(name != "bf16" for name in gain.formats[:3])
        assert gain.joint.value - gain.summed.value == pytest.approx(CAST * max(0, letters - 1))


def test_every_class_of_eight_or_more_has_a_figure(cases):
    assert [d.name for d in drawings(cases("whole").archive)] == ["configurations_class_0"]
    assert [d.name for d in drawings(modelled(cases("whole").archive))] == [
        "configurations_class_0"
    ]
    more = modelled(cases("resampled").archive)  # of two ops in three formats too: nine
    assert [d.name for d in drawings(more)] == ["configurations_class_0", "configurations_class_2"]
    assert drawings(cases("no_time").archive) == []


def test_a_class_whose_first_member_has_no_times_shows_the_next(cases):
    found = cases("whole").archive
    name = next(s.name for s in found.subgraphs[1:] if s.cls == 0)
    next_one = [replace(found.timings[0], subgraph=name), *found.timings[1:]]
    (drawing,) = drawings(replace(found, timings=next_one))
    assert f"of {name}, measured" in drawing.title


def test_an_op_without_a_time_alone_leaves_sums_out(cases):
    found = modelled(cases("whole").archive)
    single = ("int8", "bf16", "bf16", "bf16", "bf16")
    saved = [{c: s for c, s in of.items() if c != single} for of in found.saved]
    gains = additivity.gains(replace(found, saved=saved), 0)
    assert len(gains) == 31
    assert {gain.formats[0] for gain in gains if gain.summed is None} == {"int8"}
    assert len(drawings(replace(found, saved=saved))) == 1


@pytest.mark.parametrize("name", ["modelled", "imported"])
def test_what_was_not_measured_is_not_called_so(cases, name):
    found = modelled(cases("whole").archive, replace(SOURCE, name=name))
    (drawing,) = drawings(found)
    assert drawing.title.endswith(f", {name} of gaudi2")
    labels = [text.get_text() for text in drawing.figure.legends[0].get_texts()]
    assert labels == [f"{name} of gaudi2", "single gains added", "theoretical (MACs)"]
    said = drawing.title + drawing.caption
    assert re.findall(r".{4}measured.{5}", said) == ["not measured here"]


def test_measured_ones_are(cases):
    (drawing,) = drawings(cases("whole").archive)
    assert drawing.title.endswith(", measured")
    assert drawing.figure.legends[0].get_texts()[0].get_text() == "measured"
    assert "bootstrap intervals over blocks" in drawing.caption
    assert "one of 2 of its class" in drawing.caption


def test_the_report_shows_it_once(cases):
    found = cases("whole").archive
    page = report.html(found)
    assert Page(page).text.count(f"Gains of the configurations of {found.subgraphs[0].name}") == 1
    with style.settings():
        panels = {d.name: len(d.figure.axes) for d in timing.draw(found, style.PAGE)}
    assert panels.pop("latency_class_0") == 1  # its savings stand in the other figure
    assert set(panels.values()) == {2}
    text = Page(report.html(modelled(found))).text
    assert "Gains of the configurations of" in text and "modelled of gaudi2" in text


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("case", ["whole", "resampled"])
def test_words_have_room(cases, case, width):
    """32 are all named; of 243 every so many."""
    found = modelled(cases(case).archive)
    inches = figures.WIDTHS[width]
    with style.settings(), warnings.catch_warnings():
        warnings.simplefilter("error")
        drawing = configurations.draw(found, inches)[0]
        drawing.figure.draw_without_rendering()
        assert not overlapping(drawing.figure)
    count = len(additivity.gains(found, 0))
    every = -(-count // len(words(drawing)))
    assert (every > 1) == (count > 32)
    assert (f"One configuration in {every} is named" in drawing.caption) == (every > 1)
