"""Recipes applied by compressed-tensors to a Llama of twelve layers, op by op."""

import json
import sys

import compressed_tensors
import torch
from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
from subject import (
    DYNAMIC,
    HIGH,
    STATIC,
    Report,
    low_layers,
    products,
    refusal,
    said,
    splits,
    subject,
)
from transformers import AutoConfig, AutoModelForCausalLM

KINDS = {"float": "fp8", "int": "int"}


def applied(text: str, folder, tied: bool = False):
    """The model with the scheme of every layer."""
    config = AutoConfig.from_pretrained(folder, tie_word_embeddings=tied)
    model = AutoModelForCausalLM.from_config(config)
    apply_quantization_config(model, QuantizationConfig.model_validate(json.loads(text)))
    return model


def schemes(model) -> dict[str, str]:
    found = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            scheme = getattr(module, "quantization_scheme", None)
            found[name] = (
                KINDS[str(getattr(scheme.weights.type, "value", scheme.weights.type))]
                if scheme
                else HIGH
            )
    return found


def parameters(model) -> set[str]:
    """What low layers have beside their weights."""
    return {
        name.rpartition(".")[2]
        for name, _ in model.named_parameters()
        if name.endswith(("_scale", "_zero_point"))
    }


def main() -> int:
    report = Report(f"compressed-tensors {compressed_tensors.__version__}")
    with subject() as at_hand:
        folder = at_hand.model.folder
        plan = low_layers(integers=True)
        for name, formats in (("static", STATIC), ("dynamic", DYNAMIC)):
            made = said(at_hand.chosen(plan, formats), "compressed-tensors")
            model = applied(made.text, folder)
            report.compare(f"{name} scales, layers", schemes(model), at_hand.wanted(plan))
            expected = {"weight_scale", *(("input_scale",) if name == "static" else ())}
            report.say(f"{name} scales, parameters: {sorted(parameters(model))}",
                       parameters(model) == expected)  # fmt: skip
        made = said(at_hand.chosen(plan, STATIC), "compressed-tensors")
        tied = applied(made.text, folder, tied=True)
        report.compare("tied head, layers", schemes(tied), at_hand.wanted(plan))
        report.say("tied head stays the embedding", tied.lm_head.weight is
                   tied.model.embed_tokens.weight)  # fmt: skip
        for cut in splits():
            chosen = at_hand.chosen(cut.plan, STATIC)
            text = refusal(chosen, "compressed-tensors")
            is_named = "layers.3." in text and "partition.fused" in text
            report.say(f"split ({cut.name}) is refused by name", is_named)
            made = said(chosen, "compressed-tensors", nearest=True)
            report.compare(
                f"nearest to split ({cut.name}), layers",
                schemes(applied(made.text, folder)),
                at_hand.wanted(cut.nearest),
            )
        alone = at_hand.chosen(plan | products("fp8"), STATIC)
        report.say("attention of single layers is refused", "layers.4.attention.qk" in
                   refusal(alone, "compressed-tensors"))  # fmt: skip
        made = said(alone, "compressed-tensors", nearest=True)
        report.compare("nearest to it, layers", schemes(applied(made.text, folder)),
                       at_hand.wanted(plan))  # fmt: skip
        report.say("and the KV cache stays high", json.loads(made.text)["kv_cache_scheme"] is None)
    return report.code


if __name__ == "__main__":
    sys.exit(main())
