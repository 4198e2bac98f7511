"""The embedded model on a simulated Gaudi, with the real program: two ranks, a card each.

Times are made up by the simulation; what is checked is that they were taken as times must be.
"""

import json
import os

import h5py
import numpy as np
import pytest
from conftest import merged

FORMAT = "fp8_e4m3_gaudi2"
FP32 = {"rtol": 2e-4, "atol": 1e-9}  # sums of another order


def spec_of(device):
    """The shipped spec of the embedded model with few short samples; nothing is timed on the CPU,
    which does not run the format."""
    spec = {
        "schema": 2,
        "name": "gaudi",
        "model": {"checkpoint": "configs/models/embedded"},
        "calibration": {
            "tokens": "configs/data/embedded.h5",
            "samples": 4,
            "length": 32,
            "scale_samples": 2,
        },
        "formats": {"high": "fp32", "low": [FORMAT]},
        "sensitivity": {"anchor_samples": 2},
        "latency": {"length": 32, "warmup": 1, "repetitions": 2, "least_repetitions": 2},
        "device": device,
        "solve": {"objectives": ["macs"], "thresholds": [1e-3, 1e-2], "strategies": ["ip"]},
        "evaluate": {"samples": 2},
    }
    if device == "hpu":
        on_card = {
            "hpu": {"plugin": os.environ["SIMULATED_HPU"], "mode": "lazy"},
            "solve": {"objectives": ["time", "macs"]},
        }
        spec = merged(spec, on_card)
    return spec


@pytest.fixture(scope="module")
def runs(program, tmp_path_factory):
    """Folders of runs on the CPU and on the card; what the latter said; its processes' counts."""
    if "SIMULATED_HPU" not in os.environ:
        pytest.skip("the environment variable SIMULATED_HPU does not name the plug-in")
    folder = tmp_path_factory.mktemp("hpu")
    said = {}
    for device in ("cpu", "hpu"):
        (folder / f"{device}.yaml").write_text(json.dumps(spec_of(device)))
    counts = folder / "counts"
    counts.mkdir()
    os.environ["SIMULATED_HPU_COUNTS"] = str(counts)
    os.environ["SIMULATED_HPU_COMPILE_MS"] = "0.1"
    os.environ["SIMULATED_HPU_TFLOPS"] = "0.05"
    os.environ["SIMULATED_HPU_GBPS"] = "4"
    for device, ranks in (("cpu", 1), ("hpu", 2)):
        result = program(
            "run", folder / f"{device}.yaml", "--out", folder / device, ranks=ranks, timeout=300
        )
        assert result.returncode == 0, result.stderr
        said[device] = result.stderr
    cards = [json.loads(path.read_text()) for path in counts.glob("*.json")]
    return folder, said["hpu"], cards


def archives(folder):
    return h5py.File(folder / "cpu/archive.h5"), h5py.File(folder / "hpu/archive.h5")


def test_each_rank_has_a_card_of_its_own(runs):
    _, said, cards = runs
    assert sorted(card["module"] for card in cards) == [0, 1]
    for rank in (0, 1):
        assert f"rank {rank}: hpu module {rank} (HPU), libsimulated_hpu.so" in said


def test_nothing_ran_on_the_host_and_nothing_was_read_too_early(runs):
    _, _, cards = runs
    for card in cards:
        assert card["host_fallbacks"] == 0
        assert card["unwaited_reads"] == 0
        assert card["compilations"] > 0
        assert card["off_grid_scales"] == 0


def test_scores_equal_those_of_the_cpu(runs):
    here, there = archives(runs[0])
    for name in ("maxima/maximum", "weight_maxima/maximum", "scores/loss", "anchors/loss"):
        np.testing.assert_allclose(there[name][()], here[name][()], err_msg=name, **FP32)
    for name in ("scores/sensitivity", "scores/signed_error"):
        expected = here[name][()]
        largest = np.abs(expected).max()
        np.testing.assert_allclose(
            there[name][()], expected, rtol=2e-3, atol=1e-4 * largest, err_msg=name
        )


def test_every_configuration_of_an_attention_was_timed_warm(runs):
    _, there = archives(runs[0])
    tables = there["measured/latency"]
    widths = [table["seconds"].shape[-1] for table in tables.values()]
    assert 32 in widths, "q, k, v, qk and av"
    for table in tables.values():
        assert (table["seconds"][()] > 0).all()
        assert table["warm_up_compilations"][()].sum() > 0
        kernels = table["kernels"].asstr()[()].ravel().tolist()
        assert f"{FORMAT} hpu::fp8_gemm_v2" in kernels


def test_plans_are_made_of_these_times_and_evaluated(runs):
    here, there = archives(runs[0])
    real = there["ops/real_formats"].asstr()[()]
    assert (real == f"fp32,{FORMAT}").all(), "linear layers and both products of attention"
    assert there["measured/plans/time/ip/gain"].shape[0] == 2
    assert len(there["evaluations/losses/assignment_key"]) > 0
    same = {
        key: loss
        for key, loss in zip(
            here["evaluations/losses/assignment_key"].asstr()[()].ravel(),
            here["evaluations/losses/loss"][()].reshape(len(here["evaluations/losses/loss"]), -1),
            strict=True,
        )
    }
    compared = 0
    for key, loss in zip(
        there["evaluations/losses/assignment_key"].asstr()[()].ravel(),
        there["evaluations/losses/loss"][()].reshape(len(there["evaluations/losses/loss"]), -1),
        strict=True,
    ):
        if key in same:
            np.testing.assert_allclose(loss, same[key], rtol=1e-3)
            compared += 1
    assert compared > 0


def test_keys_hold_card_software_and_mode(runs):
    _, there = archives(runs[0])
    text = json.dumps(
        {name: str(value) for name, value in there["measured/machine"].attrs.items()}
    ) + str([str(there["measured/machine"][name][()]) for name in there["measured/machine"]])
    for part in ("libsimulated_hpu.so", "lazy, on the host: none"):
        assert part in text


def test_a_plugin_that_is_not_there_is_named(program, tmp_path):
    spec = merged(spec_of("cpu"), {"device": "hpu", "hpu": {"plugin": "no/plugin.so"}})
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    said = program.refuses("run", tmp_path / "spec.yaml", "--out", tmp_path / "out", code=1)
    assert "device hpu is not here (hpu.plugin names no/plugin.so, which is not there)" in said


def test_a_timing_in_which_the_card_compiles_fails_its_unit(program, tmp_path, runs):
    """Here the card forgets its recipes: each run compiles."""
    folder, _, _ = runs
    environment = {"SIMULATED_HPU_FORGETS": "1"}
    os.environ.update(environment)
    try:
        result = program("run", folder / "hpu.yaml", "--out", tmp_path / "out", timeout=300)
    finally:
        del os.environ["SIMULATED_HPU_FORGETS"]
    assert result.returncode == 3, result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        messages = archive["measured/failures/reason"].asstr()[()].tolist()
    assert any("compiled" in text and "between the first and the last" in text for text in messages)
