"""Times that a timing table gives, with the real program."""

import json
import subprocess
import sys

import h5py
import pytest
from conftest import SOURCE, merged, tiny_spec

SOLVE = {"objectives": ["time", "macs"], "strategies": ["ip", "prefix"]}
MODELLED = {
    "latency": {"source": "modelled", "description": "configs/devices/h100.yaml"},
    "solve": SOLVE,
}


def analysis(*arguments, code=0):
    command = [sys.executable, "-m", "gainsweep_analysis", *map(str, arguments)]
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=SOURCE / "analysis"
    )
    assert result.returncode == code, result.stderr
    return result.stdout if code == 0 else result.stderr


@pytest.fixture(scope="module")
def exported(program, material, tmp_path_factory):
    """A run on modelled times, its table, and the run on that."""
    folder = tmp_path_factory.mktemp("imported")
    (folder / "modelled.yaml").write_text(json.dumps(merged(tiny_spec(material), MODELLED)))
    result = program("run", folder / "modelled.yaml", "--out", folder / "modelled")
    assert result.returncode == 0, result.stderr
    analysis("timings", "export", folder / "modelled/archive.h5", "--out", folder / "table.yaml")
    latency = {"source": "imported", "description": str(folder / "table.yaml")}
    spec = merged(tiny_spec(material), {"latency": latency, "solve": SOLVE})
    (folder / "imported.yaml").write_text(json.dumps(spec))
    result = program("run", folder / "imported.yaml", "--out", folder / "imported")
    assert result.returncode == 0, result.stderr
    return folder


def test_an_archives_own_table_gives_equal_plans(exported):
    with (
        h5py.File(exported / "modelled/archive.h5") as one,
        h5py.File(exported / "imported/archive.h5") as other,
    ):
        assert (one["gains/time/gain"][()] == other["gains/time/gain"][()]).all()
        for strategy in ("ip", "prefix"):
            plans = [archive[f"plans/time/{strategy}"] for archive in (one, other)]
            assert plans[0]["assignment"].shape[0] == 3
            for name in ("assignment", "gain", "assignment_key"):
                assert (plans[0][name][()] == plans[1][name][()]).all()
        assert (one["structures/structure"][()] == other["structures/structure"][()]).all()


def test_what_times_are_of_is_carried_on(exported, program):
    with h5py.File(exported / "imported/archive.h5") as archive:
        assert set(archive["plans/time/ip/source"].asstr()[()]) == {"imported"}
        assert archive["time_source/device"].asstr()[0] == "h100"
        assert archive["time_source/sources"].asstr()[0] == "modelled"
        assert "time" not in archive.get("measured/gains", {})
    told = program("plan", exported / "imported.yaml").stdout
    assert "times are imported, modelled on h100: nothing is timed" in told
    assert "imported" in analysis("table", exported / "imported/archive.h5").split("Each line")[0]


def test_structures_tell_what_ops_read(exported):
    with h5py.File(exported / "imported/archive.h5") as archive:
        attention = archive["structures/structure"].asstr()[0].split(" @")[0].split("; ")
    assert [op.split("[")[0] for op in attention] == ["linear"] * 3 + ["matmul"] * 2
    assert [op.split("] ")[1] for op in attention[:3]] == ["a", "a", "a"]
    assert attention[3].endswith("] 0 1")
    assert attention[4].endswith("] 3 2")


def test_an_archive_on_imported_times_is_solved_without_the_table(program, exported, tmp_path):
    spec, archive = exported / "imported.yaml", exported / "imported/archive.h5"
    result = program("solve", archive, spec, "--out", tmp_path / "archive.h5")
    assert result.returncode == 0, result.stderr
    assert program("diff", archive, tmp_path / "archive.h5").returncode == 0


@pytest.fixture
def table(exported, tmp_path):
    """Writes a copy of the table with its lines changed, its digest right unless told otherwise."""
    import hashlib

    def write(change, *, sign=True):
        lines = (exported / "table.csv").read_text().splitlines(keepends=True)
        text = "".join(change(lines))
        (tmp_path / "table.csv").write_text(text)
        header = (exported / "table.yaml").read_text().splitlines()
        if sign:
            digest = hashlib.sha256(text.encode()).hexdigest()
            header = [line for line in header if not line.startswith("sha256")]
            header.append(f'sha256: "{digest}"')
        (tmp_path / "table.yaml").write_text("\n".join(header) + "\n")
        return tmp_path / "table.yaml"

    return write


def refusal(program, exported, path):
    return program.refuses(
        "check", exported / "imported.yaml", "--set", f"latency.description={path}"
    )


def test_gaps_are_told_in_one_message(program, exported, table):
    path = table(lambda lines: [line for line in lines if '"int8,int8' not in line])
    said = refusal(program, exported, path)
    assert "the timing table of h100 lacks times:" in said
    assert said.count("configurations have no time, the first is int8,int8") >= 2
    checked = analysis("timings", "check", path, code=2)
    assert checked.count("configurations have no time") == said.count("configurations have no time")


def test_wrong_rows_are_told_by_line(program, exported, table):
    def spoil(lines):
        cells = lines[2].rstrip("\n").rsplit(",", 4)
        return [
            *lines[:2],
            ",".join([cells[0], "0.5", "0.6", "0.7", "1"]) + "\n",
            lines[3],
            *lines[3:],
        ]

    path = table(spoil)
    said = refusal(program, exported, path)
    assert "table.csv:3: saved_low <= saved <= saved_high does not hold" in said
    assert "table.csv:5: sub-graph and formats of line 4" in said
    checked = analysis("timings", "check", path, code=2)
    assert "table.csv:3: saved_low <= saved <= saved_high does not hold" in checked
    assert "table.csv:5: sub-graph and formats of line 4" in checked
    unsigned = table(spoil, sign=False)
    assert "is not the file that" in refusal(program, exported, unsigned)
    assert "is not the file that" in analysis("timings", "check", unsigned, code=2)


def test_another_workload_is_refused_and_missing_classes_stay_high(program, exported, table):
    said = program.refuses("check", exported / "imported.yaml", "--set", "latency.length=11")
    assert "is of 1 x 12 tokens in bf16, the spec asks for 1 x 11 in bf16" in said
    first = (exported / "table.csv").read_text().splitlines()[1].split(",")[0]
    path = table(lambda lines: [line for line in lines if not line.startswith(first + ",")])
    told = program("plan", exported / "imported.yaml", "--set", f"latency.description={path}")
    assert "has no times of these sub-graphs" in told.stdout, told.stderr
    missing = analysis(
        "timings", "check", path, "--archive", exported / "imported/archive.h5", code=2
    )
    assert "no times of" in missing
    assert "right" in analysis("timings", "check", exported / "table.yaml")
