"""vLLM's own selection of kernels' schemes, with its kernels stubbed, for recipes of a Llama.

It shows too what vLLM makes of plans that split a fused layer: why exports refuse them.
"""

import copy
import importlib.metadata
import importlib.util
import json
import sys
import sysconfig
import types
from pathlib import Path
from unittest.mock import MagicMock

from subject import (
    DYNAMIC,
    HIGH,
    LAYERS,
    STATIC,
    Report,
    low_layers,
    refusal,
    said,
    splits,
    subject,
)

FOLDER = "vllm.model_executor.layers.quantization"
READ = {
    f"{FOLDER}.compressed_tensors.compressed_tensors",
    f"{FOLDER}.compressed_tensors.utils",
    f"{FOLDER}.base_config",
    f"{FOLDER}.modelopt",
    f"{FOLDER}.utils.quant_utils",
    f"{FOLDER}.utils.config_utils",
    "vllm.scalar_type",
}
SCHEMES = {"CompressedTensorsW8A8Fp8": "fp8", "CompressedTensorsW8A8Int8": "int"}
FUSED = {"qkv_proj": ["q_proj", "k_proj", "v_proj"], "gate_up_proj": ["gate_proj", "up_proj"]}
MODULES = ("self_attn.qkv_proj", "self_attn.o_proj", "mlp.gate_up_proj", "mlp.down_proj")
DIFFERENT = "Found different quantization schemes for the shards"


class Stub(types.ModuleType):
    """Of what is compiled: classes of any name, and anything else."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {}) if name[0].isupper() else MagicMock(name=name)


class Finder:
    """Reads the sources in READ, stubs the rest of vLLM."""

    def find_spec(self, name, path=None, target=None):
        if name != "vllm" and not name.startswith("vllm."):
            return None
        if name in READ:
            file = Path(sysconfig.get_path("purelib")) / (name.replace(".", "/") + ".py")
            return importlib.util.spec_from_file_location(name, file)
        return importlib.util.spec_from_loader(name, self, is_package=True)

    def create_module(self, spec):
        module = Stub(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module):
        pass


def selection():
    """vLLM's module, its schemes replaced by ones that remember what they are made with."""
    sys.meta_path.insert(0, Finder())
    module = importlib.import_module(f"{FOLDER}.compressed_tensors.compressed_tensors")
    for name in (*SCHEMES, "CompressedTensorsW8A16Fp8"):

        def remember(self, **arguments):
            self.arguments = arguments

        minimum = staticmethod(lambda: 89)
        made = type(name, (), {"__init__": remember, "get_min_capability": minimum})
        setattr(module, name, made)
    module.CompressedTensorsConfig._check_scheme_supported = lambda self, *_, **__: True
    module.current_platform = MagicMock()
    module.current_platform.is_xpu = lambda: False
    return module


def schemes(module, config: dict) -> dict[str, str]:
    """Of each module that vLLM runs: the format with its scales, or why it refuses."""
    import torch

    read = module.CompressedTensorsConfig.from_config(copy.deepcopy(config))
    read.packed_modules_mapping = FUSED
    kinds = {
        "qkv_proj": type("QKVParallelLinear", (torch.nn.Module,), {}),
        "gate_up_proj": type("MergedColumnParallelLinear", (torch.nn.Module,), {}),
    }
    row = type("RowParallelLinear", (torch.nn.Module,), {})
    found = {}
    for layer in range(LAYERS):
        for name in MODULES:
            path = f"model.layers.{layer}.{name}"
            try:
                scheme = read.get_scheme(kinds.get(name.rpartition(".")[2], row)(), path)
            except (ValueError, NotImplementedError) as error:
                found[path] = str(error)
                continue
            found[path] = HIGH if scheme is None else _format(scheme)
    return found


def _format(scheme) -> str:
    is_static = scheme.arguments.get("is_static_input_scheme")
    return f"{SCHEMES[type(scheme).__name__]}, {'static' if is_static else 'dynamic'}"


def wanted(plan: dict[str, str], scales: str) -> dict[str, str]:
    """By module that vLLM runs, for plans that split none."""
    first = {"qkv_proj": "q", "o_proj": "o", "gate_up_proj": "gate", "down_proj": "down"}
    found = {}
    for layer in range(LAYERS):
        for name in MODULES:
            section, leaf = name.split(".")
            section = section.replace("self_attn", "attention")
            format_ = plan.get(f"layers.{layer}.{section}.{first[leaf]}", HIGH)
            found[f"model.layers.{layer}.{name}"] = (
                HIGH if format_ == HIGH else f"{format_}, {scales}"
            )
    return found


def unrefused(config: dict, shard: str, where: str) -> dict:
    """A recipe with one shard of a fused layer said otherwise: by hand, exports refuse it."""
    changed = copy.deepcopy(config)
    for group in changed["config_groups"].values():
        group["targets"] = [name for name in group["targets"] if name != shard]
    if where == "ignore":
        changed["ignore"].append(shard)
    elif where != "nowhere":
        (group,) = [g for g in changed["config_groups"].values() if g["weights"]["type"] == where]
        group["targets"].append(shard)
    return changed


def show_splits(report: Report, module, config: dict) -> None:
    """What vLLM does with each of them."""
    for fused, shard in (("self_attn.qkv_proj", "self_attn.v_proj"),
                         ("mlp.gate_up_proj", "mlp.up_proj")):  # fmt: skip
        path, name = f"model.layers.3.{fused}", f"model.layers.3.{shard}"
        for where, answer in (("ignore", DIFFERENT), ("int", "fp8, static"), ("nowhere", HIGH)):
            found = schemes(module, unrefused(config, name, where))[path]
            report.say(f"{shard} in {where}, the rest fp8: {fused} is '{found[:60]}'",
                       found.startswith(answer))  # fmt: skip


def show_modelopt_splits(report: Report) -> None:
    """What it makes of checkpoints that ModelOpt exports with a format a layer."""
    module = importlib.import_module(f"{FOLDER}.modelopt")
    mixed = module.ModelOptMixedPrecisionConfig

    def resolved(layers: dict[str, str]) -> str:
        read = types.SimpleNamespace(
            quantized_layers={f"self_attn.{n}": {"quant_algo": a} for n, a in layers.items()},
            packed_modules_mapping=FUSED,
            _quantized_layer_prefix_candidates=mixed._quantized_layer_prefix_candidates,
        )
        try:
            return str(mixed._resolve_quant_algo(read, "self_attn.qkv_proj"))
        except ValueError as error:
            return str(error)

    fp8 = {"q_proj": "FP8", "k_proj": "FP8"}
    found = resolved(fp8)
    report.say(f"ModelOpt's q_proj and k_proj FP8, v_proj nothing: qkv_proj is '{found}'",
               found == "FP8")  # fmt: skip
    found = resolved(fp8 | {"v_proj": "MXFP8"})
    report.say(f"ModelOpt's q_proj and k_proj FP8, v_proj MXFP8: qkv_proj is '{found[:60]}'",
               found.startswith("Mixed quant_algo within fused layer"))  # fmt: skip


def main() -> int:
    report = Report(f"vllm {importlib.metadata.version('vllm')}")
    module = selection()
    with subject() as at_hand:
        plan = low_layers(integers=True)
        for scales, formats in (("static", STATIC), ("dynamic", DYNAMIC)):
            config = json.loads(said(at_hand.chosen(plan, formats), "compressed-tensors").text)
            report.compare(
                f"{scales} scales, modules", schemes(module, config), wanted(plan, scales)
            )
        config = json.loads(said(at_hand.chosen(plan, STATIC), "compressed-tensors").text)
        show_splits(report, module, config)
        for cut in splits():
            chosen = at_hand.chosen(cut.plan, STATIC)
            is_refused = "partition.fused" in refusal(chosen, "compressed-tensors")
            report.say(f"split ({cut.name}) is refused by the export", is_refused)
            made = said(chosen, "compressed-tensors", nearest=True)
            report.compare(
                f"nearest to split ({cut.name}), modules",
                schemes(module, json.loads(made.text)),
                wanted(cut.nearest, "static"),
            )
        show_modelopt_splits(report)
    return report.code


if __name__ == "__main__":
    sys.exit(main())
