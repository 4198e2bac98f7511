"""The embedded model on a simulated NVIDIA card, with the real program.

Times are made up by the simulation; what is checked is that the real operators were called as a
card wants them, and that they compute what the project's own rounding says.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import merged

LOW = ["fp8_e4m3", "int8"]


def spec_of(device):
    spec = {
        "schema": 2,
        "name": "cuda",
        "model": {"checkpoint": "configs/models/embedded"},
        "calibration": {
            "tokens": "configs/data/embedded.h5",
            "samples": 3,
            "length": 32,
            "scale_samples": 2,
        },
        "formats": {"high": "fp32", "low": LOW},
        "sensitivity": {"anchor_samples": 2},
        "latency": {"length": 32, "warmup": 1, "repetitions": 2, "least_repetitions": 2},
        "device": device,
        "solve": {"objectives": ["macs"], "thresholds": [1e-2], "strategies": ["ip"]},
        "evaluate": {"samples": 2},
    }
    if device == "cuda":
        on_card = {
            "cuda": {"fast_accumulation": True},
            "solve": {"objectives": ["time", "macs"]},
        }
        spec = merged(spec, on_card)
    return spec


@pytest.fixture(scope="module")
def libraries(program, tmp_path_factory):
    """The libraries of the LibTorch in use as a folder of links, with a card and its driver."""
    if "SIMULATED_CUDA" not in os.environ:
        pytest.skip("the environment variable SIMULATED_CUDA does not name the library")
    linked = subprocess.run(["ldd", program.path], check=True, capture_output=True, text=True)
    torch = Path(re.search(r"libtorch_cpu\.so => (\S+)", linked.stdout).group(1)).parent
    folder = tmp_path_factory.mktemp("torch") / "lib"
    folder.mkdir()
    for library in torch.glob("*.so*"):
        if library.name != "libtorch_cuda.so":
            (folder / library.name).symlink_to(library)
    for variable in ("SIMULATED_CUDA", "FAKE_CUDA"):
        (folder / Path(os.environ[variable]).name).symlink_to(os.environ[variable])
    return folder


@pytest.fixture(scope="module")
def runs(program, libraries, tmp_path_factory):
    """Archives of runs on the CPU and on the card; what the latter said."""
    folder = tmp_path_factory.mktemp("cuda")
    simulation = {
        "LD_LIBRARY_PATH": str(libraries),
        "PT_HPU_LAZY_MODE": "0",
        "SIMULATED_HPU_COMPILE_MS": "0",
        "SIMULATED_HPU_TFLOPS": "0.5",
        "SIMULATED_HPU_GBPS": "40",
        "SIMULATED_HPU_LAUNCH_US": "1",
    }
    archives = {}
    for device in ("cpu", "cuda"):
        (folder / f"{device}.yaml").write_text(json.dumps(spec_of(device)))
        with pytest.MonkeyPatch.context() as patch:
            for name, value in simulation.items() if device == "cuda" else ():
                patch.setenv(name, value)
            result = program(
                "run", folder / f"{device}.yaml", "--out", folder / device, timeout=300
            )
        assert result.returncode == 0, result.stderr
        archives[device] = h5py.File(folder / device / "archive.h5")
    return archives["cpu"], archives["cuda"], result.stderr


def test_the_card_is_told_with_its_driver_and_mode(runs):
    _, there, said = runs
    card = "Fake Card 40, compute capability 9.0"
    assert f"cuda:0: {card}, GPU-00112233-4455-6677-8899-aabbccddeeff, 0000:19:00.0; CUDA " in said
    assert "activations are cast to fp8 by three kernels" in said
    machine = there["measured/machine"].attrs
    text = " ".join(machine[f"device_{part}"] for part in ("card", "software", "mode"))
    assert card in text
    assert "driver for CUDA 13.0" in text
    assert "fast accumulation: on" in text


def test_scores_equal_those_of_the_cpu(runs):
    here, there, _ = runs
    for name in ("maxima/maximum", "scores/loss", "anchors/loss"):
        np.testing.assert_allclose(
            there[name][()], here[name][()], rtol=2e-4, atol=1e-9, err_msg=name
        )
    for name in ("scores/sensitivity", "scores/signed_error"):
        expected = here[name][()]
        np.testing.assert_allclose(
            there[name][()], expected, rtol=2e-3, atol=1e-4 * np.abs(expected).max(), err_msg=name
        )


def test_linear_layers_were_timed_in_both_formats(runs):
    _, there, _ = runs
    kinds = there["ops/kind"].asstr()[()]
    real = there["ops/real_formats"].asstr()[()]
    for kind, formats in zip(kinds, real, strict=True):
        assert formats == ("fp32,fp8_e4m3,int8" if kind == "linear" else "fp32")
    for table in there["measured/latency"].values():
        assert (table["seconds"][()] > 0).all()
        kernels = " ".join(table["kernels"].asstr()[()].ravel().tolist())
        assert (
            "fp8_e4m3 aten::_scaled_mm (fp8 casts: three kernels, fast accumulation: on" in kernels
        )
        assert "int8 aten::_int_mm" in kernels
    assert there["measured/plans/time/ip/gain"].shape[0] == 1


def test_lowered_programs_are_shown_as_they_run(program, libraries, runs, tmp_path):
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(spec_of("cuda")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_LIBRARY_PATH", str(libraries))
        patch.setenv("PT_HPU_LAZY_MODE", "0")
        result = program("show", spec, "--graph", "lowered", "--format", "fp8_e4m3")
    assert result.returncode == 0, result.stderr
    calls = [line for line in result.stdout.splitlines() if "aten::_scaled_mm(" in line]
    assert calls and all('"real", true)' in line for line in calls)
