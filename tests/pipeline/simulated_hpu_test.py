"""The embedded model on a simulated Gaudi, with the real program: lazy on two ranks, a card each,
and eager on one.

Times are made up by the simulation; what is checked is that they were taken as times must be.
"""

import dataclasses
import json
import os
import pathlib

import h5py
import numpy as np
import pytest
from conftest import merged

FORMAT = "fp8_e4m3_gaudi2"
FAST_CARD = {
    "SIMULATED_HPU_COMPILE_MS": "0.1",
    "SIMULATED_HPU_TFLOPS": "0.05",
    "SIMULATED_HPU_GBPS": "4",
}
FP32 = {"rtol": 2e-4, "atol": 1e-9}  # sums of another order


def spec_of(device, mode="lazy"):
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
            "hpu": {"plugin": os.environ["SIMULATED_HPU"], "mode": mode},
            "solve": {"objectives": ["time", "macs"]},
        }
        spec = merged(spec, on_card)
    return spec


@pytest.fixture(scope="module")
def on_cpu(program, tmp_path_factory):
    """The folder of a run on the CPU."""
    folder = tmp_path_factory.mktemp("cpu")
    (folder / "cpu.yaml").write_text(json.dumps(spec_of("cpu")))
    result = program("run", folder / "cpu.yaml", "--out", folder / "cpu", timeout=300)
    assert result.returncode == 0, result.stderr
    return folder / "cpu"


@dataclasses.dataclass
class Run:
    """A run on simulated cards: where it is, what it said, and what its cards counted."""

    mode: str
    ranks: int
    folder: pathlib.Path
    cpu: pathlib.Path
    said: str
    cards: list

    def archives(self):
        return h5py.File(self.cpu / "archive.h5"), h5py.File(self.folder / "hpu/archive.h5")


@pytest.fixture(scope="module", params=[("lazy", 2), ("eager", 1)], ids=["lazy-2", "eager-1"])
def runs(request, program, on_cpu, tmp_path_factory):
    if "SIMULATED_HPU" not in os.environ:
        pytest.skip("the environment variable SIMULATED_HPU does not name the plug-in")
    mode, ranks = request.param
    folder = tmp_path_factory.mktemp(mode)
    (folder / "hpu.yaml").write_text(json.dumps(spec_of("hpu", mode)))
    counts = folder / "counts"
    counts.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, text in (*FAST_CARD.items(), ("SIMULATED_HPU_COUNTS", str(counts))):
            patch.setenv(name, text)
        result = program(
            "run", folder / "hpu.yaml", "--out", folder / "hpu", ranks=ranks, timeout=300
        )
    assert result.returncode == 0, result.stderr
    cards = [json.loads(path.read_text()) for path in counts.glob("*.json")]
    return Run(mode, ranks, folder, on_cpu, result.stderr, cards)


def test_each_rank_has_a_card_of_its_own(runs):
    modules = list(range(runs.ranks))
    assert sorted(card["module"] for card in runs.cards) == modules
    for rank in modules:
        assert f"rank {rank}: hpu module {rank} (HPU), libsimulated_hpu.so" in runs.said


def test_nothing_ran_on_the_host_and_nothing_was_read_too_early(runs):
    for card in runs.cards:
        assert card["host_fallbacks"] == 0
        assert card["unwaited_reads"] == 0
        assert card["compilations"] > 0
        assert card["off_grid_scales"] == 0


def test_scores_equal_those_of_the_cpu(runs):
    here, there = runs.archives()
    for name in ("maxima/maximum", "weight_maxima/maximum", "scores/loss", "anchors/loss"):
        np.testing.assert_allclose(there[name][()], here[name][()], err_msg=name, **FP32)
    for name in ("scores/sensitivity", "scores/signed_error"):
        expected = here[name][()]
        largest = np.abs(expected).max()
        np.testing.assert_allclose(
            there[name][()], expected, rtol=2e-3, atol=1e-4 * largest, err_msg=name
        )


def test_every_configuration_of_an_attention_was_timed_warm(runs):
    _, there = runs.archives()
    tables = there["measured/latency"]
    widths = [table["seconds"].shape[-1] for table in tables.values()]
    assert 32 in widths, "q, k, v, qk and av"
    for table in tables.values():
        assert (table["seconds"][()] > 0).all()
        # Eager calls of a configuration are like those of earlier ones, compiled already.
        assert runs.mode == "eager" or table["warm_up_compilations"][()].sum() > 0
        kernels = table["kernels"].asstr()[()].ravel().tolist()
        assert f"{FORMAT} hpu::fp8_gemm_v2" in kernels


def test_plans_are_made_of_these_times_and_evaluated(runs):
    here, there = runs.archives()
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


def test_other_plans_need_no_card(program, runs, tmp_path, monkeypatch):
    monkeypatch.setenv("SIMULATED_HPU_COUNTS", str(runs.folder / "counts"))
    new = tmp_path / "new.h5"
    result = program(
        "solve",
        runs.folder / "hpu/archive.h5",
        runs.folder / "hpu.yaml",
        "--out",
        new,
        "--set",
        "solve.thresholds=[2.0e-3]",
    )
    assert result.returncode == 0, result.stderr
    assert len(list((runs.folder / "counts").glob("*.json"))) == len(runs.cards), (
        "no further card was taken"
    )
    with h5py.File(new) as archive:
        assert archive["measured/plans/time/ip/gain"].shape[0] == 1


def test_keys_hold_card_software_and_mode(runs):
    _, there = runs.archives()
    text = json.dumps(
        {name: str(value) for name, value in there["measured/machine"].attrs.items()}
    ) + str([str(there["measured/machine"][name][()]) for name in there["measured/machine"]])
    notes = there["measured/machine"].attrs["device_notes"]
    assert [line.split(":")[0] for line in notes.splitlines()] == [
        f"rank {rank}" for rank in range(runs.ranks)
    ]
    assert all(f"hpu module {rank} (HPU)" in notes for rank in range(runs.ranks))
    for part in ("libsimulated_hpu.so", f"{runs.mode}, on the host: none"):
        assert part in text


def test_a_plugin_that_is_not_there_is_named(program, tmp_path):
    spec = merged(spec_of("cpu"), {"device": "hpu", "hpu": {"plugin": "no/plugin.so"}})
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    said = program.refuses("run", tmp_path / "spec.yaml", "--out", tmp_path / "out", code=1)
    assert "device hpu is not here (hpu.plugin names no/plugin.so, which is not there)" in said


def test_a_timing_in_which_the_card_compiles_fails_its_unit(program, tmp_path, monkeypatch):
    """Here the card forgets its recipes: each run compiles."""
    if "SIMULATED_HPU" not in os.environ:
        pytest.skip("the environment variable SIMULATED_HPU does not name the plug-in")
    for name, text in (*FAST_CARD.items(), ("SIMULATED_HPU_FORGETS", "1")):
        monkeypatch.setenv(name, text)
    (tmp_path / "hpu.yaml").write_text(json.dumps(spec_of("hpu")))
    result = program("run", tmp_path / "hpu.yaml", "--out", tmp_path / "out", timeout=300)
    assert result.returncode == 3, result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        messages = archive["measured/failures/reason"].asstr()[()].tolist()
    assert any("compiled" in text and "between the first and the last" in text for text in messages)
