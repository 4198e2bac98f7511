"""Requests of an item that run together, as where scales are static, against each alone, as where
they are dynamic: with nothing rounded both are what the model says, whatever its family."""

import json
import pathlib
import sys

import h5py
import numpy as np
import pytest
from conftest import merged, random_tokens, tiny_spec, write_tokens
from items_files import answers, drawn_items, write_items

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "unit/execute"))

FAMILIES = [
    "llama dynamic, longer than it was made for",
    "mistral with a window",
    "gemma2 with everything",
    "phi3 longrope, long",
    "gpt2 with everything",
    "opt with norms behind and a smaller embedding",
    "mixtral",
]
VOCABULARY = 96


@pytest.fixture(scope="module")
def families():
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    import transformers_test

    return transformers_test


def spec_of(folder, material, scale):
    items = drawn_items(6, 3, 40, vocabulary=VOCABULARY)
    tokens = write_tokens(folder / "tokens.h5", random_tokens(400, vocabulary=VOCABULARY))
    changes = {
        "model": {"checkpoint": str(folder)},
        "calibration": {"tokens": str(tokens), "samples": 2, "scale_samples": 2},
        "formats": {"int8": {"scale": scale}},
        "partition": {"rule": "single"},
        "solve": {"objectives": ["macs"], "strategies": ["ip"], "thresholds": [0.01]},
        "evaluate": {
            "samples": 1,
            "tasks": [{"items": str(write_items(folder / "items.h5", items, length=40))}],
        },
    }
    path = folder / f"{scale}.yaml"
    path.write_text(json.dumps(merged(tiny_spec(material), changes)))
    return path


@pytest.mark.parametrize("name", FAMILIES)
def test_packed_requests_say_what_each_says_alone(program, material, families, tmp_path, name):
    families.write_random_model(tmp_path, families.keys_of(name), False)
    found = {}
    for scale in ("static", "dynamic"):
        spec = spec_of(tmp_path, material, scale)
        result = program("run", spec, "--out", tmp_path / scale)
        assert result.returncode == 0, result.stderr
        with h5py.File(tmp_path / scale / "archive.h5") as file:
            found[scale] = next(iter(answers(file, "drawn").values()))
    (packed, greedy), (alone, expected) = found["static"], found["dynamic"]
    assert len(packed) == 18 and np.ptp(alone) > 1
    np.testing.assert_allclose(packed, alone, rtol=2e-5, atol=1e-4)
    assert greedy.tolist() == expected.tolist()
    assert not np.array_equal(packed, alone), "both ran the same programs"
