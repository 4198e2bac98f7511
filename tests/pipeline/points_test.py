"""Every point of a sweep is the run that its spec alone would be, whatever others share with it."""

import json
import shutil

import pytest
from conftest import merged, tiny_spec, write_poisoned
from gainsweep_analysis import archive
from points import point_differences

OBJECTIVES = "solve.objectives"
QUICK = {"length": 12, "warmup": 1, "repetitions": 4, "least_repetitions": 2, "budget_seconds": 1}
# fp32, for which every processor has fast kernels.
TIMED = {
    "formats": {"high": "fp32"},
    "latency": QUICK,
    "evaluate": {"samples": 3, "strategies": ["ip", "prefix"]},
}
# Splitting an op off numbers the classes of sub-graphs anew; other objectives lead to the same
# plans in another order and from another nature; other thresholds call for other rows.
SWEEP = {
    "product": {
        "partition.split": [[], ["layers.*.attention.k"]],
        OBJECTIVES: [["time"], ["macs"], ["memory", "time"]],
    },
    "zip": {
        "formats.low": [["int8"], ["int8", "fp8_e4m3"]],
        "solve.thresholds": [[10 ** (k / 3) for k in range(-18, -2)], [1e-3, 3e-3]],
    },
}
POINTS = 12


def run(program, folder, spec, *options, code=0):
    """Runs a spec in a folder; the path of its archive."""
    folder.mkdir(exist_ok=True)
    path = folder / "spec.yaml"
    path.write_text(spec if isinstance(spec, str) else json.dumps(spec, indent=1))
    result = program("run", path, "--out", folder / "out", *options)
    assert result.returncode == code, result.stderr
    return folder / "out/archive.h5"


def own_run(program, sweep_path, number, folder, *options, code=0):
    """The run of one point's spec alone."""
    spec = archive.read_sweep(sweep_path).points[number].provenance["spec_resolved"]
    return run(program, folder, spec, *options, code=code)


def solved(program, old, spec, new):
    result = program("solve", old, spec, "--out", new)
    assert result.returncode == 0, result.stderr
    return new


def identical(program, a, b):
    result = program("diff", a, b, "--measured")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def swept(program, material, tmp_path_factory):
    spec = merged(tiny_spec(material), TIMED) | {"sweep": SWEEP}
    return run(program, tmp_path_factory.mktemp("swept"), spec)


@pytest.fixture(scope="module")
def own(program, swept, tmp_path_factory):
    """The archive of a point's own run, made when first asked for."""
    folder = tmp_path_factory.mktemp("own")
    made = {}

    def make(number):
        if number not in made:
            # Times are the sweep's, which nobody measures the same twice; all else is its own.
            timed = "time" in archive.read_sweep(swept).points[number].parameters[OBJECTIVES]
            options = ["--from", swept] if timed else []
            made[number] = own_run(program, swept, number, folder / str(number), *options)
        return made[number]

    return make


@pytest.mark.parametrize("number", range(POINTS))
def test_a_point_is_its_own_run(swept, own, number):
    assert not point_differences(swept, number, own(number))


@pytest.mark.parametrize("number", [0, 5, 8, 11])
def test_a_point_that_the_program_takes_out_is_its_own_run(program, swept, own, tmp_path, number):
    taken = solved(program, swept, own(number).parent.parent / "spec.yaml", tmp_path / "taken.h5")
    result = program("diff", own(number), taken)
    assert result.returncode == 0, result.stdout + result.stderr


def test_solving_the_sweep_again_changes_nothing(program, swept, tmp_path):
    spec = swept.parent.parent / "spec.yaml"
    identical(program, swept, solved(program, swept, spec, tmp_path / "new.h5"))


def test_the_order_of_points_makes_no_difference(program, material, swept, own, tmp_path):
    """Who stored a shared row first is another one; the times are the same."""
    backwards = {
        kind: {path: values[::-1] for path, values in axes.items()} for kind, axes in SWEEP.items()
    }
    spec = merged(tiny_spec(material), TIMED) | {"sweep": backwards}
    other = run(program, tmp_path / "backwards", spec, "--from", swept)
    for number in range(POINTS):
        assert not point_differences(other, POINTS - 1 - number, own(number)), number


@pytest.mark.parametrize(("donor", "number"), [(0, 6), (8, 4)])
def test_a_donor_lends_rows_and_not_their_places(program, swept, own, tmp_path, donor, number):
    taker = own_run(program, swept, number, tmp_path / "taker", "--from", own(donor))
    spec = tmp_path / "taker/spec.yaml"
    identical(program, taker, solved(program, taker, spec, tmp_path / "new.h5"))
    # What no clock had a part in is what it was without the donor.
    differences = point_differences(swept, number, taker)
    untimed = ("maxima", "scores", "gains", "ops", "subgraphs", "plans/memory")
    assert not [line for line in differences if line.startswith(untimed)]


def test_a_folder_of_another_point_does_so_too(program, swept, own, tmp_path):
    """The same command on a changed spec: its parts hold rows of the spec before."""
    folder = tmp_path / "run"
    shutil.copytree(own(0).parent.parent, folder)
    again = own_run(program, swept, 6, folder, "--from", swept)
    assert not point_differences(swept, 6, again)


def test_failures_are_those_of_the_point(program, material, maker, tmp_path):
    """Each evaluation fails; a plan has another number at each point, and its failure says it."""
    poisoned = write_poisoned(tmp_path, maker, samples=[6])
    sweep = {
        "product": {"partition.split": [[], ["layers.*.attention.k"]]},
        "zip": {
            OBJECTIVES: [["macs", "memory"], ["memory", "macs"]],
            "solve.thresholds": [[1e-3, 1e-2, 1e-1], [1e-2, 1e-1]],
        },
    }
    spec = merged(tiny_spec(material), poisoned) | {"sweep": sweep}
    swept = run(program, tmp_path / "swept", spec, code=3)
    labels = set()
    for number in range(4):
        own = own_run(program, swept, number, tmp_path / f"own{number}", code=3)
        assert not point_differences(swept, number, own), number
        failures = archive.read(own).failures
        assert failures
        labels.update((failure.label, failure.reason.split(": ")[0]) for failure in failures)
    assert {label for label, _ in labels} == {start for _, start in labels}
