"""Recipes for ModelOpt and AutoRound, read by these tools.

readers.py modelopt|autoround     scripts/check-formats runs it in an environment of its own

A made-up Llama's plan of many formats is exported; the tool takes the recipe, and what it would
quantise of each layer must be the plan's. Exit code 1 where it is not.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis/tests"))

import llama
import synthetic
from gainsweep_analysis import archive, recipes
from gainsweep_analysis.recipes import layers
from transformers import AutoModelForCausalLM

PLAN = {
    "attention.q": "nvfp4", "attention.k": "nvfp4", "attention.v": "nvfp4",
    "0.attention.o": "mxfp8_e4m3", "1.attention.o": "mxfp4", "0.mlp.down": "w4a16_g64",
    "1.mlp.down": "w4a8_g32", "1.mlp.gate": "int8", "1.mlp.up": "int8", "0.mlp.up": "fp8_e4m3",
    "0.mlp.gate": "fp8_e4m3",
}  # fmt: skip


def expected(chosen):
    """By layer: whether its weight and whether its input are quantised."""
    high = chosen.archive.formats[0]
    return {
        layer.module: (layer.format != high,
                       layer.format != high and layer.format.activation is not None)
        for layer in layers.layers(chosen.archive, chosen.formats)
    }  # fmt: skip


def modelopt(model, text):
    import modelopt.torch.quantization as mtq

    def calibrate(subject):
        subject(torch.arange(16)[None])

    found = mtq.quantize(model, yaml.safe_load(text), calibrate)
    wanted = {e["quantizer_name"] for e in yaml.safe_load(text)["quant_cfg"] if e.get("cfg")}
    enabled = {
        name
        for name, module in found.named_modules()
        if name.endswith("_quantizer") and getattr(module, "is_enabled", False)
    }
    print(f"modelopt: {len(enabled)} quantizers enabled, {len(enabled ^ wanted)} of them unplanned")
    return {
        name: tuple(f"{name}.{part}_quantizer" in enabled for part in ("weight", "input"))
        for name, module in found.named_modules()
        if name.endswith("_proj") or name == "lm_head"
    }


def autoround(model, text):
    from auto_round import AutoRound

    class Words:
        """As much of a tokenizer as rounding to nearest without calibration asks for."""

        pad_token = eos_token = "x"
        pad_token_id = eos_token_id = 0

    samples = [torch.arange(32).remainder(llama.WORDS)[None]] * 2
    rounding = AutoRound(
        model,
        Words(),
        scheme="W4A16",
        layer_config=json.loads(text),
        dataset=samples,
        nsamples=2,
        seqlen=32,
        batch_size=1,
        iters=0,
        disable_opt_rtn=True,
    )
    found, _ = rounding.quantize()
    print(f"autoround: took {len(json.loads(text))} layers")
    layers_found = {
        name: getattr(module, "orig_layer", module)
        for name, module in found.named_modules()
        if name.endswith("_proj") or name == "lm_head"
    }
    return {
        name: tuple((getattr(layer, key, None) or 16) < 16 for key in ("bits", "act_bits"))
        for name, layer in layers_found.items()
    }


def main():
    tool = {"modelopt": modelopt, "autoround": autoround}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        synthetic.write(folder / "archive.h5", synthetic.Recipe(objectives=("macs", "memory")))
        made = llama.write_model(folder / "model")
        formats = {end: llama.format_named(name) for end, name in PLAN.items()}
        chosen = llama.plan(archive.read(folder / "archive.h5"), made, formats)
        text = recipes.recipe(chosen, recipes.TARGETS[sys.argv[1]], False).text
        model = AutoModelForCausalLM.from_pretrained(made.folder, dtype=torch.bfloat16)
        found = tool(model, text)
    wanted = expected(chosen)
    wrong = [name for name in wanted if found.get(name, (False, False)) != wanted[name]]
    print(
        f"{sys.argv[1]}: {len(wrong)} of {len(wanted)} layers are not the plan's {' '.join(wrong)}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
