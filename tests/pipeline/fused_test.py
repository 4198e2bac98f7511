"""Layers that run as one product, through whole runs: what is timed, in which formats, and at one
scale of their weights, against an independent computation."""

import json

import h5py
import numpy as np
import pytest
from blocks_test import rounded as blocks
from conftest import (
    is_identical,
    merged,
    random_tokens,
)
from own_lengths_test import Reference
from scale_grid_test import (
    LENGTH,
    SAMPLES,
    Operands,
    Rounded,
    check_changes,
    random_checkpoint,
    rounded,
    rounding_spec,
    text_of,
)

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

LOW = {
    "fp8_e4m3_gaudi2": {},
    "fp8_e5m2": {"scale_grid": "power_of_two", "granularity": "channel"},
    "nvfp4": {},
}
#: Deviations of random weights, far enough apart that groups have other scales than their layers.
DEVIATIONS = {"gate": 30.0, "up": 0.3, "down": 1e-3, "q_proj": 8.0, "k_proj": 1e-3, "v_proj": 0.1}
GROUPS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory, maker):
    return random_checkpoint(tmp_path_factory.mktemp("fused") / "model", maker, DEVIATIONS, 12)


@pytest.fixture(scope="module")
def tokens():
    return random_tokens(SAMPLES * LENGTH * 2)


@pytest.fixture(scope="module")
def spec(tmp_path_factory, material, checkpoint, tokens):
    folder = tmp_path_factory.mktemp("fused")
    spec = rounding_spec(folder, material, checkpoint, tokens, LOW)
    (folder / "spec.yaml").write_text(json.dumps(merged(spec, {"partition": {"fused": "all"}})))
    return folder / "spec.yaml"


@pytest.fixture(scope="module")
def out(program, spec):
    result = program("run", spec, "--out", spec.parent / "out")
    assert result.returncode == 0, result.stderr
    return spec.parent / "out"


@pytest.fixture(scope="module")
def archive(out):
    with h5py.File(out / "archive.h5") as file:
        yield file


@pytest.fixture(scope="module")
def reference(checkpoint):
    return Reference(checkpoint)


def group_of(path):
    """Modules that are one product with a module, itself among them."""
    module, _, leaf = path.rpartition(".")
    for group in GROUPS:
        if leaf in group:
            return [f"{module}.{other}" for other in group]
    return [path]


def largest_of_group(reference, path):
    return max(float(reference.layers[name].weight.detach().abs().max()) for name in group_of(path))


def test_groups_share_a_format(archive):
    leaves = [path.rsplit(".", 1)[-1] for path in text_of(archive["ops/path"][()])]
    fused, ties = archive["ops/fused"][()], archive["ops/tie"][()]
    subgraphs = archive["ops/subgraph"][()]
    expected = {leaf: 0 for leaf in ("q", "k", "v", "gate", "up")}
    assert fused.tolist() == [expected.get(leaf, -1) for leaf in leaves]
    for tie in {(s, t) for s, t, f in zip(subgraphs, ties, fused, strict=True) if f == 0}:
        members = (subgraphs == tie[0]) & (ties == tie[1])
        assert members.sum() == (fused[members] == 0).sum() in (2, 3)
    configurations = archive["gains/macs/subgraph"][()].tolist()
    attention = subgraphs[leaves.index("qk")]
    assert configurations.count(attention) == 4**3, "{q, k, v}, qk and av in four formats"


def test_scales_are_those_of_the_groups(archive, reference):
    found, operands = archive["scales/scale"][()], Operands(archive)
    apart = 0
    for place, role in enumerate(operands.roles):
        if role != "weight":
            continue
        path = operands.module_of[place]
        own = float(reference.layers[path].weight.detach().abs().max())
        largest = largest_of_group(reference, path)
        free = largest / (240 * 0.5)
        expected = next(s for s in (1 / 256, 1 / 16, 1, 16) if s >= free or s == 16)
        assert found[place, 0] == expected, path
        assert found[place, 1] >= own / 57344 > found[place, 1] / 2, "a scale a channel stays"
        assert found[place, 2] == pytest.approx(largest / (448 * 6), rel=1e-6), path
        apart += largest > 16 * own
    assert apart >= 2


def rounded_to(name, z, largest, axis=-1):
    return blocks(name, z, largest, axis) if name == "nvfp4" else rounded(name, z, largest)


def weight_at_group_scale(reference, path, name):
    w = reference.layers[path].weight.detach().numpy()
    if name == "nvfp4":
        return blocks(name, w, largest_of_group(reference, path))
    if LOW[name].get("granularity") == "channel":
        return rounded(name, w, np.abs(w).max(1, keepdims=True), weight=True)
    return rounded(name, w, largest_of_group(reference, path), weight=True)


def test_signed_errors_are_those_of_rounding_at_the_groups_scale(archive, reference, tokens):
    found, operands = archive["scores/signed_error"][()], Operands(archive)
    for sample in range(SAMPLES):
        ids = tokens[sample * LENGTH : (sample + 1) * LENGTH + 1]
        reference.model.zero_grad()
        reference.loss(ids, np.ones(len(ids))).backward()
        for path, layer in reference.layers.items():
            z, w = reference.seen[path].numpy(), layer.weight.detach().numpy()
            g, place = reference.gradients[path].numpy(), operands.of_module[path]
            for low, name in enumerate(LOW):
                terms = (g.T @ z) * (weight_at_group_scale(reference, path, name) - w)
                error = found[sample, place + 1, low]
                assert abs(error - terms.sum()) < 1e-4 * np.abs(terms).sum() + 1e-12, (path, name)


@pytest.mark.parametrize("name", LOW)
def test_losses_are_those_of_a_model_rounded_at_the_groups_scale(
    archive, reference, checkpoint, tokens, name
):
    operands = Operands(archive)
    model = Rounded(
        checkpoint,
        operands,
        lambda z, place, axis: rounded_to(name, z, operands.observed[place], axis),
        lambda w: w,
    )
    for path, layer in model.layers.items():
        layer.weight.data = torch.tensor(weight_at_group_scale(reference, path, name))
    changes = archive["anchors/loss_change"][:, list(LOW).index(name)]
    check_changes(changes, reference, model, tokens)


def scored(folder):
    """Samples scored in a folder, by all runs in it."""
    count = 0
    for path in (folder / "parts").glob("*.h5"):
        with h5py.File(path) as part:
            count += len(part["scores/sample"]) if "scores" in part else 0
    return count


def test_only_what_depends_on_groups_is_done_again(program, spec, tmp_path):
    """Scores depend on them where a format has one scale a weight, and not in int8 a channel."""

    base = json.loads(spec.read_text())

    def done(low, fused):
        own = base | {"formats": {"high": "fp32", "low": [low]}, "partition": {"fused": fused}}
        (tmp_path / "spec.yaml").write_text(json.dumps(own))
        result = program("run", tmp_path / "spec.yaml", "--out", tmp_path / "out")
        assert result.returncode == 0, result.stderr
        with h5py.File(tmp_path / "out/archive.h5") as archive:
            return archive["scores/signed_error"][()], scored(tmp_path / "out")

    with_groups, first = done("fp8_e4m3_gaudi2", "all")
    without, second = done("fp8_e4m3_gaudi2", "none")
    assert (with_groups != without).any()
    assert (first, second) == (SAMPLES, 2 * SAMPLES)
    with_groups, first = done("int8", "all")
    without, second = done("int8", "none")
    np.testing.assert_array_equal(with_groups, without)
    assert first == second


MODELLED = {
    "model": {"checkpoint": "configs/models/embedded"},
    "calibration": {"tokens": "configs/data/embedded.h5", "samples": 2, "length": 32,
                    "scale_samples": 2},
    "formats": {"high": "bf16", "low": ["fp8_e4m3_gaudi2"]},
    "partition": {"fused": "all"},
    "latency": {"source": "modelled", "description": "configs/devices/gaudi2.yaml", "length": 32},
    "solve": {"objectives": ["time"], "thresholds": [0.01], "strategies": ["ip"]},
    "evaluate": {"samples": 1, "strategies": ["ip"]},
}  # fmt: skip


def test_modelled_times_are_of_one_product(program, write_spec, tmp_path):
    spec = write_spec(**MODELLED)
    for ranks in (1, 2):
        result = program("run", spec, "--out", tmp_path / str(ranks), ranks=ranks)
        assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, tmp_path / "1", tmp_path / "2")
    assert same, differences
    apart = program("run", spec, "--out", tmp_path / "apart", "--set", "partition.fused=none")
    assert apart.returncode == 0, apart.stderr
    with (
        h5py.File(tmp_path / "1/archive.h5") as one,
        h5py.File(tmp_path / "apart/archive.h5") as two,
    ):
        launches = two["modelled_runs/seconds"][()] - one["modelled_runs/seconds"][()]
        assert (launches > 0).all(), "three launches a layer less, and better filled tiles"
        names = [set(a["structures/structure"].asstr()[()]) for a in (one, two)]
        fused = [name for name in names[0] if name.startswith("linear") and ";" in name]
        assert not names[1] & set(fused), "a table of one cannot stand for the other"
