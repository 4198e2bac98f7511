"""Times that a description of a device gives, with the real program."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from conftest import SOURCE, is_identical, merged, parts, tiny_spec

LATENCY = {"source": "modelled", "description": "configs/devices/h100.yaml", "length": 20}
CHANGES = {
    "formats": {"low": ["int8", "fp8_e4m3"]},
    "latency": LATENCY,
    "solve": {"objectives": ["time", "macs"], "strategies": ["ip", "prefix"]},
}
H100 = {"bf16": 989.4e12 * 0.803, "int8": 1979e12 * 0.709, "fp8_e4m3": 1979e12 * 0.709}
MEMORY, CACHE, HALF, TILE = 3350e9 * 0.9, 5500e9, 25e6, (128, 256)
LAUNCH = {"none": 4e-6, "graph": 0.8e-6}


@pytest.fixture(scope="module")
def spec(material, tmp_path_factory):
    path = tmp_path_factory.mktemp("modelled") / "spec.yaml"
    path.write_text(json.dumps(merged(tiny_spec(material), CHANGES)))
    return path


@pytest.fixture(scope="module")
def ran(program, spec):
    result = program("run", spec, "--out", spec.parent / "out")
    assert result.returncode == 0, result.stderr
    return spec.parent / "out"


def traffic(size):
    return size / (CACHE if size <= HALF else MEMORY)


def linear(rows, inner, columns, name, fusion):
    """Seconds of a linear layer, written without a look at the program's own formula."""
    tiles = -(-rows // TILE[0]) * -(-columns // TILE[1])
    fill = rows * columns / (tiles * TILE[0] * TILE[1])
    width = 2 if name == "bf16" else 1
    moved = traffic(2 * rows * columns) + traffic(width * rows * inner)
    moved += width * inner * columns / MEMORY
    return max(2 * rows * inner * columns / (H100[name] * fill), moved) + LAUNCH[fusion]


def cast(elements, fusion):
    if fusion == "graph":
        return 2 * elements / 133.8e12
    return traffic(2 * elements) + traffic(elements) + LAUNCH["none"]


def test_times_of_linear_layers_are_those_of_an_independent_formula(ran):
    with h5py.File(ran / "archive.h5") as archive:
        table = archive["modelled_times"]
        classes, formats = table["class"][()], table["formats"].asstr()[()]
        seconds = table["seconds"][()]
        assert archive["modelled_runs/fusion"].asstr()[()].tolist() == ["graph", "none"]
        ops = {name: archive["ops"][name][()] for name in ("weight_elements", "weight_channels")}
        of_op = archive["ops/subgraph"][()]
        checked = 0
        for subgraph, cls in enumerate(archive["subgraphs/class"][()]):
            members = np.flatnonzero(of_op == subgraph)
            if len(members) > 1:
                continue
            columns = int(ops["weight_channels"][members[0]])
            inner = int(ops["weight_elements"][members[0]]) // columns
            for row in np.flatnonzero(classes == cls):
                for place, fusion in enumerate(("graph", "none")):
                    expected = linear(20, inner, columns, formats[row], fusion)
                    if formats[row] != "bf16":
                        expected += cast(20 * inner, fusion)
                    assert seconds[row, place] == pytest.approx(expected, rel=1e-12)
                    checked += 1
        assert checked >= 12


def test_nothing_is_called_measured(ran):
    with h5py.File(ran / "archive.h5") as archive:
        assert set(archive["measured"]) & {"gains", "plans", "latency", "savings"} == set()
        assert set(archive["gains/time/source"].asstr()[()]) == {"modelled"}
        assert archive["objectives/source"].asstr()[()].tolist() == ["modelled", ""]
        assert set(archive["plans/time/ip/source"].asstr()[()]) == {"modelled"}
        assert "source" not in archive["plans/macs/ip"]
        assert archive["time_source/device"].asstr()[0] == "h100"
        assert "launch_us" in archive["time_source/assumed"].asstr()[0]


def test_gains_are_what_both_fusions_promise(ran):
    with h5py.File(ran / "archive.h5") as archive:
        runs = archive["modelled_runs/seconds"][()]
        seconds = archive["modelled_times/seconds"][()]
        classes = archive["modelled_times/class"][()]
        of_subgraph = archive["subgraphs/class"][()]
        gains = archive["gains/time"]
        place = 0
        for cls in of_subgraph:
            own = seconds[classes == cls]
            for row in own:
                saved = (own[0] - row) / runs
                low, high = saved.min(), saved.max()
                assert gains["saved_low"][place] == low
                assert gains["saved_high"][place] == high
                assert gains["saved"][place] == pytest.approx(saved.mean(), rel=1e-12)
                counted = 0 if low <= 0 <= high else low
                assert abs(gains["gain"][place] - 1e9 * counted) <= 0.5
                place += 1
        assert place == len(gains["gain"])


def test_contents_are_the_same_on_any_number_of_ranks_and_after_a_restart(program, spec, ran):
    for ranks in (2, 4):
        other = spec.parent / f"ranks_{ranks}"
        result = program("run", spec, "--out", other, ranks=ranks)
        assert result.returncode == 0, result.stderr
        assert is_identical(program, ran, other)[0]
    before = parts(ran)
    (ran / "archive.h5").unlink()
    assert program("run", spec, "--out", ran).returncode == 0
    assert parts(ran) == before, "nothing is done again"
    assert is_identical(program, ran, spec.parent / "ranks_2")[0]


def test_an_archive_is_solved_again_without_model_and_description(program, spec, ran, tmp_path):
    again = tmp_path / "archive.h5"
    result = program("solve", ran / "archive.h5", spec, "--out", again)
    assert result.returncode == 0, result.stderr
    assert is_identical(program, ran, tmp_path)[0]


def test_plan_says_that_nothing_is_timed(program, spec):
    told = program("plan", spec)
    assert "times are modelled of h100: nothing is timed" in told.stdout, told.stderr
    planned = json.loads(program("plan", spec, "--json").stdout)
    assert planned["times"] == "modelled of h100"
    (timing,) = (stage for stage in planned["stages"] if stage["stage"] == "timing")
    assert (timing["units"], timing["may_come"]) == (0, 0)


def test_formats_without_a_rate_stay_out_with_a_note(program, write_spec):
    both = merged(CHANGES, {"formats": {"low": ["int8", "fp8_e5m2"]}})
    told = program("plan", write_spec(**both)).stdout
    assert "has no rate for these formats" in told
    assert "fp8_e5m2" in told
    none = merged(CHANGES, {"formats": {"low": ["fp8_e5m2"]}})
    said = program.refuses("plan", write_spec(**none))
    assert "h100 has a rate for none of the low formats (fp8_e5m2)" in said
    high = merged(CHANGES, {"formats": {"high": "fp32"}})
    assert "no rate for the high format fp32" in program.refuses("plan", write_spec(**high))


def test_tables_and_reports_say_modelled(ran, tmp_path):
    def analysis(*arguments):
        command = [sys.executable, "-m", "gainsweep_analysis", *map(str, arguments)]
        result = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=SOURCE / "analysis"
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    told = analysis("table", ran / "archive.h5", "--objective", "time")
    head = told.split("Each line")[0]
    assert "modelled" in head
    assert "20 tokens on h100, modelled" in " ".join(told.split())
    assert "Assumed, not published: memory, cache" in " ".join(told.split())
    assert "measured times" not in told
    (record, *_) = json.loads(analysis("table", ran / "archive.h5", "--format", "json"))
    assert record["time_source"] == "modelled"
    assert record["measured_time_share"] is None
    analysis("report", ran / "archive.h5", "--out", tmp_path / "report.html")
    assert "of the time that is modelled of h100" in (tmp_path / "report.html").read_text()
