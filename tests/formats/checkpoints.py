"""Exported checkpoints, loaded and decompressed by compressed-tensors and transformers.

checkpoints.py     scripts/check-formats runs it in an environment that has both

A made-up Llama is exported under a plan of each format and under a mixed one. transformers loads
the folder; the scheme of every layer must be the plan's, and each decompressed weight the one that
the plan's fake quantisation makes: bit for bit in single precision, and as bf16 when transformers
has loaded it (with scales of tensors and channels in bf16, too). A line for each plan; exit code 1
where something differs.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis/tests"))

import llama
import synthetic
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.compressors.nvfp4.helpers import unpack_fp4_from_uint8
from compressed_tensors.quantization import QuantizationConfig
from compressed_tensors.quantization.lifecycle.forward import dequantize
from gainsweep_analysis import archive, checkpoint, recipes
from gainsweep_analysis.checkpoint import safetensors, weights
from gainsweep_analysis.recipes import layers
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

UNIFORM = (
    "nvfp4", "nvfp4a16", "mxfp4", "mxfp4a16", "mxfp8_e4m3", "mxfp6_e2m3", "w4a16_g32", "w4a16_g64",
    "w4a16_g128", "w8a16_g32", "w8a16_g128", "w4a8_g128", "w4afp8_g64", "mxfp4_mxfp8", "mxfp4_fp8",
    "int8", "fp8_e4m3",
)  # fmt: skip
MIXED = {
    "attention.q": "nvfp4", "attention.k": "nvfp4", "attention.v": "nvfp4",
    "attention.o": "mxfp8_e4m3",
    "0.mlp.down": "w4a16_g64", "1.mlp.down": "mxfp4", "1.mlp.gate": "int8", "1.mlp.up": "int8",
}  # fmt: skip


def plans():
    for name in UNIFORM:
        yield name, dict.fromkeys(llama.SHAPES, llama.format_named(name))
    channel = llama.format_named("int8", weight_granularity="channel", activation_scale="dynamic")
    yield "int8 of channels, dynamic", dict.fromkeys(llama.SHAPES, channel)
    yield "mixed", {leaf: llama.format_named(name) for leaf, name in MIXED.items()}


def expected(chosen, model):
    """What the plan's fake quantisation makes of each lowered weight."""
    lowered = {
        layer.module: layer
        for layer in layers.layers(chosen.archive, chosen.formats)
        if layer.format != chosen.archive.formats[0]
    }
    rounder = weights.Rounder(chosen.archive, lowered)
    return {
        module: rounder.stored(module, safetensors.bf16(model.weights[module]))
        for module in lowered
    }


def in_transformers(stored):
    """What becomes of a weight there: all is of the model's type."""
    if stored.scales.shape[1] > 1 or stored.global_scale is not None:
        return stored.values()
    scales = torch.from_numpy(stored.scales).bfloat16().float().numpy()
    return replace(stored, scales=scales).values()


def decompressed(folder, config):
    """Every layer that a scheme names, decompressed in single precision by compressed-tensors."""
    read = QuantizationConfig.model_validate(config)
    tensors = {}
    for shard in safetensors.shards(folder):
        tensors |= dict(load_file(folder / shard))
    for scheme in read.config_groups.values():
        compressor = BaseCompressor.get_value_from_registry(scheme.format)
        for module in scheme.targets:
            state = {
                name.removeprefix(f"{module}."): tensor
                for name, tensor in tensors.items()
                if name.startswith(f"{module}.")
            }
            yield module, _single(compressor, state, scheme)


def _single(compressor, state, scheme):
    if scheme.format == "nvfp4-pack-quantized":  # its own decompression rounds to bf16
        rows, columns = state["weight_packed"].shape
        elements = unpack_fp4_from_uint8(state["weight_packed"], rows, 2 * columns, torch.float32)
        scale, whole = state["weight_scale"].float(), state["weight_global_scale"]
        return dequantize(elements, scale, None, scheme.weights, torch.float32, whole)
    if scheme.format == "pack-quantized":  # it decompresses to the type of the scales
        state["weight_scale"] = state["weight_scale"].float()
    return compressor.decompress(state, scheme)["weight"].float()


def same(got, wanted):
    """Equal in the type at hand, but for the sign of zero, which integers have none of."""
    return torch.equal(got, torch.from_numpy(wanted).to(got.dtype))


def check(name, formats, base, model, folder):
    chosen = llama.plan(base, model, formats)
    out = folder / "out"
    made = recipes.recipe(chosen, recipes.TARGETS["compressed-tensors"], False)
    checkpoint.write(chosen.archive, made.formats, model.folder, out)
    config = json.loads((out / "config.json").read_text())["quantization_config"]
    wanted = expected(chosen, model)
    found = dict(decompressed(out, config))
    differing = [m for m, stored in wanted.items() if not same(found[m], stored.values())]
    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.bfloat16)
    schemes = {
        module
        for module, layer in loaded.named_modules()
        if getattr(layer, "quantization_scheme", None) is not None
    }
    finite = bool(torch.isfinite(loaded(torch.arange(8)[None]).logits).all())  # decompresses
    kept = dict(loaded.named_modules())
    off = [
        module
        for module, stored in wanted.items()
        if not same(kept[module].weight.bfloat16(), in_transformers(stored))
    ]
    good = not differing and not off and schemes == set(wanted) == set(found) and finite
    print(
        f"{name}: of {len(found)} layers {len(differing)} differ in single precision, {len(off)} "
        f"as transformers loads them{'' if good else '  <-- WRONG'}",
        flush=True,
    )
    return good


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        synthetic.write(folder / "archive.h5", synthetic.Recipe(objectives=("macs", "memory")))
        base = archive.read(folder / "archive.h5")
        model = llama.write_model(folder / "model", shards=2)
        good = True
        for number, (name, formats) in enumerate(plans()):
            (folder / str(number)).mkdir()
            good &= check(name, formats, base, model, folder / str(number))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
