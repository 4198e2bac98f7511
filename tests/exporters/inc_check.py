"""INC's own parser and decisions for exported files, module by module of a Llama of twelve layers.

A Gaudi is not needed: under either flavour's names and types of modules, and in transformers on a
CPU, where INC measures and quantises linear layers by quantise-dequantise.
"""

import importlib.metadata
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

import torch
from neural_compressor.torch.algorithms.fp8_quant._core import utils
from neural_compressor.torch.algorithms.fp8_quant._core.patching_common import _mod_default_dict
from neural_compressor.torch.algorithms.fp8_quant._quant_common.quant_config import Fp8cfg
from neural_compressor.torch.quantization import FP8Config, convert, finalize_calibration, prepare
from subject import (
    GAUDI,
    HIGH,
    LAYERS,
    STATIC,
    Report,
    llama,
    low_layers,
    products,
    refusal,
    said,
    splits,
    subject,
)
from transformers import AutoModelForCausalLM

BACKOFF = 0.5  # of weights
FUSED = {"q": "qkv", "k": "qkv", "v": "qkv", "gate": "gate_up", "up": "gate_up"}
TYPES = {
    "qkv_proj": "QKVParallelLinear",
    "gate_up_proj": "MergedColumnParallelLinear",
    "lm_head": "ParallelLMHead",
}
# What runtimes have beside linear layers and products; plans say nothing of them.
OTHERS = {
    "optimum": {"k_cache": "KVCache", "v_cache": "KVCache", "softmax": "Softmax",
                "fused_scaled_dot_product_attention": "ModuleFusedSDPA"},
    "vllm": {"attn.impl.k_cache": "VLLMKVCache", "attn.impl.v_cache": "VLLMKVCache",
             "attn.impl.softmax": "BlockSoftmaxConstMax", "attn.impl.batch2block_matmul":
             "B2BMatmul", "attn.impl.fused_scaled_dot_product_attention": "ModuleFusedSDPA"},
}  # fmt: skip


def modules(flavour: str) -> dict[str, tuple[str, str]]:
    """By the name that the runtime gives: the type, and an op of the module or nothing."""
    found = {"lm_head": (TYPES["lm_head"] if flavour == "vllm" else "Linear", "lm_head")}
    for layer in range(LAYERS):
        for path in ("attention.q", "attention.k", "attention.v", "attention.o", "mlp.gate",
                     "mlp.up", "mlp.down"):  # fmt: skip
            section, leaf = path.replace("attention", "self_attn").split(".")
            name = (FUSED.get(leaf, leaf) if flavour == "vllm" else leaf) + "_proj"
            kind = TYPES.get(name, "RowParallelLinear") if flavour == "vllm" else "Linear"
            found[f"model.layers.{layer}.{section}.{name}"] = (kind, f"layers.{layer}.{path}")
        attention = f"model.layers.{layer}.self_attn"
        between = "attn.impl." if flavour == "vllm" else ""
        for leaf in ("qk", "av"):
            name = f"{attention}.{between}matmul_{leaf}"
            found[name] = ("Matmul", f"layers.{layer}.attention.{leaf}")
        for name, kind in OTHERS[flavour].items():
            found[f"{attention}.{name}"] = (kind, "")
        found[f"model.layers.{layer}.mlp.router"] = ("ReplicatedLinear", "")
    return found


def parsed(text: str) -> Fp8cfg:
    """As INC reads it; a CPU takes no real fp8, and no scales of a device."""
    record = json.loads(text) | {"use_qdq": True}
    record.pop("device_for_scales", None)
    found = Fp8cfg.parse(record)
    found.cfg["mod_dict"].update(_mod_default_dict)
    return found


def decisions(config: Fp8cfg, flavour: str, prefix: str) -> dict[str, str]:
    return {
        name: "fp8" if utils.should_quantize(config, kind, prefix + name) else HIGH
        for name, (kind, _) in modules(flavour).items()
    }


def wanted(plan: dict[str, str], flavour: str) -> dict[str, str]:
    return {name: plan.get(op, HIGH) for name, (_, op) in modules(flavour).items()}


def compare_decisions(report: Report, at_hand, flavour: str, name: str, plan: dict) -> None:
    config = parsed(said(at_hand.chosen(plan, GAUDI), "inc", flavour=flavour).text)
    for prefix in ("", "model."):
        report.compare(f"{flavour}, {name}, names after '{prefix}': modules",
                       decisions(config, flavour, prefix), wanted(plan, flavour))  # fmt: skip


def quantised(made, folder: Path) -> dict[str, str]:
    """Measured and converted by INC in transformers, by the two files as they are but for what a
    CPU has not."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    linear = [n for n, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    for name, text in (("measure", made.files["measure"]), ("quantize", made.text)):
        record = json.loads(text) | {"use_qdq": True, "scale_format": "scalar"}
        record.pop("device_for_scales", None)
        Path(f"{name}.json").write_text(json.dumps(record))
        config = FP8Config.from_json_file(f"{name}.json")
        if name == "measure":
            measured = prepare(model, config)
            measured(torch.arange(16)[None])
            finalize_calibration(measured)
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        else:
            model = convert(model, config)
    return {name: model.get_submodule(name) for name in linear}


def compare_quantised(report: Report, at_hand, plan: dict[str, str]) -> None:
    """A CPU has no scales of a device either: largest magnitudes over 448 and the back-off."""
    free = {"fp8": llama.gaudi_format("fp8_e4m3", ("arbitrary", "arbitrary"))}
    made = said(at_hand.chosen(plan, free), "inc", flavour="optimum")
    layers = quantised(made, at_hand.model.folder)
    low = {name: layer for name, layer in layers.items() if type(layer).__name__ == "PatchedLinear"}
    report.compare("measured and quantised in transformers: layers",
                   {name: "fp8" if name in low else HIGH for name in layers},
                   at_hand.wanted(plan))  # fmt: skip
    expected = {name: at_hand.model.maxima(name).max() / 448 / BACKOFF for name in low}
    equal = sum(
        abs(float(layer.dequant_weights.scale) / expected[name] - 1) < 2**-8  # bf16
        for name, layer in low.items()
    )
    report.say(f"scales of weights by the plan's rule: {equal} of {len(low)}", equal == len(low))


def main() -> int:
    logging.disable(logging.WARNING)
    report = Report(f"inc {importlib.metadata.version('neural-compressor-pt')}")
    with subject() as at_hand, tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        plan = low_layers(integers=False)
        for flavour in ("optimum", "vllm"):
            compare_decisions(report, at_hand, flavour, "linear layers", plan)
            both = plan | products("fp8")
            compare_decisions(report, at_hand, flavour, "linear layers and attention", both)
        unfused = parsed(said(at_hand.chosen(plan, GAUDI), "inc", flavour="optimum").text)
        found, right = decisions(unfused, "vllm", ""), wanted(plan, "vllm")
        wrong = [name for name in right if found[name] != right[name]]
        report.say(f"optimum's file under vllm: wrong for {len(wrong)} of {len(right)} modules",
                   wrong)  # fmt: skip
        for cut in splits():
            if "int" in cut.plan.values():
                continue
            chosen = at_hand.chosen(cut.plan, GAUDI)
            is_refused = "partition.fused" in refusal(chosen, "inc", "vllm")
            report.say(f"vllm, split ({cut.name}) is refused by the export", is_refused)
            made = said(chosen, "inc", nearest=True, flavour="vllm")
            report.compare(f"vllm, nearest to split ({cut.name}): modules",
                           decisions(parsed(made.text), "vllm", ""),
                           wanted(cut.nearest, "vllm"))  # fmt: skip
            compare_decisions(report, at_hand, "optimum", f"split ({cut.name})", cut.plan)
        integers = at_hand.chosen(low_layers(integers=True), GAUDI | {"int": STATIC["int"]})
        report.say("int8 is refused", "runs no int8" in refusal(integers, "inc", "vllm"))
        made = said(integers, "inc", nearest=True, flavour="vllm")
        high = {op: f for op, f in low_layers(integers=True).items() if f != "int"}
        report.compare("vllm, nearest to int8: modules", decisions(parsed(made.text), "vllm", ""),
                       wanted(high, "vllm"))  # fmt: skip
        compare_quantised(report, at_hand, plan)
    return report.code


if __name__ == "__main__":
    sys.exit(main())
