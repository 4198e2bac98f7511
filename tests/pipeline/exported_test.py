"""Exported models: scores and losses against PyTorch's autograd, ranks, every loss, bad inputs."""

import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from exported_nets import (  # noqa: E402
    CLASSES,
    Embedder,
    Encoder,
    Net,
    export,
    randomised,
    write_samples,
)

ROWS = 16


def spec_of(folder, *, loss="class", samples=6, evaluated=4, **more):
    spec = {
        "schema": 2,
        "name": "exported",
        "model": {"exported": str(folder / "net.pt2"), "loss": loss},
        "calibration": {
            "inputs": str(folder / "samples.h5"),
            "samples": samples,
            "scale_samples": 3,
        },
        "formats": {"high": "fp32", "low": ["int8"]},
        "sensitivity": {"precision": "fp32", "anchor_samples": 2},
        "device": "cpu",
        "threads": 1,
        "solve": {
            "objectives": ["macs", "memory"],
            "thresholds": [0.01, 0.1, 1.0],
            "strategies": ["ip"],
        },
        "evaluate": {"samples": evaluated, "strategies": ["ip"]},
        **more,
    }
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec))
    return path


@pytest.fixture(scope="module")
def vision(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vision")
    model = randomised(Net())
    export(model, folder / "net.pt2", torch.zeros(2, 2, 12, 12))
    random = np.random.default_rng(1)
    images = random.normal(size=(ROWS, 2, 12, 12)).astype(np.float32)
    labels = random.integers(0, CLASSES, ROWS)
    write_samples(folder / "samples.h5", {"images": images}, labels)
    return folder, model, images, labels


def encoder_samples(folder, labels=None, offset=None, length=6):
    random = np.random.default_rng(2)
    ids = random.integers(0, 11, (ROWS, length))
    mask = np.ones((ROWS, length), np.int64)
    mask[::2, length - 2 :] = 0
    write_samples(folder / "samples.h5", {"ids": ids, "mask": mask}, labels, offset)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def export_encoder(folder, kind=Encoder, answers=7, length=6):
    model = randomised(kind(answers))
    ids, mask = (torch.zeros(2, length, dtype=torch.int64) for _ in range(2))
    export(model, folder / "net.pt2", ids, mask)
    return model


def run(program, folder, spec, ranks=1):
    out = folder / f"out{ranks}"
    shutil.rmtree(out, ignore_errors=True)
    result = program("run", spec, "--out", out, ranks=ranks)
    assert result.returncode == 0, result.stderr
    return out / "archive.h5"


@torch.no_grad()
def fold(convolution, norm):
    """Weight and bias of both in one, in double."""
    factor = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    bias = 0 if convolution.bias is None else convolution.bias.double()
    return (
        convolution.weight.double() * factor[:, None, None, None],
        (bias - norm.running_mean.double()) * factor + norm.bias.double(),
    )


def layers_of(model):
    """By path: what multiplies, with its weight as it is scored."""
    conv = torch.nn.functional.conv2d
    stem, stem_bias = fold(model.stem, model.stem_norm)
    spread, spread_bias = fold(model.spread, model.spread_norm)
    return {
        "stem": (stem, lambda x, w: conv(x, w, stem_bias, 2, 1)),
        "spread": (spread, lambda x, w: conv(x, w, spread_bias, 1, 1, 1, 6)),
        "mix": (
            model.mix.weight.detach().double(),
            lambda x, w: conv(x, w, model.mix.bias.detach().double()),
        ),
        "head": (
            model.head.weight.detach().double(),
            lambda x, w: torch.nn.functional.linear(x, w, model.head.bias.detach().double()),
        ),
    }


def reference(layers, image, label):
    """The loss of one image and, by operand, its value and gradient."""
    operands = {}

    def layer(path, x):
        weight, call = layers[path]
        weight = weight.detach().requires_grad_()
        if not x.requires_grad:
            x = x.detach().requires_grad_()
        x.retain_grad()
        # A copy of its own: what else reads the value has no part in this operand's gradient.
        own = x * 1
        own.retain_grad()
        operands[f"{path}.input"], operands[f"{path}.weight"] = own, weight
        return call(own, weight)

    x = layer("stem", image.double()[None]).relu()
    y = layer("mix", layer("spread", x).relu())
    logits = layer("head", (x + y).mean((2, 3)))
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor([label]))
    loss.backward()
    return loss.item(), {name: (value.detach(), value.grad) for name, value in operands.items()}


def rounded(values, scale):
    return (values / scale).round().clamp(-127, 127) * scale


def test_scores_are_those_of_autograd(program, vision):
    folder, model, images, labels = vision
    archive = run(program, folder, spec_of(folder))
    layers = layers_of(model)
    with h5py.File(archive) as file:
        paths = [path.decode() for path in file["operands/path"]]
        scales = file["scales/scale"][:, 0]
        scores = {
            name: file[f"scores/{name}"][:] for name in ("loss", "sensitivity", "signed_error")
        }
        kinds = {
            path.decode(): kind.decode()
            for path, kind in zip(file["ops/path"], file["ops/kind"], strict=True)
        }
    assert kinds == {
        "stem": "convolution",
        "spread": "depthwise_convolution",
        "mix": "convolution",
        "head": "linear",
    }
    for sample in range(6):
        loss, operands = reference(layers, torch.from_numpy(images[sample]), labels[sample])
        assert scores["loss"][sample] == pytest.approx(loss, rel=1e-5)
        assert sorted(paths) == sorted(operands)
        for place, path in enumerate(paths):
            value, gradient = operands[path]
            if path.endswith("weight"):
                largest = value.float().abs().flatten(1).amax(1)
                scale = (largest / 127).double().reshape(-1, *[1] * (value.dim() - 1))
            else:
                scale = torch.tensor(scales[place])
            error = (gradient * (rounded(value, scale) - value)).sum().item()
            size = (gradient * value).norm().item()
            assert scores["signed_error"][sample, place, 0] == pytest.approx(error, abs=2e-3 * size)
            assert scores["sensitivity"][sample, place] == pytest.approx(size**2, rel=1e-3)


def test_hits_are_those_of_the_logits(program, vision):
    folder, model, images, labels = vision
    archive = run(program, folder, spec_of(folder))
    logits = model(torch.from_numpy(images[6:10]))
    order = logits.argsort(1, descending=True)
    right = order == torch.from_numpy(labels[6:10])[:, None]
    with h5py.File(archive) as file:
        table = file["evaluations/losses"]
        high = np.flatnonzero((table["assignment"][:] == 0).all(1))[0]
        np.testing.assert_array_equal(table["top1"][high], right[:, 0].double())
        np.testing.assert_array_equal(table["top5"][high], right.any(1).double())
        np.testing.assert_array_equal(table["agreement"][high], np.ones(4))
        assert set(table["agreement"][:].ravel()) <= {0, 1}


def contents(archive):
    """All that is not of this run alone."""
    found = {}
    with h5py.File(archive) as file:

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and not name.startswith(("measured", "provenance")):
                found[name] = item[()].tobytes()

        file.visititems(visit)
    return found


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_change_no_bit(program, vision, ranks):
    folder = vision[0]
    spec = spec_of(folder)
    assert contents(run(program, folder, spec)) == contents(run(program, folder, spec, ranks))


def test_real_convolutions_are_timed_or_left_out(program, vision):
    folder = vision[0]
    spec = spec_of(
        folder,
        latency={"repetitions": 2, "least_repetitions": 2, "warmup": 1, "budget_seconds": 1},
        solve={"objectives": ["time"], "thresholds": [1.0], "strategies": ["ip"]},
        formats={"high": "bf16", "low": ["int8"]},
    )
    archive = run(program, folder, spec)
    with h5py.File(archive) as file:
        assert file["measured/plans/time/ip/assignment"].shape[-1] == 4
        real = dict(zip(file["ops/kind"][:], file["ops/real_formats"][:], strict=True))
        kernels = [
            name for one in file["measured/latency"].values() for name in one["kernels"][:].flat
        ]
    assert real[b"depthwise_convolution"] == b"bf16"
    runs = real[b"convolution"] == b"bf16,int8"
    assert runs == any(name.startswith(b"int8 ") and b"conv" in name for name in kernels), kernels


def test_tokens_count_where_they_have_labels(program, tmp_path):
    model = export_encoder(tmp_path)
    random = np.random.default_rng(3)
    labels = random.integers(0, 7, (ROWS, 6))
    labels[:, :3] = -100
    ids, mask = encoder_samples(tmp_path, labels)
    archive = run(program, tmp_path, spec_of(tmp_path, loss="tokens"))
    logits = model(ids[:6], mask[:6])
    with h5py.File(archive) as file:
        assert list(file["scores/targets"][:]) == [3] * 6
        for sample in range(6):
            loss = torch.nn.functional.cross_entropy(
                logits[sample], torch.from_numpy(labels[sample])
            )
            assert file["scores/loss"][sample] == pytest.approx(loss.item(), rel=1e-5)
        names = {path.decode() for path in file["operands/path"]}
        groups = [name.decode() for name in file["subgraphs/name"]]
    assert any(name.endswith(".qk.query") for name in names), names
    # The mask comes from an input and is no ancestor: attention stays one sub-graph.
    assert len(groups) == 2


def test_candidates_are_told_by_cosines(program, tmp_path):
    model = export_encoder(tmp_path, Embedder)
    offset = np.array([0, 3, 5, 9, 12, 16])
    ids, mask = encoder_samples(tmp_path, np.array([1, 0, 2, 0, 1]), offset)
    spec = spec_of(tmp_path, loss="candidates", samples=3, evaluated=2)
    archive = run(program, tmp_path, spec)
    embeddings = torch.nn.functional.normalize(model(ids, mask))
    with h5py.File(archive) as file:
        for sample, label in enumerate([1, 0, 2]):
            group = embeddings[offset[sample] : offset[sample + 1]]
            scores = 20 * group[1:] @ group[0]
            loss = torch.nn.functional.cross_entropy(scores[None], torch.tensor([label]))
            assert file["scores/loss"][sample] == pytest.approx(loss.item(), rel=1e-4, abs=1e-5)


def test_divergence_is_of_second_order(program, vision, tmp_path):
    _, _, images, _ = vision
    shutil.copy(vision[0] / "net.pt2", tmp_path)
    write_samples(tmp_path / "samples.h5", {"images": images})
    archive = run(program, tmp_path, spec_of(tmp_path, loss="divergence", samples=8))
    with h5py.File(archive) as file:
        assert {model.decode() for model in file["predictions/loss_model"]} == {"second_order"}
        losses, divergences = (
            file[f"evaluations/losses/{name}"][:] for name in ("loss", "divergence")
        )
        high = np.flatnonzero((file["evaluations/losses/assignment"][:] == 0).all(1))
    assert len(high) == 1 and len(losses) > 1
    np.testing.assert_allclose(losses - losses[high], divergences, atol=1e-12)


def spoiled(vision, tmp_path, **changes):
    folder, _, images, labels = vision
    shutil.copy(folder / "net.pt2", tmp_path)
    arrays = {"inputs": {"images": images}, "labels": labels, **changes}
    write_samples(tmp_path / "samples.h5", **arrays)
    return tmp_path


def test_samples_that_do_not_fit_are_refused(program, vision, tmp_path):
    _, _, images, labels = vision

    def message(loss="class", **changes):
        folder = spoiled(vision, tmp_path, **changes)
        return program.refuses("run", spec_of(folder, loss=loss), "--out", tmp_path / "out")

    assert "has the label 5 (the model knows 0 to 4)" in message(labels=np.full(ROWS, 5))
    assert "no labels, which model.loss class needs" in message(labels=None)
    assert "the model takes an input 'images', and samples have 'x'" in message(
        inputs={"x": images}
    )
    assert "exported for sizes [s" in message(inputs={"images": images[:, :1]})
    extra = {"images": images, "other": images}
    assert "samples have an input 'other', which the model does not take" in message(inputs=extra)
    assert "this loss is of class scores [rows, places, classes]" in message(loss="tokens")
    assert "no groups of rows" in message(loss="candidates")
    assert "8 samples where 10 are needed" in message(
        inputs={"images": images[:8]}, labels=labels[:8]
    )
    assert "evaluation sample 0 is calibration sample 0" in message(
        inputs={"images": np.repeat(images[:1], ROWS, 0)}
    )
    assert not (tmp_path / "out" / "archive.h5").exists()


def test_files_that_are_no_programs_are_refused(program, vision, tmp_path):
    folder = spoiled(vision, tmp_path)
    net = folder / "net.pt2"
    sound = net.read_bytes()
    spec = spec_of(folder)
    net.write_bytes(sound[: len(sound) // 2])
    assert "net.pt2: " in program.refuses("run", spec, "--out", tmp_path / "out")
    net.write_bytes(sound)
    with zipfile.ZipFile(net) as archive:
        weight = next(name for name in archive.namelist() if name.endswith("weights/weight_0"))
        place = archive.getinfo(weight).header_offset
    spoilt = bytearray(sound)
    spoilt[place + 400] ^= 1
    net.write_bytes(spoilt)
    assert "checksum" in program.refuses("run", spec, "--out", tmp_path / "out")


def test_numbers_that_are_not_finite_are_named(program, vision, tmp_path):
    model = randomised(Net())
    with torch.no_grad():
        model.mix.weight[0, 0] = float("nan")
    folder = spoiled(vision, tmp_path)
    export(model, folder / "net.pt2", torch.zeros(2, 2, 12, 12))
    said = program.refuses("run", spec_of(folder), "--out", tmp_path / "out")
    assert "'mix.weight' of net.pt2 holds 1 number that is NaN, at [0, 0, 0, 0]" in said
    assert not (tmp_path / "out/archive.h5").exists()
