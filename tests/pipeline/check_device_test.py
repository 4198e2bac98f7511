"""`check-device` with the real program: on this processor and on the simulated card."""

import os

import pytest

SIMULATION = {
    "SIMULATED_HPU_COMPILE_MS": "1",
    "SIMULATED_HPU_GBPS": "0.5",
    "SIMULATED_HPU_TFLOPS": "0.005",
}


@pytest.fixture
def card(monkeypatch):
    if "SIMULATED_HPU" not in os.environ:
        pytest.skip("the environment variable SIMULATED_HPU does not name the plug-in")
    for name, value in SIMULATION.items():
        monkeypatch.setenv(name, value)
    return ("check-device", "hpu", "--plugin", os.environ["SIMULATED_HPU"])


def verdicts(result):
    """By check; and the line that ends them all."""
    *lines, last = result.stdout.splitlines()
    return {line[10:36].strip(): line[:10].strip() for line in lines}, last


def test_this_processor_passes_as_far_as_it_has_kernels(program):
    result = program("check-device", "cpu")
    assert result.returncode == 0, result.stdout
    found, last = verdicts(result)
    assert found["values in fp32"] == found["values in bf16"] == found["waiting"] == "passed"
    assert found["values in int8"] in ("passed", "not tried")
    assert found["values in fp8_e4m3"] == found["state"] == "not tried"
    assert last.startswith("cpu: ") and " 0 failed, " in last


@pytest.mark.parametrize("mode", ["lazy", "eager"])
def test_the_simulated_card_passes(program, card, mode):
    result = program(*card, "--mode", mode)
    assert result.returncode == 0, result.stdout + result.stderr
    found, _ = verdicts(result)
    untried = {check for check, verdict in found.items() if verdict == "not tried"}
    formats = ("int8", "uint8", "int4", "fp8_e4m3", "fp8_e5m2")
    assert untried == {"state", *(f"values in {name}" for name in formats)}
    assert "32 of fp8_e4m3_gaudi2: differs" in result.stdout
    assert f"{mode}, on the host: none" in result.stdout


def test_a_card_that_forgets_its_recipes_fails(program, card, monkeypatch):
    monkeypatch.setenv("SIMULATED_HPU_FORGETS", "1")
    result = program(*card)
    assert result.returncode == 3, result.stdout + result.stderr
    found, last = verdicts(result)
    assert [check for check, verdict in found.items() if verdict == "FAILED"] == ["compilations"]
    assert " 1 failed, " in last


def test_operators_on_the_host_are_told(program, card, monkeypatch):
    monkeypatch.setenv("PT_HPU_PLACE_ON_CPU", "aten::erfinv")
    found, _ = verdicts(program(*card))
    assert found["host"] == "not tried"


def test_devices_that_are_not_here_are_no_failure(program):
    said = program.refuses("check-device", "hpu", "--plugin", "no/plugin.so", code=2)
    assert "device hpu is not here (hpu.plugin names no/plugin.so, which is not there)" in said
    assert "did you mean 'hpu'?" in program.refuses("check-device", "hpuu").lower()
    assert "are of an hpu" in program.refuses("check-device", "cpu", "--mode", "lazy")
    assert "'lazyy'" in program.refuses("check-device", "hpu", "--mode", "lazyy")
