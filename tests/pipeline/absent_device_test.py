"""Commands that measure nothing, on a machine that lacks the spec's device: a login node."""

import json
import os

import pytest
from conftest import merged
from simulated_hpu_test import spec_of

UNSEEN = "device hpu was not looked for"


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "gaudi.yaml"
    settings = {
        "device": "hpu",
        "formats": {"high": "bf16"},
        "solve": {"objectives": ["time", "macs"]},
    }
    path.write_text(json.dumps(merged(spec_of("cpu"), settings)))
    return path


def test_check_says_that_it_did_not_look(program, spec):
    result = program("check", spec)
    assert result.returncode == 0, result.stderr
    assert "right. 55 ops, 25 sub-graphs, 4 calibration samples" in result.stdout
    assert result.stdout.endswith(f"nothing was run, and {UNSEEN}.\n")


def test_plan_tells_units_and_memory_but_no_times(program, spec):
    result = program("plan", spec)
    assert result.returncode == 0, result.stderr
    assert (
        "layers.0.attention.{q,k,v,qk,av}" in result.stdout and "32 configurations" in result.stdout
    )
    assert f"{UNSEEN}, so times are not known; --on-device asks it" in result.stdout
    plan = json.loads(program("plan", spec, "--json").stdout)
    assert plan["device_looked_for"] is False and plan["speed_disturbed"] is False
    for stage in plan["stages"]:
        assert stage["seconds"] is None and stage["units"] > 0 and stage["rank_bytes"] > 0


def test_plan_on_the_device_needs_it(program, spec):
    said = program.refuses("plan", spec, "--on-device", code=1)
    assert "device hpu is not here" in said


def test_plan_on_the_device_tells_times(program, spec):
    if "SIMULATED_HPU" not in os.environ:
        pytest.skip("the environment variable SIMULATED_HPU does not name the plug-in")
    plugin = f"hpu.plugin={os.environ['SIMULATED_HPU']}"
    result = program("plan", spec, "--on-device", "--json", "--set", plugin)
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert plan["device_looked_for"] is True
    assert all(stage["seconds"] > 0 for stage in plan["stages"])


@pytest.mark.parametrize("graph", ["model", "observed", "probed", "fake_quantized", "lowered"])
def test_graphs_follow_from_the_spec(program, spec, graph):
    result = program("show", spec, "--graph", graph)
    assert result.returncode == 0, result.stderr
    assert UNSEEN in result.stderr
    if graph == "lowered":
        assert result.stdout.count("hpu::fp8_gemm_v2.scalar(") == 55
        assert "onednn::" not in result.stdout


def test_a_cpu_is_always_there(program, write_spec):
    spec = write_spec()
    assert program("check", spec).stdout.endswith("nothing was run.\n")
    assert json.loads(program("plan", spec, "--json").stdout)["device_looked_for"] is True
    assert "looked for" not in program("show", spec, "--graph", "model").stderr
