"""The commands beside `run`: help, mistakes on the command line, plan, show, check, status."""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from conftest import SOURCE, shipped

COMMANDS = ["run", "plan", "check", "show", "solve", "status", "diff", "check-device"]
GRAPHS = ["model", "observed", "probed", "fake_quantized", "lowered"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(program, command):
    for flag in ("--help", "-h"):
        result = program(command, flag)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith(f"Usage: gainsweep {command} ")
        assert "--help" in result.stdout
    assert f"gainsweep {command} " in program("--help").stdout


def test_help_of_the_whole(program):
    assert program().stdout == program("--help").stdout
    version = program("--version")
    assert version.returncode == 0 and version.stdout.startswith("gainsweep 0.")


def test_unknown_commands_and_options(program, finished):
    assert "did you mean 'run'?" in program.refuses("rn", "x.yaml")
    assert "there is no command 'frobnicate'. 'gainsweep --help'" in program.refuses("frobnicate")
    message = program.refuses("run", "x.yaml", "--ot", "y")
    assert "--ot" in message and "Usage: gainsweep run SPEC --out DIR" in message
    assert "--out is missing. Usage:" in program.refuses("run", "x.yaml")
    assert "SPEC is missing. Usage:" in program.refuses("check")
    assert "Usage: gainsweep check SPEC" in program.refuses("check", "a.yaml", "b.yaml")
    assert "Usage:" in program.refuses("run", "x.yaml", "--out", "a", "--out", "b")


@pytest.mark.parametrize("path", sorted((SOURCE / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_spec_is_right(program, path):
    result = program("check", path)
    assert result.returncode == 0, result.stderr
    assert "right." in result.stdout and "nothing was run" in result.stdout


def test_plan(program, write_spec):
    spec = write_spec()
    text = program("plan", spec)
    assert text.returncode == 0, text.stderr
    for word in (
        "tiny: 10 ops in 5 sub-graphs",
        "observe",
        "score",
        "timing",
        "planning",
    ):
        assert word in text.stdout
    plan = json.loads(program("plan", spec, "--json").stdout)
    units = {stage["stage"]: stage["units"] for stage in plan["stages"]}
    assert units["observe"] == 3 + 1 and units["score"] == 6
    assert units["anchor"] == 6, "all samples: there are fewer than the default asks for"
    assert units["planning"] == 2 * 3 * 3 + 2, "objectives × thresholds × strategies, and frontiers"
    assert plan["parameter_bytes"] > 0 and plan["rank_bytes"] > 0
    assert all(stage["seconds"] >= 0 for stage in plan["stages"])


def test_plan_of_several_ranks(program, write_spec):
    spec = write_spec(memory_limit=4)
    one, three = (
        json.loads(program("plan", spec, "--ranks", ranks, "--json").stdout) for ranks in ("1", "3")
    )
    assert (one["ranks"], three["ranks"]) == (1, 3)
    assert one["rank_memory_limit"] == 4e9 and three["rank_memory_limit"] == 4e9 // 3
    table = program("plan", spec, "--ranks", "3").stdout
    assert "about, on 3 ranks" in table and "of the machine, mapped included" in table
    assert "Give a number of ranks" in program.refuses("plan", spec, "--ranks", "0")


def test_show_prints_a_spec_that_is_its_own_resolution(program, write_spec, tmp_path):
    first = program("show", write_spec())
    assert first.returncode == 0, first.stderr
    (tmp_path / "resolved.yaml").write_text(first.stdout)
    assert program("show", tmp_path / "resolved.yaml").stdout == first.stdout


def test_show_schema_and_reference(program):
    schema = json.loads(program("show", "--schema").stdout)
    assert "device" in schema["properties"]
    assert "calibration" in schema["then"]["properties"]
    assert "`calibration" in program("show", "--reference").stdout


def drawn(shown):
    """What Graphviz makes of a graph on standard output."""
    assert shown.returncode == 0, shown.stderr
    command = ["dot", "-Tsvg"]
    return subprocess.run(
        command, input=shown.stdout, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("graph", GRAPHS)
def test_show_graphs(program, write_spec, tmp_path, graph):
    spec = write_spec()
    text = program("show", spec, "--graph", graph)
    assert text.returncode == 0, text.stderr
    # The tiny model's ops, whatever they have become.
    for name in ("q", "k", "v", "qk", "av", "o", "gate", "up", "down"):
        assert f".{name}" in text.stdout, name
    assert "lm_head" in text.stdout or "head" in text.stdout
    dot = program("show", spec, "--graph", graph, "--dot", tmp_path / "graph.dot")
    assert dot.returncode == 0 and dot.stdout == ""
    assert (tmp_path / "graph.dot").read_text().startswith("digraph")
    if shutil.which("dot"):
        assert "<svg" in drawn(program("show", spec, "--graph", graph, "--dot", "-"))


@pytest.mark.skipif(not shutil.which("dot"), reason="Graphviz is not installed")
def test_show_draws_a_deep_graph(program):
    spec = SOURCE / "configs" / "embedded.yaml"
    shown = program("show", spec, "--graph", "model", "--dot", "-")
    assert "layers.5.attention.{q,k,v,qk,av}" in drawn(shown)


def test_show_graphs_of_a_format(program, write_spec):
    spec = write_spec(formats={"low": ["int8", "fp8_e4m3"]})
    text = program("show", spec, "--graph", "fake_quantized", "--format", "fp8_e4m3").stdout
    assert "fp8_e4m3" in text and "int8" not in text


def test_show_refuses(program, write_spec):
    spec = write_spec()
    assert "did you mean probed?" in program.refuses("show", spec, "--graph", "prbed")
    assert "--format fp8_e5m2 is not among" in program.refuses(
        "show", spec, "--graph", "lowered", "--format", "fp8_e5m2"
    )
    assert "need --graph" in program.refuses("show", spec, "--dot", "x.dot")


def test_status_before_a_run(program, tmp_path):
    message = program.refuses("status", tmp_path / "nothing")
    assert "holds no run" in message
    assert not (tmp_path / "nothing").exists()


def test_status_during_a_run(program, tmp_path):
    out = tmp_path / "out"
    process = program.start("run", shipped("smoke"), "--out", out)
    try:
        while process.poll() is None and not (out / "run.json").exists():
            time.sleep(0.005)
        text = program("status", out)
        assert text.returncode == 0, text.stderr
        assert text.stdout.startswith("smoke: running, started ")
        assert process.poll() is None, "the run was over too soon for this test"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    status = json.loads(program("status", out, "--json").stdout)
    assert status["state"] == "stopped before its end"
    assert status["finished"] == ""


def test_status_after_a_run(program, finished):
    text = program("status", finished / "out")
    assert text.returncode == 0, text.stderr
    assert text.stdout.startswith("tiny: finished, started ")
    status = json.loads(program("status", finished / "out", "--json").stdout)
    assert status["state"] == "finished" and status["failures"] == []
    stages = status["stages"]
    over = {"failed": 0, "running": 0, "remaining": 0, "may_come": 0}
    assert stages["score"] == {"called_for": 6, "done": 6, **over}
    # 20 programs and frontiers; how many plans there are to evaluate is the arithmetic's affair.
    planning = stages["planning"]["called_for"]
    assert planning > 20 and stages["planning"] == {
        "called_for": planning,
        "done": planning,
        **over,
    }
    assert [rank["unit"] for rank in status["ranks"]] == [""]


def test_status_counts_what_the_last_spec_calls_for(program, copy_of_finished, write_spec):
    out = copy_of_finished / "out"
    spec = write_spec(calibration={"samples": 3})
    assert program("run", spec, "--out", out).returncode == 0
    stages = json.loads(program("status", out, "--json").stdout)["stages"]
    assert stages["score"]["called_for"] == stages["score"]["done"] == 3
    assert stages["score"]["failed"] == stages["score"]["remaining"] == 0
