"""Sweeps: many specs in one run and one archive."""

import json

import h5py
import pytest
from conftest import is_identical, parts, tiny_spec
from gainsweep_analysis import archive
from points import point_differences

SWEEP = {
    "product": {"calibration.samples": [4, 6], "formats.low": [["int8"], ["int8", "fp8_e4m3"]]},
    "zip": {"solve.noise": ["paper", "empirical"], "solve.loss_model": ["first_order", "bias"]},
}  # fmt: skip
POINTS = 8


@pytest.fixture(scope="module")
def swept(program, material, tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    spec = tiny_spec(material) | {"sweep": SWEEP}
    (folder / "spec.yaml").write_text(json.dumps(spec, indent=1))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


def rows(file, path):
    return len(file[path]["unit_key"])


def test_every_point_is_the_run_that_its_spec_alone_would_be(program, swept, tmp_path):
    sweep = archive.read_sweep(swept / "out/archive.h5")
    assert len(sweep.points) == POINTS
    for number in (0, 3, 5, 6):
        spec = tmp_path / f"{number}.yaml"
        spec.write_text(sweep.points[number].provenance["spec_resolved"])
        out = tmp_path / f"out{number}"
        result = program("run", spec, "--out", out)
        assert result.returncode == 0, result.stderr
        assert not point_differences(swept / "out/archive.h5", number, out / "archive.h5")


def test_units_that_points_share_are_done_once(swept):
    with h5py.File(swept / "out/archive.h5") as file:
        # Formats are part of a score, samples and the solver's settings are not.
        assert rows(file, "scores") == 6
        assert rows(file, "variants/1/scores") == 6
        assert set(file["scores/points"].asstr()[()]) == {"0-1,4-5", "4-5"}
        assert rows(file, "maxima") == 3
        values = file["parameters/calibration.samples"].asstr()[()]
        assert list(values) == ["4"] * 4 + ["6"] * 4


def test_a_second_run_does_no_unit_again(program, swept):
    before = parts(swept / "out")
    result = program("run", swept / "spec.yaml", "--out", swept / "out")
    assert result.returncode == 0, result.stderr
    assert "units/s" not in result.stderr, "some unit was run again"
    assert parts(swept / "out") == before


def test_ranks_make_no_difference(program, swept, tmp_path):
    result = program("run", swept / "spec.yaml", "--out", tmp_path / "out", ranks=3)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, swept / "out", tmp_path / "out")
    assert same, differences


def test_another_archive_of_the_sweep_saves_all_measuring(program, swept, tmp_path):
    result = program(
        "run", swept / "spec.yaml", "--out", tmp_path / "out", "--from", swept / "out/archive.h5"
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    for line in result.stderr.splitlines():
        if "units/s" in line and not line.startswith("planning"):
            # Largest magnitudes of weights are a table, not a row that tells its key.
            assert line.startswith("observe, point 0 4/4, 3 done before"), line
    assert is_identical(program, swept / "out", tmp_path / "out")[0]


def test_solve_gives_the_same_plans_of_every_point(program, swept, tmp_path):
    result = program(
        "solve", swept / "out/archive.h5", swept / "spec.yaml", "--out", tmp_path / "new.h5"
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert f"{POINTS} points" in result.stdout
    same = program("diff", swept / "out/archive.h5", tmp_path / "new.h5")
    assert same.returncode == 0, same.stdout


def test_solve_finds_the_point_that_measured_what_a_spec_asks_for(
    program, swept, write_spec, tmp_path
):
    good = write_spec(calibration={"samples": 4}, solve={"thresholds": [1e-4]})
    new = tmp_path / "new.h5"
    result = program("solve", swept / "out/archive.h5", good, "--out", new)
    assert result.returncode == 0, result.stderr
    assert len(archive.read(new).scores.loss) == 4
    bad = write_spec("bad.yaml", calibration={"samples": 5})
    message = program.refuses("solve", swept / "out/archive.h5", bad, "--out", tmp_path / "no.h5")
    assert "at its nearest point" in message and "samples: 5" in message


def test_a_wrong_point_is_found_before_the_first_one_runs(program, write_spec, tmp_path):
    spec = write_spec(sweep={"product": {"calibration.samples": [4, 5000], "seed": [0, 1]}})
    message = program.refuses("run", spec, "--out", tmp_path / "out")
    assert "at the point calibration.samples = 5000, seed = 0" in message
    assert "tokens" in message
    assert not list(tmp_path.glob("out/parts/*"))


def test_plan_check_and_status_tell_of_points(program, swept):
    plan = program("plan", swept / "spec.yaml")
    assert f"{POINTS} points; what they share is done and counted once" in plan.stdout
    scores = next(line for line in plan.stdout.splitlines() if line.startswith("score "))
    assert scores.split()[1] == "12", plan.stdout
    assert f"{POINTS} points" in program("check", swept / "spec.yaml").stdout
    assert f"all {POINTS} points" in program("status", swept / "out").stdout


def test_show_prints_the_points_or_one_of_them(program, swept):
    everything = program("show", swept / "spec.yaml").stdout
    assert everything.count("--- # point ") == POINTS
    one = program("show", swept / "spec.yaml", "--point", 7).stdout
    assert "samples: 6" in one and "---" not in one
    assert "0 to 7" in program.refuses("show", swept / "spec.yaml", "--point", 8)
    assert "--point" in program.refuses("show", swept / "spec.yaml", "--graph", "model")
