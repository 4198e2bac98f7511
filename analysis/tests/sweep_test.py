"""Sweeps: points are read, chosen by their parameters and set beside each other."""

import csv
import io
import itertools
import json

import pytest
import synthetic
from gainsweep_analysis import archive, figures, parameters, table
from gainsweep_analysis.__main__ import main

PARAMETERS = {
    "calibration.samples": ["6", "6", "9"],
    "solve.loss_model": ["first_order", "bias", "bias"],
}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    path = tmp_path_factory.mktemp("swept") / "archive.h5"
    recipes = [
        synthetic.Recipe(samples=int(samples), loss_model=model, objectives=("macs",))
        for samples, model in zip(*PARAMETERS.values(), strict=True)
    ]
    runs = synthetic.write_sweep(path, recipes, PARAMETERS)
    return path, recipes, runs


def test_a_point_reads_like_an_archive_of_its_own(swept, tmp_path):
    path, recipes, _ = swept
    sweep = archive.read_sweep(path)
    for point, recipe in zip(sweep.points, recipes, strict=True):
        synthetic.write(tmp_path / "alone.h5", recipe)
        alone = archive.read(tmp_path / "alone.h5")
        found = sweep.at(point)
        assert found.spec == alone.spec
        assert table.records(found, ["macs"]) == table.records(alone, ["macs"])
        assert len(found.scores.loss) == recipe.samples


def test_points_are_chosen_by_value(swept):
    sweep = archive.read_sweep(swept[0])

    def numbers(**conditions):
        named = {path.replace("__", "."): value for path, value in conditions.items()}
        return [point.number for point in sweep.where(named)]

    assert numbers() == [0, 1, 2]
    assert numbers(calibration__samples="6") == [0, 1]
    assert numbers(calibration__samples="6", solve__loss_model="bias") == [1]
    assert numbers(solve__loss_model='"bias"') == [1, 2]


def test_records_carry_the_parameters(swept, capsys):
    assert (
        main(["table", str(swept[0]), "--format", "csv", "--select", "solve.loss_model=bias"]) == 0
    )
    records = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {record["calibration.samples"] for record in records} == {"6", "9"}
    assert {record["solve.loss_model"] for record in records} == {"bias"}
    assert main(["table", str(swept[0]), "--format", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3 * len(synthetic.Recipe().thresholds)


def test_the_report_sets_all_points_side_by_side(swept, tmp_path):
    out = tmp_path / "report.html"
    assert main(["report", str(swept[0]), "--out", str(out)]) == 0
    page = out.read_text()
    assert page.count("<svg") == 2
    assert "calibration.samples" in page and "first_order" in page
    assert page.index("The answer") < page.index("<svg")
    single = ["--select", "calibration.samples=9"]
    assert main(["report", str(swept[0]), "--out", str(out), *single]) == 0
    assert "Provenance" in out.read_text()


def labels_of(*values):
    paths = ("calibration.samples", "solve.noise", "evaluate.samples", "threads")
    return parameters.Labels([dict(zip(paths, row, strict=True)) for row in values])


def test_points_are_named_by_what_varies():
    labels = labels_of("6a12", "6b12", "9a12", "9b12")
    assert labels.varying() == ["calibration.samples", "solve.noise"]
    assert labels.of([0]) == "calibration.samples 6, noise a"
    assert labels.of([0, 1]) == "calibration.samples 6"
    assert labels.of([0, 2]) == "noise a"
    assert labels.of([0, 3]) == "calibration.samples 6, noise a = calibration.samples 9, noise b"
    assert labels.of([0, 1, 2, 3]) == "all points"
    assert labels.note() == "Noise is solve.noise."


def eight_points(tmp_path):
    """Four leaves, of which two change nothing of what plans gain."""
    values = list(itertools.product(("6", "9"), ("paper", "empirical"), ("64", "128")))
    recipes = [
        synthetic.Recipe(samples=int(samples), layers=1, draws=1) for samples, _, _ in values
    ]
    swept = dict(
        zip(
            ("calibration.samples", "solve.noise", "calibration.length"),
            zip(*values, strict=True),
            strict=True,
        )
    )
    swept = {path: list(column) for path, column in swept.items()}
    path = tmp_path / "archive.h5"
    synthetic.write_sweep(path, recipes, swept | {"threads": ["1"] * 8})
    sweep = archive.read_sweep(path)
    return [sweep.at(point) for point in sweep.points]


def test_eight_points_of_four_leaves(tmp_path):
    found = eight_points(tmp_path)
    assert figures.sweep.equal_curves(found, found[0].objectives) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    for width in figures.WIDTHS.values():
        gain, prediction = figures.draw_sweep(found, width)
        assert [text.get_text() for text in gain.figure.legends[0].texts] == [
            "samples 6",
            "samples 9",
        ]
        assert "The 8 points make 2 curves" in gain.caption
        for drawing in (gain, prediction):
            drawing.figure.draw_without_rendering()
            box = drawing.figure.get_tightbbox()
            assert box.x0 > -0.02 and box.x1 < width + 0.02, drawing.name
            assert min(axes.get_position().width for axes in drawing.figure.axes) > 0.2


def test_figures_of_all_points_and_of_each(swept, tmp_path):
    command = ["figures", str(swept[0]), "--select", "calibration.samples=6"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    assert (tmp_path / "sweep_gain.png").is_file()
    assert {folder.name for folder in tmp_path.iterdir() if folder.is_dir()} == {
        "point_0",
        "point_1",
    }
    assert (tmp_path / "point_1" / "gain.pdf").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "seed=1"], "'seed' is no parameter of its sweep"),
        (["--select", "calibration.samples=7"], "there are calibration.samples: 6, 9"),
    ],
)
def test_wrong_choices_are_refused(swept, capsys, arguments, message):
    assert main(["table", str(swept[0]), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_one_archive_is_wanted_where_there_are_many(swept, capsys):
    assert main(["compare", str(swept[0]), str(swept[0])]) == 2
    assert "it has 3 points where one is wanted" in capsys.readouterr().err


def test_comparisons_are_records_too(cases, capsys):
    paths = [str(cases(name).path) for name in ("whole", "no_time")]
    assert main(["compare", *paths, "--format", "json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {record["objective"] for record in records} == {"time", "macs", "memory"}
    assert all(r["b_gain"] is None for r in records if r["objective"] == "time")
