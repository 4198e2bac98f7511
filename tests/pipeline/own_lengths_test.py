"""Samples of their own length, with targets that do not count, through a whole run: against a
reference in float64 by torch and transformers."""

import json

import h5py
import numpy as np
import pytest
from conftest import HEAD, is_identical, merged, random_tokens, tiny_spec, write_checkpoint
from token_file_test import write_samples

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LENGTHS = [12, 5, 1, 9, 12, 7, 3, 12, 8]  # six of calibration, three of evaluation
MASKED = {0: [1, 2, 7], 3: [9], 7: [3, 4, 5, 6]}  # by sample: places of targets among its tokens


@pytest.fixture(scope="module")
def texts():
    stream = random_tokens(200)
    ends = np.cumsum([length + 1 for length in LENGTHS])
    samples = np.split(stream[: ends[-1]], ends[:-1])
    masks = [np.ones(len(sample)) for sample in samples]
    for sample, places in MASKED.items():
        masks[sample][places] = 0
    return samples, masks


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, maker):
    """The tiny model with random weights, none of which lies between two codes of int8."""
    random = np.random.default_rng(7)

    def draw(numbers):
        for name in [*maker.SHAPES, HEAD]:
            numbers(name)[...] = random.normal(0, 0.4, numbers(name).shape)
            numbers(name)[...] += numbers(name).ndim == 1

    return write_checkpoint(tmp_path_factory.mktemp("random") / "model", maker, draw)


@pytest.fixture(scope="module")
def finished_own(tmp_path_factory, program, material, checkpoint, texts):
    folder = tmp_path_factory.mktemp("own")
    samples, masks = texts
    path = write_samples(folder / "own.h5", samples, np.concatenate(masks))
    changes = {
        "model": {"checkpoint": str(checkpoint)},
        "calibration": {"tokens": str(path)},
        "sensitivity": {"precision": "fp32", "anchor_samples": 4},
        "solve": {"loss_model": "bias"},
    }
    (folder / "spec.yaml").write_text(json.dumps(merged(tiny_spec(material), changes)))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def archive(finished_own):
    with h5py.File(finished_own / "out/archive.h5") as file:
        yield file


class Reference:
    """The model in float64; what its linear layers saw and the gradients of what they gave."""

    def __init__(self, folder):
        transformers.logging.disable_progress_bar()
        self.model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float64, attn_implementation="eager"
        )
        self.seen, self.gradients, self.layers = {}, {}, {}
        for name, layer in self.model.named_modules():
            if isinstance(layer, torch.nn.Linear):
                self.layers[name] = layer
                layer.register_forward_hook(self._look(name))

    def _look(self, name):
        def look(_, inputs, output):
            self.seen[name] = inputs[0].detach()[0]
            if output.requires_grad:
                output.register_hook(lambda g: self.gradients.__setitem__(name, g.detach()[0]))

        return look

    def loss(self, ids, mask):
        ids = torch.tensor(ids.astype(np.int64))
        logits = self.model(ids[None, :-1]).logits[0]
        each = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")
        counts = torch.tensor(mask[1:] != 0)
        return each[counts].mean()

    def score(self, name):
        """Sensitivities of input and weight; of the weight in int8 signed error and step norm."""
        z, g, w = self.seen[name], self.gradients[name], self.layers[name].weight.detach()
        of_input, of_weight = g @ w, g.T @ z
        step = w.abs().amax(1, keepdim=True) / 127
        rounded = (w / step).round().clamp(-127, 127) * step
        return (
            float((z * of_input).square().sum()),
            float((w * of_weight).square().sum()),
            float((of_weight * (rounded - w)).sum()),
            float((step.square() * of_weight.square() * (w != 0)).sum()),
        )


@pytest.fixture(scope="module")
def reference(checkpoint):
    return Reference(checkpoint)


def text_of(values):
    return [value.decode() for value in values]


def test_scores_are_those_of_own_tokens_and_targets(archive, reference, texts):
    scores, ops = archive["scores"], archive["operands/op"][()]
    modules = text_of(archive["ops/module"][()])
    assert scores["targets"][()].tolist() == [9, 5, 1, 8, 12, 7]
    compared = 0
    for sample in range(6):
        reference.model.zero_grad()
        loss = reference.loss(*(part[sample] for part in texts))
        loss.backward()
        assert scores["loss"][sample] == pytest.approx(float(loss.detach()), rel=1e-6)
        for op, name in enumerate(modules):
            if name not in reference.layers:
                continue  # a product of attention
            of_input, of_weight, error, step_norm = reference.score(name)
            first, second = np.flatnonzero(ops == op)
            assert scores["sensitivity"][sample, first] == pytest.approx(of_input, rel=1e-4)
            assert scores["sensitivity"][sample, second] == pytest.approx(of_weight, rel=1e-4)
            assert scores["step_norm"][sample, second, 0] == pytest.approx(step_norm, rel=1e-4)
            tolerance = 1e-4 * np.sqrt(of_weight) + 1e-12
            assert abs(scores["signed_error"][sample, second, 0] - error) < tolerance
            compared += 1
            if sample < 3:
                largest = float(reference.seen[name].abs().max())
                assert archive["maxima/maximum"][sample, first] == pytest.approx(largest, rel=1e-5)
    assert compared == 6 * sum(name in reference.layers for name in modules) > 0


def test_losses_of_plans_and_anchors_are_means_over_what_counts(archive, reference, texts):
    with torch.no_grad():
        losses = [float(reference.loss(*text)) for text in zip(*texts, strict=True)]
    all_high = np.flatnonzero(~archive["evaluations/losses/assignment"][()].any(axis=1))
    found = archive["evaluations/losses/loss"][all_high[0]]
    np.testing.assert_allclose(found, losses[6:], rtol=1e-6)
    np.testing.assert_allclose(archive["anchors/loss"][()], losses[:4], rtol=1e-6)
    # Means over the targets that count, of which sample 2 has one.
    sample = 0
    ids, mask = (part[sample] for part in texts)
    with torch.no_grad():
        logits = reference.model(torch.tensor(ids.astype(np.int64))[None, :-1]).logits[0]
        logarithms = logits.log_softmax(-1)[torch.tensor(mask[1:] != 0)]
    entropy = float(-(logarithms.exp() * logarithms).sum(-1).mean())
    assert archive["anchors/entropy"][sample] == pytest.approx(entropy, rel=1e-5)


def test_the_bias_counts_each_samples_targets(archive):
    scores = archive["scores"]
    of_op = np.zeros((len(archive["operands/op"]), len(archive["ops/path"])))
    of_op[np.arange(len(of_op)), archive["operands/op"][()]] = 1
    errors = np.einsum("rkl,ko->rol", scores["signed_error"][()], of_op) ** 2
    added, targets = errors.sum(axis=(1, 2)), scores["targets"][()]
    mean = (targets * added).sum() / added.sum()
    rates = archive["bias_rates"]
    place = text_of(rates["noise"][()]).index("empirical")
    assert rates["fitted"][place] == pytest.approx(mean / 2, rel=1e-12)
    plans = archive["plans/macs/ip"]
    total = plans["loss_error"][()].ravel()
    np.testing.assert_allclose(
        plans["predicted_mse"][()].ravel(), total + (mean / 2 * total) ** 2, rtol=1e-12
    )


def test_any_number_of_ranks_gives_the_same_archive(program, finished_own, tmp_path):
    for ranks in (2, 4):
        folder = tmp_path / str(ranks)
        result = program("run", finished_own / "spec.yaml", "--out", folder, ranks=ranks)
        assert result.returncode == 0, result.stderr
        same, differences = is_identical(program, finished_own / "out", folder)
        assert same, differences


def test_an_archive_is_solved_again_without_the_texts(program, finished_own, tmp_path):
    path = tmp_path / "solved.h5"
    spec = finished_own / "spec.yaml"
    result = program("solve", finished_own / "out/archive.h5", spec, "--out", path)
    assert result.returncode == 0, result.stderr
    result = program("diff", finished_own / "out/archive.h5", path)
    assert result.returncode == 0, result.stdout


def test_check_and_plan_tell_lengths(program, finished_own):
    told = "6 calibration samples of 1 to 12 tokens (46 in all; 42 targets count), "
    told += "3 evaluation samples of 3 to 12 tokens (23 in all; 19 targets count)"
    for command in ("check", "plan"):
        result = program(command, finished_own / "spec.yaml")
        assert told in result.stdout, result.stdout + result.stderr
