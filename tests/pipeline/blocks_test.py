"""Formats in blocks through a whole run, against the definitions of tests/formats: signed errors
and losses of a model in which operands are rounded block by block."""

import json
import pathlib
import sys

import h5py
import numpy as np
import pytest
from conftest import is_identical, merged, random_tokens
from own_lengths_test import Reference
from scale_grid_test import (
    LENGTH,
    SAMPLES,
    Operands,
    Rounded,
    check_changes,
    check_signed_errors,
    random_checkpoint,
    rounding_spec,
    text_of,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "formats"))
import reference as definitions

torch = pytest.importorskip("torch")

#: The number formats of weights and activations.
LOW = {
    "nvfp4": ("nvfp4", "nvfp4"),
    "mxfp8_e5m2": ("mxfp8_e5m2", "mxfp8_e5m2"),
    "mxfp6_e2m3": ("mxfp6_e2m3", "mxfp6_e2m3"),
    "int4_g32": ("int4_g32", "int4_g32"),
    "w4a16_g32": ("int4_g32", None),
    "mxfp4_mxfp8": ("mxfp4", "mxfp8_e4m3"),
}
GRIDS = {"mxfp4": "e8m0_ceil", "mxfp6_e2m3": "e8m0_even"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, maker):
    return random_checkpoint(tmp_path_factory.mktemp("blocks") / "model", maker, {}, 5)


@pytest.fixture(scope="module")
def tokens():
    return random_tokens(SAMPLES * LENGTH * 2)


@pytest.fixture(scope="module")
def run(tmp_path_factory, program, material, checkpoint, tokens):
    folder = tmp_path_factory.mktemp("blocks")
    spec = rounding_spec(folder, material, checkpoint, tokens, dict.fromkeys(LOW))
    grids = {name: {"scale_grid": grid} for name, grid in GRIDS.items()}
    changes = {"partition": {"rule": "single"}, "formats": grids, "solve": {"noise": "empirical"}}
    (folder / "spec.yaml").write_text(json.dumps(merged(spec, changes)))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def archive(run):
    with h5py.File(run / "out/archive.h5") as file:
        yield file


@pytest.fixture(scope="module")
def operands(archive):
    return Operands(archive)


@pytest.fixture(scope="module")
def reference(checkpoint):
    return Reference(checkpoint)


def rounded(number, z, largest, axis=-1):
    if number is None:
        return z
    rule = GRIDS.get(number, definitions.FORMATS[number].scale_grids[0])
    lines = np.ascontiguousarray(np.moveaxis(z, axis, -1))
    return np.moveaxis(definitions.quantize(lines, number, rule, np.float32(largest)), -1, axis)


def test_formats_name_both_operands(archive):
    assert text_of(archive["formats/name"][()]) == ["fp32", *LOW]
    for at, operand in enumerate(("weight", "activation")):
        names = text_of(archive[f"formats/{operand}_number"][()])
        assert names[1:] == [pair[at] or "" for pair in LOW.values()]
    grids = dict(zip(LOW, text_of(archive["formats/weight_scale_grid"][()])[1:], strict=True))
    assert (grids["mxfp4_mxfp8"], grids["mxfp6_e2m3"]) == ("e8m0_ceil", "e8m0_even")
    stored = archive["formats/weight_stored_bits"][()]
    assert stored.tolist()[1:] == [4.5, 8.25, 6.25, 4.5, 4.5, 4.25]


def test_units_of_two_levels_are_stored(archive, operands):
    found = archive["scales/scale"][()]
    at = list(LOW).index("nvfp4")
    largest = operands.observed[operands.of_module["model.layers.0.mlp.down_proj"]]
    scale = found[operands.of_module["model.layers.0.mlp.down_proj"], at]
    assert np.float32(1 / scale) == np.float32(2688) / np.float32(largest)
    assert not np.delete(found, at, axis=1).any()


def test_signed_errors_are_those_of_rounding_in_blocks(archive, operands, reference, tokens):
    def activation(name, z, place):
        number = LOW[name][1]
        return None if number is None else rounded(number, z, operands.observed[place])

    def weight(name, w):
        return rounded(LOW[name][0], w, np.abs(w).max())

    check_signed_errors(archive, operands, reference, tokens, LOW, activation, weight)


@pytest.mark.parametrize("name", LOW)
def test_losses_are_those_of_a_model_that_is_rounded(
    archive, operands, reference, checkpoint, tokens, name
):
    of_weight, of_activation = LOW[name]
    model = Rounded(
        checkpoint,
        operands,
        lambda z, place, axis: rounded(of_activation, z, operands.observed[place], axis),
        lambda w: rounded(of_weight, w, np.abs(w).max()),
    )
    changes = archive["anchors/loss_change"][:, list(LOW).index(name)]
    check_changes(changes, reference, model, tokens)


def test_any_number_of_ranks_gives_the_same_archive(program, run, tmp_path):
    result = program("run", run / "spec.yaml", "--out", tmp_path / "out", ranks=2)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, run / "out", tmp_path / "out")
    assert same, differences
