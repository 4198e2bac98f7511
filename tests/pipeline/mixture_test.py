"""A whole experiment on a tiny mixture of experts: some of them no token chooses."""

import json

import h5py
import numpy as np
import pytest
from conftest import random_tokens
from token_file_test import write_samples

EXPERTS = 6
CONFIG = {
    "model_type": "mixtral",
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 16,
    "max_position_embeddings": 64,
    "num_local_experts": EXPERTS,
    "num_experts_per_tok": 2,
    "sliding_window": None,
}
UNREACHED = ["layers.1.mlp.experts.4", "layers.1.mlp.experts.5"]


def tensors():
    """Shapes by name."""
    shapes = {"model.embed_tokens.weight": [16, 16], "lm_head.weight": [16, 16]}
    shapes["model.norm.weight"] = [16]
    for layer in range(2):
        name = f"model.layers.{layer}."
        shapes[name + "input_layernorm.weight"] = [16]
        shapes[name + "post_attention_layernorm.weight"] = [16]
        for leaf, rows in {"q": 16, "k": 8, "v": 8, "o": 16}.items():
            shapes[f"{name}self_attn.{leaf}_proj.weight"] = [rows, 16]
        name += "block_sparse_moe."
        shapes[name + "gate.weight"] = [EXPERTS, 16]
        for expert in range(EXPERTS):
            for leaf, shape in {"w1": [24, 16], "w2": [16, 24], "w3": [24, 16]}.items():
                shapes[f"{name}experts.{expert}.{leaf}.weight"] = shape
    return shapes


def write_model(folder):
    """Random weights. The last layer's router has two pairs of rows, each with its opposite, and
    zeros for experts 4 and 5: one of each pair is likelier than those for every token."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    random = np.random.default_rng(2)
    header, data = {}, b""
    for name, shape in tensors().items():
        values = 0.3 * random.standard_normal(shape).astype("<f4")
        if len(shape) == 1:
            values += 1
        if name == "model.layers.1.block_sparse_moe.gate.weight":
            values[1], values[3], values[4:] = -values[0], -values[2], 0
        raw = values.tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("mixture") / "model")


@pytest.fixture
def spec(write_spec, checkpoint):
    def write(name="spec.yaml", **changes):
        defaults = {"formats": {"low": ["int8", "fp8_e4m3"]}}
        return write_spec(name, model={"checkpoint": str(checkpoint)}, **(defaults | changes))

    return write


def texts(archive, name):
    return archive[name].asstr()[()].tolist()


def test_a_run_plans_and_evaluates_a_mixture(program, spec, tmp_path):
    result = program("run", spec(), "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "gains in macs count 2 of 6 experts" in result.stderr
    for what in ("their activations' scales are 1", "their loss errors are 0"):
        line = next(line for line in result.stderr.splitlines() if what in line)
        assert line.endswith(": " + ", ".join(f"'{name}'" for name in UNREACHED)), line
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        notes = list(zip(texts(archive, "notes/text"), texts(archive, "notes/about"), strict=True))
        assert [about for text, about in notes if "scales are 1" in text] == UNREACHED
        assert [about for text, about in notes if "loss errors are 0" in text] == UNREACHED
        paths = texts(archive, "ops/path")
        of_experts = np.array(["experts" in path for path in paths])
        assert of_experts.sum() == 2 * EXPERTS * 3
        assert not any("router" in path for path in paths)
        macs = archive["ops/macs"][()]
        assert (macs[of_experts] == 12 * 16 * 24 * 2 // EXPERTS).all()
        unreached = np.array([path.rpartition(".")[0] in UNREACHED for path in paths])
        assert (archive["loss_errors/empirical"][unreached] == 0).all()
        assert (archive["loss_errors/empirical"][~unreached][:, 1:] > 0).all()
        names = texts(archive, "operands/path")
        inputs = [names.index(f"{name}.gate.input") for name in UNREACHED]
        assert (archive["scales/scale"][inputs] == 1).all()
        ties = archive["ops/tie"][()]
        downs = np.array([path.endswith("down") for path in paths])
        assert set(ties[of_experts & ~downs]) == {0}
        assert set(ties[of_experts & downs]) == {1}
        losses = archive["evaluations/losses/loss"][()]
        assert len(losses) > 1 and np.isfinite(losses).all()


def test_a_spec_decides_about_ties(program, spec):
    message = program.refuses("check", spec(partition={"tie": []}))
    assert "3^18 configurations are more than the limit of 1024" in message
    apart = spec(partition={"split": ["layers.*.experts.*"]})
    assert program("check", apart).returncode == 0


def test_scores_need_no_static_scales_to_name_experts(program, spec, tmp_path):
    dynamic = {"scale": "dynamic"}
    path = spec(formats={"low": ["int8"], "int8": dynamic})
    result = program("run", path, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "scales are 1" not in result.stderr
    assert "their loss errors are 0" in result.stderr


def test_scores_are_those_of_a_sample_alone(program, spec, tmp_path):
    """To the bit, whatever lengths the samples before it had; one of a single token, too."""
    lengths = [12, 5, 1, 9]
    samples = np.split(random_tokens(31), np.cumsum([length + 1 for length in lengths[:-1]]))
    dynamic = {"low": ["int8"], "int8": {"scale": "dynamic"}}

    def scores(name, chosen):
        mask = [place % 3 != 2 for sample in chosen for place in range(len(sample))]
        path = write_samples(tmp_path / f"{name}.h5", chosen, mask)
        changes = {
            "calibration": {"samples": len(chosen), "length": max(map(len, chosen)) - 1},
            "sensitivity": {"precision": "fp32", "anchor_samples": 0},
            "evaluate": {"samples": 1, "strategies": [], "tokens": str(tmp_path / "other.h5")},
        }
        changes["calibration"] |= {"tokens": str(path), "scale_samples": 1}
        written = spec(f"{name}.yaml", formats=dynamic, **changes)
        result = program("run", written, "--out", tmp_path / name)
        assert result.returncode == 0, result.stderr
        with h5py.File(tmp_path / name / "archive.h5") as archive:
            fields = ("loss", "targets", "sensitivity", "signed_error", "square_error", "step_norm")
            return [archive[f"scores/{field}"][()] for field in fields]

    write_samples(tmp_path / "other.h5", [(samples[2] + 1) % 16])
    together = scores("together", samples)
    for place, sample in enumerate(samples):
        for found, alone in zip(together, scores(str(place), [sample]), strict=True):
            np.testing.assert_array_equal(found[place], alone[0])
