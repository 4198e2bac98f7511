"""Specs off the beaten track, each a whole run on the tiny model."""

import h5py
import numpy as np
import pytest
from conftest import has_fast_int8

DYNAMIC = {"scale": "dynamic"}
VARIANTS = {
    "scoring_in_fp32": {"sensitivity": {"precision": "fp32"}},
    "high_is_fp32": {"formats": {"high": "fp32", "low": ["bf16", "int8"]}},
    "all_fp8": {"formats": {"low": ["fp8_e4m3", "fp8_e4m3_gaudi2", "fp8_e5m2"]}},
    "dynamic_scales": {
        "formats": {"low": ["int8", "fp8_e4m3"], "int8": DYNAMIC, "fp8_e4m3": DYNAMIC}
    },
    "weights_per_tensor": {"formats": {"low": ["int8"], "int8": {"granularity": "tensor"}}},
    "single_ops": {"partition": {"rule": "single"}},
    "ties_and_merges": {
        "partition": {
            "tie": ["*attention.[qkv]"],
            "merge": [["*mlp.gate", "*mlp.down"]],
        }
    },
    "first_order_paper": {"solve": {"loss_model": "first_order", "noise": "paper"}},
    "rates": {"target": {"mac_rates": {"bf16": 1.0, "int8": 3.5}}},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_runs(program, write_spec, tmp_path, name):
    spec = write_spec(**VARIANTS[name])
    result = program("run", spec, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        assert np.isfinite(archive["scores/signed_error"][()]).all()
        largest = archive["plans/macs/ip/gain"][-1, 0]
        assert largest > 0, "a threshold of 10 % lowers something"
        assert ("maxima" in archive) == (name != "dynamic_scales")


def timed(program, spec, out):
    result = program("run", spec, "--out", out)
    assert result.returncode == 0, result.stderr
    with h5py.File(out / "archive.h5") as archive:
        latency = archive["measured/latency"]
        assert all((table["seconds"][()] > 0).all() for table in latency.values())
        assert archive["measured/gains/time/gain"].shape[0] > 0
        return sorted(latency), archive["timed_configurations/members"][()].tolist()


EMBEDDED = {
    "model": {"checkpoint": "configs/models/embedded"},
    "calibration": {"tokens": "configs/data/embedded.h5", "samples": 2, "length": 32,
                    "scale_samples": 2},
    # Beside fp32, which every processor has fast kernels for, where bf16 lacks them.
    "formats": {"high": "bf16" if has_fast_int8() else "fp32"},
    "latency": {"length": 32, "warmup": 1, "repetitions": 2, "least_repetitions": 2},
    "solve": {"objectives": ["time"], "thresholds": [0.1], "strategies": ["ip"]},
    "evaluate": {"samples": 1, "strategies": ["ip"]},
}  # fmt: skip


def test_times_of_subgraphs_alone(program, write_spec, tmp_path):
    spec = write_spec(**EMBEDDED | {"latency": EMBEDDED["latency"] | {"scope": "subgraph"}})
    tables, members = timed(program, spec, tmp_path / "out")
    assert all(name.startswith("class_") for name in tables)
    assert set(members) == {1}, "one member stands for its class"
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        table, gains = archive["measured/latency"][tables[0]], archive["measured/gains/time"]
        seconds, whole = table["seconds"][()], table["whole_seconds"][()]
        assert (whole > seconds[..., 0]).all(), "a part takes less than the whole"
        assert (table["order"][()].max(axis=-1) == seconds.shape[-1]).all(), "it is timed beside"
        parts = ((seconds[..., :1] - seconds) / whole[..., None]).reshape(-1, seconds.shape[-1])
        of_class = archive["subgraphs/class"][()] == int(tables[0].removeprefix("class_"))
        for row in np.flatnonzero(of_class[gains["subgraph"][()]]):
            saved = np.median(parts[:, gains["configuration"][row]])
            assert gains["saved"][row] == pytest.approx(saved, abs=1e-15)


def test_times_of_each_member(program, write_spec, tmp_path):
    spec = write_spec(**EMBEDDED | {"latency": EMBEDDED["latency"] | {"each_member": True}})
    tables, members = timed(program, spec, tmp_path / "out")
    assert all(name.startswith("subgraph_") for name in tables)
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        assert len(tables) == len(archive["subgraphs/name"])
    assert set(members) == {1}


def test_int8_beside_fp8_in_time(program, write_spec, tmp_path):
    formats = {"formats": EMBEDDED["formats"] | {"low": ["int8", "fp8_e4m3"]}}
    timed(program, write_spec(**EMBEDDED | formats), tmp_path / "out")
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        names = archive["formats/name"].asstr()[()].tolist()
        chosen = archive["measured/plans/time/ip/assignment"][()]
        assert names.index("fp8_e4m3") not in chosen, "emulated formats gain no time"


@pytest.mark.skipif(has_fast_int8(), reason="this processor has all kernels that times need")
def test_without_kernels_times_are_left_out_and_the_rest_is_there(program, write_spec, tmp_path):
    objectives = {"solve": EMBEDDED["solve"] | {"objectives": ["time", "macs"]}}
    spec = write_spec(**EMBEDDED | objectives | {"formats": {"high": "bf16"}})
    result = program("run", spec, "--out", tmp_path / "out")
    assert result.returncode == 3, result.stderr
    assert "times and the objective time are left out: " in result.stderr
    assert "kernel" in result.stderr
    status = program("status", tmp_path / "out").stdout
    assert "timing: times and the objective time are left out: " in status
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        assert archive["plans/macs/ip/gain"].shape[0] == 1
        assert "plans" not in archive["measured"] and "latency" not in archive["measured"]
        assert "kernel" in archive["measured/machine"].attrs["untimed"]
    alone = write_spec(**EMBEDDED | {"formats": {"high": "bf16"}})
    assert "asks for time alone" in program.refuses("run", alone, "--out", tmp_path / "b", code=1)


def test_a_memory_limit_changes_no_number(program, write_spec, tmp_path):
    runs = []
    for limit in (0, 0.5):
        out = tmp_path / str(limit)
        result = program("run", write_spec(memory_limit=limit), "--out", out)
        assert result.returncode == 0, result.stderr
        with h5py.File(out / "archive.h5") as archive:
            paths = (
                "scores/signed_error",
                "scores/loss",
                "anchors/loss",
                "evaluations/losses/loss",
            )
            runs.append([archive[path][()] for path in paths])
    assert all(map(np.array_equal, *runs))
