"""Losses of exported checkpoints of the embedded model in transformers, in single precision.

embedded_check.py EXECUTABLE     scripts/check-exports --program EXECUTABLE runs it

The program plans the embedded model, and its plan's checkpoint is exported and loaded by
transformers with compressed-tensors as it is. With weights rounded and activations high, the mean
loss is the program's. Where activations are rounded at static scales, sums in another order put
some numbers on the other side of a midpoint, as the program's own evaluation at the next larger
scales does: how far that goes is the arithmetic floor that the archive states.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from subject import Report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "formats"))

import compressed_tensors
import gainsweep_analysis
from evaluated import MODEL, SOURCE, TOKENS, losses, spec
from gainsweep_analysis import __main__ as analysis
from gainsweep_analysis.plans import measured_floor
from transformers import AutoModelForCausalLM

SAMPLES, LENGTH, EXACT = 16, 64, 1e-5
# transformers decompresses the other formats to bf16, whatever the model's type.
ROUNDED = ("w8a16_g32", "w4a16_g32", "w4a16_g64")
STATIC = ("int8", "fp8_e4m3")


def main() -> int:
    executable = os.path.abspath(sys.argv[1])
    report = Report(f"compressed-tensors {compressed_tensors.__version__}, embedded model")
    for name in (*ROUNDED, *STATIC):
        with tempfile.TemporaryDirectory() as folder:
            check(report, executable, name, Path(folder))
    return report.code


def check(report: Report, executable: str, name: str, folder: Path) -> None:
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec(name, {}, SAMPLES, LENGTH)))
    command = [executable, "run", path, "--out", folder / "out", "--quiet"]
    subprocess.run(command, cwd=SOURCE, check=True)
    to = ["--threshold", "1", "--to", "compressed-tensors"]
    paths = ["--checkpoint", str(folder / "checkpoint"), "--model", str(MODEL)]
    if analysis.main(["export", str(folder / "out"), *to, *paths]) != 0:
        report.say(f"{name}: export", False)
        return
    run = gainsweep_analysis.read(folder / "out")
    (plan,) = (e for e in run.evaluations.values() if e.loss is not None and e.assignment.any())
    model = AutoModelForCausalLM.from_pretrained(folder / "checkpoint", dtype=torch.float32)
    found = losses(model, TOKENS, SAMPLES, LENGTH)
    compare(report, name, run, plan, found)


def compare(report: Report, name: str, run, plan, found: np.ndarray) -> None:
    apart, changed = found - plan.loss, plan.loss - run.baseline.loss
    mean, largest = abs(apart.mean()), np.abs(apart).max()
    text = (
        f"{name}: mean losses {mean:.2g} nat apart, {largest:.2g} at most of {SAMPLES} samples; "
        f"the plan changes them by {rms(changed):.2g}"
    )
    if plan.next_loss is None:
        report.say(text, mean < EXACT < rms(changed))
        return
    theirs, ours = (rms(loss - run.baseline.loss) for loss in (found, plan.loss))
    tau, floor = abs(theirs / ours - 1), measured_floor(run)
    report.say(
        f"{text}; {rms(apart):.2g} root mean square, and the program's own at the next scales "
        f"{rms(plan.next_loss - plan.loss):.2g}; τ {100 * tau:.2g} % apart, arithmetic floor "
        f"{100 * floor:.2g} %",
        tau < math.sqrt(2) * floor,  # two measurements, each as far off
    )


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


if __name__ == "__main__":
    sys.exit(main())
