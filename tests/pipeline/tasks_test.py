"""Answers to tasks through whole runs: against a model in float64 whose operands are rounded, the
same bits at any number of ranks and after a kill."""

import json

import h5py
import numpy as np
import pytest
from conftest import is_identical, merged, random_tokens
from given_plans_test import OPS, write_plan
from items_files import answers, drawn_items, write_items
from own_lengths_test import Reference
from restart_test import kill_when
from scale_grid_test import (
    LENGTH,
    SAMPLES,
    Operands,
    Rounded,
    random_checkpoint,
    rounded,
    rounding_spec,
)

torch = pytest.importorskip("torch")

LOW = "fp8_e4m3"
ITEMS = {"choices": drawn_items(70, 4, 30), "words": drawn_items(9, 1, 30, seed=4)}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, maker):
    return random_checkpoint(tmp_path_factory.mktemp("tasks") / "model", maker, {}, 11)


def spec_of(folder, material, checkpoint, how):
    """All ops low in a plan of a file, and the run's own plans; how the low format takes scales."""
    folder.mkdir()
    files = [
        {"items": str(write_items(folder / "choices.h5", ITEMS["choices"])), "name": "choices"},
        {
            "items": str(write_items(folder / "words.h5", ITEMS["words"], "loglikelihood")),
            "items_limit": 8,
            "name": "words",
        },
    ]
    plan = write_plan(folder / "low.json", dict.fromkeys(OPS, LOW))
    tokens = random_tokens(SAMPLES * LENGTH * 2)
    spec = rounding_spec(folder, material, checkpoint, tokens, {LOW: how})
    changes = {"evaluate": {"plans": [str(plan)], "tasks": files}, "solve": {"frontier": False}}
    (folder / "spec.yaml").write_text(json.dumps(merged(spec, changes)))
    return folder / "spec.yaml"


@pytest.fixture(scope="module", params=["static", "dynamic"])
def run(request, tmp_path_factory, program, material, checkpoint):
    folder = tmp_path_factory.mktemp("tasks") / request.param
    how = {"scale_grid": "gaudi3", "backoff": 0.5, "scale": request.param}
    spec = spec_of(folder, material, checkpoint, how)
    result = program("run", spec, "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def archive(run):
    with h5py.File(run / "out/archive.h5") as file:
        yield file


def test_tasks_and_requests_are_described(archive, run):
    tasks = archive["tasks"]
    assert tasks["name"].asstr()[()].tolist() == ["choices", "words"]
    assert tasks["task"].asstr()[()].tolist() == ["drawn", "drawn"]
    assert tasks["kind"].asstr()[()].tolist() == ["choice", "loglikelihood"]
    assert tasks["file"].asstr()[0] == str(run / "choices.h5")
    assert tasks["items"][()].tolist() == [70, 8]
    assert tasks["requests"][()].tolist() == [280, 8]
    requests = archive["tasks/choices/requests"]
    assert requests["item"][()].tolist() == np.repeat(np.arange(70), 4).tolist()
    assert requests["choice"][:6].tolist() == [0, 1, 2, 3, 0, 1]
    targets = [len(tokens) - start for item in ITEMS["choices"] for tokens, start in item]
    assert requests["targets"][()].tolist() == targets
    assert archive["tasks/words/items/label"][()].tolist() == [0] * 8


def test_every_evaluated_plan_answers_all_requests_all_high_first(archive):
    keys = archive["evaluations/losses/assignment_key"].asstr()[()]
    rows = archive["evaluations/tasks/choices"]
    assert rows["loglikelihood"].shape[1] == 256, "64 items of 4 requests"
    assert not rows["assignment"][:2].any()
    for task, size in (("choices", 280), ("words", 8)):
        found = answers(archive, task)
        assert list(found) == list(keys)
        assert all(len(likelihoods) == size for likelihoods, _ in found.values())


class Answering(Rounded):
    """Log-likelihoods of a model every operand of which is rounded; scales are static, or those of
    the request at hand."""

    def __init__(self, checkpoint, operands, is_static):
        def activation(z, place, _):
            largest = operands.observed[place] if is_static else np.abs(z).max()
            return rounded(LOW, z, largest)

        super().__init__(
            checkpoint, operands, activation, lambda w: rounded(LOW, w, np.abs(w).max(), True)
        )


def answer(model, tokens, start):
    ids = torch.tensor(tokens.astype(np.int64))
    with torch.no_grad():
        hidden = model.model.model(ids[None, :-1]).last_hidden_state
        logits = model.model.lm_head(hidden[:, start - 1 :])[0]
    targets = ids[start:]
    likelihoods = logits.log_softmax(-1).gather(1, targets[:, None])
    return float(likelihoods.sum()), bool((logits.argmax(-1) == targets).all())


def close(found, expected, tolerance):
    """A value that lies between two codes may be rounded to the other one."""
    far = np.abs(found - expected) > tolerance + 1e-5 * np.abs(expected)
    return far.mean() < 0.05


@pytest.mark.parametrize("task", ITEMS)
def test_answers_are_those_of_a_model_that_is_rounded(archive, run, checkpoint, task):
    requests = [request for item in ITEMS[task] for request in item]
    found = answers(archive, task)
    keys = list(found)
    low = archive["given_plans/assignment_key"].asstr()[0]
    models = {
        keys[0]: Reference(checkpoint),
        low: Answering(checkpoint, Operands(archive), run.name == "static"),
    }
    answered = {}
    for key, model in models.items():
        likelihoods, greedy = found[key]
        chosen = list(range(0, len(likelihoods), 5))
        expected = [answer(model, *requests[i]) for i in chosen]
        answered[key] = np.array([value for value, _ in expected])
        np.testing.assert_array_equal(greedy[chosen], [flag for _, flag in expected])
        assert close(likelihoods[chosen], answered[key], 2e-5), (task, key)
    assert np.abs(answered[low] - answered[keys[0]]).mean() > 1e-3


def test_any_number_of_ranks_gives_the_same_archive(program, run, tmp_path):
    for ranks in (2, 4):
        out = tmp_path / str(ranks)
        result = program("run", run / "spec.yaml", "--out", out, ranks=ranks)
        assert result.returncode == 0, result.stderr
        same, differences = is_identical(program, run / "out", out)
        assert same, differences


def test_a_killed_run_goes_on(program, run, tmp_path):
    out = tmp_path / "out"

    def has_answers():
        text = program("status", out).stdout if out.exists() else ""
        return "answers of plan" in text

    kill_when(program.start("run", run / "spec.yaml", "--out", out), has_answers)
    result = program("run", run / "spec.yaml", "--out", out)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, run / "out", out)
    assert same, differences


def test_a_limit_leaves_the_answers_to_first_items_as_they_are(program, run, archive, tmp_path):
    files = [{"items": str(run / "choices.h5"), "items_limit": 64, "name": "choices"}]
    spec = json.loads((run / "spec.yaml").read_text())
    spec["evaluate"]["tasks"] = files
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    result = program(
        *("run", tmp_path / "spec.yaml", "--out", tmp_path / "out"),
        *("--from", run / "out/archive.h5"),
    )
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as file:
        rows, before = (f["evaluations/tasks/choices"] for f in (file, archive))
        np.testing.assert_array_equal(rows["unit_key"][()], before["unit_key"][::2])
        np.testing.assert_array_equal(rows["loglikelihood"][()], before["loglikelihood"][::2])


def test_plan_counts_answers(program, run):
    planned = json.loads(program("plan", run / "spec.yaml", "--json").stdout)
    assert planned["tasks"] == [
        {"name": "choices", "items": 70, "requests": 280, "chunks": 2},
        {"name": "words", "items": 8, "requests": 8, "chunks": 1},
    ]
    text = program("check", run / "spec.yaml").stdout
    assert "task choices: 70 items, 280 requests of " in text
    assert "task words: 8 items, 8 requests of " in text
