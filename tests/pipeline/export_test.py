"""An exported checkpoint: with its weights, unpacked by the definitions of their formats,
transformers has the losses that the program measured of the plan."""

import json
import subprocess
import sys

import gainsweep_analysis
import numpy as np
import pytest
from conftest import SOURCE
from gainsweep_analysis.checkpoint import safetensors

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

sys.path.insert(0, str(SOURCE / "tests/formats"))

MODEL, TOKENS = SOURCE / "configs/models/embedded", SOURCE / "configs/data/embedded.h5"
SAMPLES, LENGTH = 4, 48
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
SPEC = {
    "schema": 2,
    "name": "exported",
    "model": {"checkpoint": str(MODEL)},
    "calibration": {"tokens": str(TOKENS), "samples": SAMPLES, "length": LENGTH},
    "formats": {"high": "bf16", "low": ["nvfp4a16", "w4a16_g64", "mxfp4a16"]},
    "partition": {"fused": "all"},
    "latency": {"length": LENGTH},
    "solve": {
        "objectives": ["memory"],
        "thresholds": [2e-2],
        "strategies": ["ip"],
        "loss_model": "bias",
    },
    "evaluate": {"samples": SAMPLES},
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory, program):
    """A run of the embedded model whose plan has several formats, and the checkpoint of it."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "spec.yaml").write_text(json.dumps(SPEC))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    command = ["export", folder / "out", "--threshold", "0.02", "--to", "compressed-tensors"]
    paths = ["--checkpoint", folder / "checkpoint", "--model", MODEL]
    done = subprocess.run(
        [sys.executable, "-m", "gainsweep_analysis", *command, *paths],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def weight(tensors, module):
    """In single precision."""
    codes = tensors[f"{module}.weight_packed"]
    scales = tensors[f"{module}.weight_scale"]
    if codes.kind == "I32":  # offset codes of 4 bits, groups with a scale of bf16
        words = codes.values.view(np.uint32)[:, :, None] >> np.arange(0, 32, 4, dtype=np.uint32)
        elements = ((words & 15).astype(np.float32) - 8).reshape(len(words), -1)
        return elements * np.repeat(scales.single(), 64, axis=1)
    halves = np.stack([codes.values & 15, codes.values >> 4], axis=2).reshape(len(codes.values), -1)
    elements = np.where(halves & 8, -1, 1).astype(np.float32) * E2M1[halves & 7]
    if scales.kind == "U8":  # exponents
        factors = np.ldexp(np.float32(1), scales.values.astype(int) - 127)
        return elements * np.repeat(factors, 32, axis=1)
    eighths = torch.from_numpy(scales.values.copy()).view(torch.float8_e4m3fn).float().numpy()
    whole = tensors[f"{module}.weight_global_scale"].values
    return elements * np.repeat(eighths / whole, 16, axis=1)


def test_its_weights_are_those_of_the_measured_plan(exported):
    from evaluated import losses

    run = gainsweep_analysis.read(exported / "out")
    (plan,) = (e for e in run.evaluations.values() if e.loss is not None and e.assignment.any())
    used = {run.formats[place].name for place in plan.assignment}
    assert len(used) > 2, used
    transformers.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    assert np.abs(losses(model, TOKENS, SAMPLES, LENGTH) - run.baseline.loss).max() < 1e-5
    checkpoint = exported / "checkpoint"
    tensors = dict(safetensors.read(checkpoint / safetensors.SINGLE))
    config = json.loads((checkpoint / "config.json").read_text())["quantization_config"]
    for group in config["config_groups"].values():
        for module in group["targets"]:
            values = torch.from_numpy(weight(tensors, module))
            model.get_submodule(module).weight.data = values
    found = losses(model, TOKENS, SAMPLES, LENGTH)
    assert np.abs(found - run.baseline.loss).max() > 1e-3
    assert np.abs(found - plan.loss).max() < 1e-5
