"""Answers to the five known tasks against those of lm-evaluation-harness (../shared/data/tasks)."""

import json

import h5py
import numpy as np
import pytest
from conftest import SOURCE, write_tokens
from items_files import answers

DATA = SOURCE.parent / "shared/data"
GOLDENS = DATA / "tasks/task_goldens_stories260K.json"
TASKS = ("hellaswag", "piqa", "winogrande", "lambada", "wikitext")

if not GOLDENS.exists():
    pytest.skip(f"no {GOLDENS}", allow_module_level=True)


@pytest.fixture(scope="module")
def archive(tmp_path_factory, program):
    folder = tmp_path_factory.mktemp("goldens")
    tokens = write_tokens(folder / "tokens.h5", np.load(DATA / "stories260K/tokens_u16.npy")[:2000])
    spec = {
        "schema": 2,
        "name": "goldens",
        "model": {"checkpoint": str(DATA / "stories260K/hf")},
        "calibration": {"tokens": str(tokens), "samples": 2, "length": 64, "scale_samples": 2},
        "formats": {"high": "bf16", "low": ["int8"]},
        "solve": {"objectives": ["macs"], "thresholds": [0.01], "strategies": ["ip"]},
        "evaluate": {
            "samples": 2,
            "tasks": [{"items": str(DATA / f"tasks/items_{t}_stories260K.h5")} for t in TASKS],
        },
    }
    (folder / "spec.yaml").write_text(json.dumps(spec))
    result = program("run", folder / "spec.yaml", "--out", folder / "out", timeout=300)
    assert result.returncode == 0, result.stderr
    with h5py.File(folder / "out/archive.h5") as file:
        yield file


@pytest.mark.parametrize("task", TASKS)
def test_all_high_answers_as_the_harness_does(archive, task):
    golden = json.loads(GOLDENS.read_text())["bos_auto"][task]
    likelihoods, greedy = next(iter(answers(archive, task).values()))
    item = archive[f"tasks/{task}/requests/item"][()]
    if task == "wikitext":
        expected = np.array(golden["per_item"], float).reshape(-1)
        likelihoods = np.bincount(item, likelihoods)
    else:
        pairs = [pair for answered in golden["per_item"] for pair in answered]
        expected = np.array([likelihood for likelihood, _ in pairs])
        assert greedy.tolist() == [int(flag) for _, flag in pairs]
    assert len(likelihoods) == len(expected)
    tolerance = 1e-4 + 1e-6 * np.abs(expected)
    worst = (np.abs(likelihoods - expected) / tolerance).max()
    print(task, "largest difference", np.abs(likelihoods - expected).max())
    assert worst < 1


def test_a_plan_answers_otherwise(archive):
    high, low, *_ = (likelihoods for likelihoods, _ in answers(archive, "hellaswag").values())
    changes = np.abs(low - high)
    assert 0 < np.median(changes) < 1


def test_files_are_described(archive):
    tasks = archive["tasks"]
    assert tasks["name"].asstr()[()].tolist() == list(TASKS)
    assert tasks["items"][()].tolist() == [50, 50, 8, 50, 6]
    assert tasks["requests"][()].tolist() == [200, 100, 16, 50, 120]
    assert set(tasks["length"][()]) == {512} and set(tasks["bos"].asstr()[()]) == {"auto"}
    assert archive["tasks/wikitext/items/words"][:3].tolist() == [1093, 4751, 2434]
