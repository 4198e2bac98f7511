"""Scale grids through a whole run, against numpy's own scales and rounding: scales, signed errors
and losses of a model in which every operand is rounded."""

import json

import h5py
import numpy as np
import pytest
from conftest import (
    HEAD,
    is_identical,
    merged,
    random_tokens,
    tiny_spec,
    write_checkpoint,
    write_tokens,
)
from own_lengths_test import Reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LOW = {
    "fp8_e4m3_gaudi2": {},
    "fp8_e4m3": {"scale_grid": "gaudi3", "backoff": 0.5},
    "fp8_e5m2": {"scale_grid": "power_of_two", "granularity": "channel"},
}
#: Exponent bits, explicit mantissa bits, largest number, back-offs of activations and weights.
GRIDS = {
    "fp8_e4m3_gaudi2": (4, 3, 240, 0.25, 0.5),
    "fp8_e4m3": (4, 3, 448, 0.5, 0.5),
    "fp8_e5m2": (5, 2, 57344, 1, 1),
}
#: Deviations of random weights: with these a Gaudi 2 needs all its four scales, and one operand
#: (the input of down) is beyond the largest.
DEVIATIONS = {"gate": 30.0, "up": 30.0, "down": 1e-4, "k_proj": 1e-3, "o_proj": 3.0}
SAMPLES, LENGTH = 4, 12


def random_checkpoint(folder, maker, deviations, seed):
    """The tiny model with normal weights, of 0.4 where `deviations` names no part of their name."""
    random = np.random.default_rng(seed)

    def draw(numbers):
        for name in [*maker.SHAPES, HEAD]:
            found = [deviation for part, deviation in deviations.items() if part in name]
            numbers(name)[...] = random.normal(0, (found or [0.4])[0], numbers(name).shape)
            numbers(name)[...] += numbers(name).ndim == 1

    return write_checkpoint(folder, maker, draw)


def rounding_spec(folder, material, checkpoint, tokens, low):
    """What scores, plans and evaluates the model in fp32 beside low formats."""
    changes = {
        "model": {"checkpoint": str(checkpoint)},
        "calibration": {
            "tokens": str(write_tokens(folder / "tokens.h5", tokens)),
            **{"samples": SAMPLES, "length": LENGTH, "scale_samples": 2},
        },
        "formats": {"high": "fp32", "low": list(low), **{n: how for n, how in low.items() if how}},
        "sensitivity": {"precision": "fp32", "anchor_samples": SAMPLES},
        "solve": {"objectives": ["macs"]},
    }
    return merged(tiny_spec(material), changes)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, maker):
    return random_checkpoint(tmp_path_factory.mktemp("grids") / "model", maker, DEVIATIONS, 11)


@pytest.fixture(scope="module")
def tokens():
    return random_tokens(SAMPLES * LENGTH * 2)


@pytest.fixture(scope="module")
def run(tmp_path_factory, program, material, checkpoint, tokens):
    folder = tmp_path_factory.mktemp("grids")
    spec = rounding_spec(folder, material, checkpoint, tokens, LOW)
    (folder / "spec.yaml").write_text(json.dumps(spec))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def archive(run):
    with h5py.File(run / "out/archive.h5") as file:
        yield file


def text_of(values):
    return [value.decode() for value in values]


def scales_of(name):
    """All scales that a format has on its grid here, in rising order."""
    if name == "fp8_e4m3_gaudi2":
        return np.array([1 / 256, 1 / 16, 1, 16])
    if name == "fp8_e4m3":
        return 2.0 ** (7 - np.arange(62.0, -1, -1))  # biases of a Gaudi 3; 7 is the format's
    return 2.0 ** np.arange(-126, 128)


def scale(name, largest, weight):
    grid = scales_of(name)
    free = np.asarray(largest, np.float64) / (GRIDS[name][2] * GRIDS[name][4 if weight else 3])
    return grid[np.minimum(np.searchsorted(grid, free), len(grid) - 1)]


def rounded(name, z, largest, weight=False):
    """`z` on the grid of 8 bits at the scale of its largest magnitude."""
    exponent_bits, mantissa_bits, top, *_ = GRIDS[name]
    by = scale(name, largest, weight)
    quotient = np.clip(z / by, -top, top)
    least = 2 - 2 ** (exponent_bits - 1)
    exponent = np.maximum(np.frexp(quotient)[1] - 1, least)
    step = np.ldexp(1.0, np.where(quotient == 0, least, exponent) - mantissa_bits)
    return np.rint(quotient / step) * step * by


def rounded_weight(name, w):
    axis = 1 if LOW[name].get("granularity") == "channel" else None
    return rounded(name, w, np.abs(w).max(axis, keepdims=True), weight=True)


class Operands:
    """Places of the archive's operands, with what was observed of them."""

    def __init__(self, archive):
        ops = archive["operands/op"][()]
        self.modules = text_of(archive["ops/module"][()])
        self.roles = text_of(archive["operands/role"][()])
        names = text_of(archive["operands/name"][()])
        self.of_module = {self.modules[op]: at for at, op in enumerate(ops) if names[at] == "input"}
        self.by_name = {
            name: at for at, name in enumerate(names) if name not in ("input", "weight")
        }
        # Without static scales nothing is observed.
        has_maxima = "maxima" in archive
        self.observed = archive["maxima/maximum"][()].max(axis=0) if has_maxima else None
        self.module_of = [self.modules[op] for op in ops]


@pytest.fixture(scope="module")
def operands(archive):
    return Operands(archive)


@pytest.fixture(scope="module")
def reference(checkpoint):
    return Reference(checkpoint)


def test_formats_name_their_scale_grid(archive):
    assert text_of(archive["formats/name"][()]) == ["fp32", *LOW]
    grids = ["arbitrary", "gaudi2", "gaudi3", "power_of_two"]
    assert text_of(archive["formats/weight_scale_grid"][()]) == grids


def test_scales_are_the_least_that_are_not_below(archive, operands, reference):
    found = archive["scales/scale"][()]
    for place, role in enumerate(operands.roles):
        largest = operands.observed[place]
        if role == "weight":
            weight = reference.layers[operands.module_of[place]].weight.detach()
            largest = float(weight.abs().max())
        expected = [scale(name, largest, role == "weight") for name in LOW]
        assert found[place].tolist() == expected, place
    assert set(found[:, 0]) == {1 / 256, 1 / 16, 1, 16}
    assert operands.observed[operands.of_module["model.layers.0.mlp.down_proj"]] > 16 * 240


def check_signed_errors(archive, operands, reference, tokens, low, activation, weight):
    """The stored ones of linear layers against rounding by hand: `activation(name, z, place)` and
    `weight(name, w)` for each name of `low`; an activation that is None stays high."""
    found = archive["scores/signed_error"][()]
    for sample in range(SAMPLES):
        ids = tokens[sample * LENGTH : (sample + 1) * LENGTH + 1]
        reference.model.zero_grad()
        reference.loss(ids, np.ones(len(ids))).backward()
        for path, layer in reference.layers.items():
            z, w = reference.seen[path].numpy(), layer.weight.detach().numpy()
            g = reference.gradients[path].numpy()
            place = operands.of_module[path]
            for at, name in enumerate(low):
                of_input, of_weight = found[sample, place : place + 2, at]
                made = activation(name, z, place)
                if made is None:
                    assert of_input == 0, (path, name)
                else:
                    terms = (g @ w) * (made - z)
                    assert abs(of_input - terms.sum()) < 1e-4 * np.abs(terms).sum(), (path, name)
                terms = (g.T @ z) * (weight(name, w) - w)
                assert abs(of_weight - terms.sum()) < 1e-4 * np.abs(terms).sum(), (path, name)


def test_signed_errors_are_those_of_rounding_at_these_scales(archive, operands, reference, tokens):
    def activation(name, z, place):
        return rounded(name, z, operands.observed[place])

    check_signed_errors(archive, operands, reference, tokens, LOW, activation, rounded_weight)


class Rounded(Reference):
    """The model with every operand rounded: `activation(z, place, axis)` makes an activation, whose
    place is that among the archive's operands, along the axis that products sum over, and
    `weight(w)` a weight."""

    def __init__(self, folder, operands, activation, weight):
        def attend(module, query, key, value, _mask, scaling, **_):
            def operand(z, role):
                axis = -2 if role == "value" else -1
                return torch.tensor(activation(z.numpy(), operands.by_name[role], axis))

            key, value = (
                operand(z, role).repeat_interleave(module.num_key_value_groups, 1)
                for z, role in ((key, "key"), (value, "value"))
            )
            scores = operand(query * scaling, "query") @ key.transpose(2, 3)
            ahead = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
            weights = scores.masked_fill(ahead, -torch.inf).softmax(-1)
            return (operand(weights, "weights") @ value).transpose(1, 2), weights

        transformers.AttentionInterface.register("rounded", attend)
        super().__init__(folder)
        self.model.set_attn_implementation("rounded")
        for path, layer in self.layers.items():
            layer.weight.data = torch.tensor(weight(layer.weight.detach().numpy()))
            layer.register_forward_pre_hook(
                lambda _, inputs, place=operands.of_module[path]: (
                    torch.tensor(activation(inputs[0].numpy(), place, -1)),
                )
            )


def check_changes(changes, reference, model, tokens):
    """What the samples' losses change by where every op is low, against two models' losses."""
    for sample, change in enumerate(changes):
        ids = tokens[sample * LENGTH : (sample + 1) * LENGTH + 1]
        with torch.no_grad():
            high, low = (float(m.loss(ids, np.ones(len(ids)))) for m in (reference, model))
        assert change == pytest.approx(low - high, abs=1e-5 * high), sample
        assert abs(change) > 1e-4 * high


@pytest.mark.parametrize("name", LOW)
def test_losses_are_those_of_a_model_that_is_rounded(
    archive, operands, reference, checkpoint, tokens, name
):
    model = Rounded(
        checkpoint,
        operands,
        lambda z, place, _: rounded(name, z, operands.observed[place]),
        lambda w: rounded_weight(name, w),
    )
    changes = archive["anchors/loss_change"][:, list(LOW).index(name)]
    check_changes(changes, reference, model, tokens)


def test_any_number_of_ranks_gives_the_same_archive(program, run, tmp_path):
    result = program("run", run / "spec.yaml", "--out", tmp_path / "out", ranks=2)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, run / "out", tmp_path / "out")
    assert same, differences


def test_another_grid_does_its_units_again(program, run, tmp_path):
    arguments = (run / "spec.yaml", "--out", tmp_path / "out")
    one = ("--set", "formats.fp8_e4m3_gaudi2.scale_grid=arbitrary")
    assert program("run", *arguments, *one).returncode == 0
    result = program("run", *arguments)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, run / "out", tmp_path / "out")
    assert same, differences
