"""ModelOpt's quantizers of a Llama of twelve layers under an exported recipe, op by op."""

import importlib.metadata
import sys

import modelopt.torch.quantization as mtq
import torch
import yaml
from modelopt.torch.quantization.config import QuantizeConfig
from subject import HIGH, STATIC, Report, low_layers, products, said, splits, subject
from transformers import AutoConfig, AutoModelForCausalLM

QUANTIZERS = {"attention.qk": ("q_bmm", "k_bmm"), "attention.av": ("p_bmm", "v_bmm")}
BITS = {"fp8": (4, 3), "int": 8}


def quantizers(text: str, folder, tied: bool = False) -> dict[str, object]:
    """The bits of each quantizer after `mtq.quantize`, HIGH where it is off."""
    config = AutoConfig.from_pretrained(folder, tie_word_embeddings=tied)
    model = AutoModelForCausalLM.from_config(config)
    recipe = yaml.safe_load(text)
    QuantizeConfig.model_validate(recipe)
    mtq.quantize(model, recipe, lambda subject: subject(torch.arange(16)[None]))
    return {
        name: module.num_bits if module.is_enabled else HIGH
        for name, module in model.named_modules()
        if type(module).__name__.endswith("TensorQuantizer")
    }


def wanted(at_hand, plan: dict[str, str], found: dict) -> dict[str, object]:
    """Of all quantizers that there are."""
    low = {}
    for path, module in at_hand.modules.items():
        if path in plan:
            low |= dict.fromkeys(
                (f"{module}.weight_quantizer", f"{module}.input_quantizer"), BITS[plan[path]]
            )
    for path, format_ in plan.items():
        layer, leaf = path.removeprefix("layers.").split(".", 1)
        for name in QUANTIZERS.get(leaf, ()):
            low[f"model.layers.{layer}.self_attn.{name}_quantizer"] = BITS[format_]
    return dict.fromkeys(found, HIGH) | low


def main() -> int:
    report = Report(f"modelopt {importlib.metadata.version('nvidia-modelopt')}")
    with subject() as at_hand:
        # On a CPU attention weights have integers alone: fp8 of them asks for Triton.
        attention = {op: "fp8" if op.endswith("qk") else "int" for op in products("")}
        for name, plan in (
            ("linear layers", low_layers(integers=True)),
            ("linear layers and attention", low_layers(integers=True) | attention),
            *((f"split ({cut.name}), which it simulates", cut.plan) for cut in splits()),
        ):
            made = said(at_hand.chosen(plan, STATIC), "modelopt")
            found = quantizers(made.text, at_hand.model.folder)
            report.compare(f"{name}: quantizers", found, wanted(at_hand, plan, found))
            on = sum(bits != HIGH for bits in found.values())
            report.say(f"{name}: {on} of {len(found)} are on", on)
            has_note = any("must not split" in note for note in made.notes)
            report.say(f"{name}: notes say that vLLM cannot run splits: {has_note}",
                       has_note == name.startswith("split"))  # fmt: skip
        plan = low_layers(integers=True)
        text = said(at_hand.chosen(plan, STATIC), "modelopt").text
        found = quantizers(text, at_hand.model.folder, tied=True)
        report.compare("tied head: quantizers", found, wanted(at_hand, plan, found))
    return report.code


if __name__ == "__main__":
    sys.exit(main())
