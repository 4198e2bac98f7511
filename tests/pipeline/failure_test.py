"""Units that fail are recorded, the batch goes on, and the exit code is 3."""

import json
import subprocess

import h5py
import numpy as np
import pytest
from conftest import merged, write_checkpoint, write_poisoned

KEY = "model.layers.0.self_attn.k_proj.weight"


@pytest.fixture
def poisoned(tmp_path, maker, write_spec):
    """A spec whose samples given hold a token that the model makes NaN of."""

    def write(samples, low=None):
        changes = write_poisoned(tmp_path, maker, samples)
        return write_spec(**merged(changes, {"formats": {"int8": low or {"scale": "dynamic"}}}))

    return write


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_failed_sample_is_recorded_and_the_rest_goes_on(program, poisoned, tmp_path, ranks):
    spec = poisoned(samples=[2])
    out = tmp_path / "out"
    result = program("run", spec, "--out", out, ranks=ranks)
    assert result.returncode == 3, result.stderr
    assert "score of sample 2: " in result.stderr
    assert f"'gainsweep status {out}' names them" in result.stderr
    with h5py.File(out / "archive.h5") as archive:
        failures = archive["failures"]
        assert failures["label"].asstr()[()].tolist() == ["score of sample 2"]
        reason = failures["reason"].asstr()[0]
        assert "not finite" in reason or "nan" in reason, reason
        assert archive["scores/sample"][()].tolist() == [0, 1, 3, 4, 5]
        assert (archive["plans/macs/ip/num_samples"][()] == 5).all()
    status = program("status", out)
    assert "failed: score of sample 2" in status.stdout
    assert json.loads(program("status", out, "--json").stdout)["stages"]["score"] == {
        "called_for": 6, "done": 5, "failed": 1, "running": 0, "remaining": 0, "may_come": 0,
    }  # fmt: skip


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_failed_unit_is_tried_again_only_when_asked(program, poisoned, tmp_path, ranks):
    spec = poisoned(samples=[2])
    out = tmp_path / "out"
    assert program("run", spec, "--out", out).returncode == 3
    again = program("run", spec, "--out", out, ranks=ranks)
    assert again.returncode == 3 and "score of sample 2: " not in again.stderr
    retried = program("run", spec, "--out", out, "--retry-failed", ranks=ranks, timeout=60)
    assert retried.returncode == 3 and "score of sample 2: " in retried.stderr


def test_static_scales_need_all_of_their_samples(program, poisoned, tmp_path):
    spec = poisoned(samples=[1], low={"scale": "static"})
    out = tmp_path / "out"
    result = program("run", spec, "--out", out)
    assert result.returncode == 3, result.stderr
    assert (
        "score: everything is left out: the largest magnitudes of sample 1 failed" in result.stderr
    )
    with h5py.File(out / "archive.h5") as archive:
        assert "scores" not in archive and "plans" not in archive
        assert archive["failures/label"].asstr()[()].tolist() == ["largest magnitudes of sample 1"]
        assert "is not finite" in archive["failures/reason"].asstr()[0]
    message = program.refuses("solve", out / "archive.h5", spec, "--out", tmp_path / "new.h5")
    assert "scores" in message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(program, maker, write_spec, tmp_path, value):
    def spoil(numbers):
        numbers(KEY)[1, 2] = value

    checkpoint = write_checkpoint(tmp_path / "spoilt", maker, spoil)
    out = tmp_path / "out"
    spec = write_spec(model={"checkpoint": str(checkpoint)},
                      formats={"low": ["int8"], "int8": {"scale": "dynamic"}})  # fmt: skip
    result = program("run", spec, "--out", out)
    assert result.returncode == 3, result.stderr
    assert "planning: everything is left out: no calibration sample was scored" in result.stderr
    with h5py.File(out / "archive.h5") as archive:
        reasons = archive["failures/reason"].asstr()[()].tolist()
        labels = archive["failures/label"].asstr()[()].tolist()
    assert labels == [f"score of sample {i}" for i in range(6)]
    for label, reason in zip(labels, reasons, strict=True):
        assert label in reason and "layers.0" in reason, "sample and op are named"
        assert f"tensor '{KEY}' of model.safetensors holds 1 number that is NaN" in reason


def test_a_mended_input_needs_no_flag(program, poisoned, write_spec, tmp_path):
    out = tmp_path / "out"
    assert program("run", poisoned(samples=[2]), "--out", out).returncode == 3
    result = program("run", write_spec(), "--out", out)
    assert result.returncode == 0, result.stderr
    with h5py.File(out / "archive.h5") as archive:
        assert "failures" not in archive and len(archive["scores/loss"]) == 6


def test_ranks_that_differ_are_refused(program, finished, tmp_path):
    plain = program.command("run", finished / "spec.yaml", "--out", tmp_path / "out")
    launch = program.command(ranks=2)[:-3]  # mpirun and its flags, without -np 2 and the program
    other = ["-np", "1", "-x", "ATEN_CPU_CAPABILITY=default", *plain]
    result = subprocess.run([*launch, "-np", "1", *plain, ":", *other], check=False,
                            capture_output=True, text=True, timeout=60)  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert "rank 1" in result.stderr and "DEFAULT" in result.stderr
    assert not (tmp_path / "out/archive.h5").exists()


@pytest.mark.parametrize(
    ("device", "missing"),
    [("hpu", "libhabana_pytorch_plugin.so or"), ("cuda", "libtorch_cuda.so in ")],
)
@pytest.mark.parametrize("ranks", [1, 3])
def test_a_device_that_is_not_there_is_refused(
    program, write_spec, tmp_path, ranks, device, missing
):
    result = program("run", write_spec(device=device), "--out", tmp_path / "out", ranks=ranks)
    assert result.returncode == 1, result.stderr
    assert result.stderr.count(f"device {device} is not here (no {missing}") == 1
    assert not (tmp_path / "out/archive.h5").exists()
