"""The program's losses of plans against compressed-tensors' own quantise-dequantise.

program.py EXECUTABLE     scripts/check-formats --program EXECUTABLE runs it

The embedded model is planned, its plan exported and evaluated by the program. Then transformers
runs the exported weights, decompressed in single precision by compressed-tensors, with inputs that
compressed-tensors rounds by the exported schemes. Losses of samples agree in single precision,
unless sums in another order put a number on the other side of a midpoint: then all later roundings
of the sample differ. A line for each format; exit code 1 where fewer than a quarter agree.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))

import gainsweep_analysis
from checkpoints import decompressed, load_file
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from compressed_tensors.quantization.utils import compute_dynamic_scales_and_zp
from evaluated import MODEL, SOURCE, TOKENS, losses, spec
from gainsweep_analysis import __main__ as analysis
from transformers import AutoModelForCausalLM

SAMPLES, LENGTH, CLOSE = 8, 64, 5e-6
RULE = {"scale_grid": "e8m0_compressed_tensors"}
FORMATS = {"nvfp4": {}, "mxfp4": RULE, "mxfp8_e4m3": RULE, "mxfp6_e2m3": RULE, "w4a16_g64": {}}


def rounded_input(arguments, whole):
    def look(layer, inputs):
        value = inputs[0]
        scale, _ = compute_dynamic_scales_and_zp(value, arguments, layer, global_scale=whole)
        return (fake_quantize(value, scale, None, arguments, global_scale=whole),)

    return look


def theirs(checkpoint):
    """The losses of a checkpoint in single precision."""
    model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
    config = json.loads((checkpoint / "config.json").read_text())["quantization_config"]
    for module, weight in decompressed(checkpoint, config):
        model.get_submodule(module).weight.data = weight
    tensors = load_file(checkpoint / "model.safetensors")
    for scheme in QuantizationConfig.model_validate(config).config_groups.values():
        for module in scheme.targets if scheme.input_activations else ():
            look = rounded_input(
                scheme.input_activations, tensors.get(f"{module}.input_global_scale")
            )
            model.get_submodule(module).register_forward_pre_hook(look)
    return losses(model, TOKENS, SAMPLES, LENGTH)


def check(executable, name, folder):
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec(name, FORMATS[name], SAMPLES, LENGTH)))
    command = [executable, "run", path, "--out", folder / "out", "--quiet"]
    if subprocess.run(command, cwd=SOURCE).returncode != 0:
        return False
    paths = ["--checkpoint", str(folder / "checkpoint"), "--model", str(MODEL)]
    to = ["--threshold", "1", "--to", "compressed-tensors"]
    if analysis.main(["export", str(folder / "out"), *to, *paths]) != 0:
        return False
    run = gainsweep_analysis.read(folder / "out")
    (plan,) = (e for e in run.evaluations.values() if e.loss is not None and e.assignment.any())
    apart = np.abs(theirs(folder / "checkpoint") - plan.loss)
    changed = np.abs(plan.loss - run.baseline.loss)
    good = np.quantile(apart, 0.25) < CLOSE < np.quantile(changed, 0.25)
    print(
        f"{name}: losses of {np.count_nonzero(apart < CLOSE)} of {SAMPLES} samples agree to "
        f"{CLOSE:g} nat, the others to {apart.max():.2g}; the plan changes them by up to "
        f"{changed.max():.2g}{'' if good else '  <-- WRONG'}",
        flush=True,
    )
    return good


def main():
    executable = os.path.abspath(sys.argv[1])
    good = True
    for name in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            good &= check(executable, name, Path(folder))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
