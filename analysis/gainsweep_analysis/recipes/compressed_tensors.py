"""quantization_config of compressed-tensors, which vLLM and transformers read from config.json."""

import json

from ..contents import Archive, Format, Number
from .layers import layers, unshared_scales
from .limits import Abilities

MIXED = "mixed-precision"
MX = ("mxfp8_e4m3", "mxfp6_e2m3", "mxfp4")
# By number format of the weight: how the checkpoint stores it.
FORMATS = {
    "int8": "int-quantized",
    "fp8_e4m3": "float-quantized",
    "mxfp8_e4m3": "mxfp8-quantized",
    "mxfp6_e2m3": "mxfp6-pack-quantized",
    "mxfp4": "mxfp4-pack-quantized",
    "nvfp4": "nvfp4-pack-quantized",
    **{f"int{bits}_g{size}": "pack-quantized" for bits in (4, 8) for size in (32, 64, 128)},
}
BITS = {"mxfp6_e2m3": 6, "mxfp4": 4, "nvfp4": 4, **{f"int4_g{size}": 4 for size in (32, 64, 128)}}


def obstacle(format_: Format) -> str:
    if format_.weight.name not in FORMATS:
        known = ", ".join(FORMATS)
        return f"it stores no weights in {format_.weight.name} (it has {known})"
    if (
        format_.weight.name.startswith("int")
        and format_.weight.block
        and format_.weight.scale_grid != "bf16"
    ):
        return "runtimes hold the scales of groups in bf16; solve with scale_grid: bf16"
    if format_.activation is None:
        if format_.weight.block:
            return ""
        return "it has weights alone only in blocks and groups"
    return _obstacle_of_activation(format_.activation)


def _obstacle_of_activation(number: Number) -> str:
    if number.name not in FORMATS or (number.block and number.name.startswith("int")):
        return f"it has no activations in {number.name}"
    if number.name == "nvfp4" and number.scale != "static":
        return "its scales of activations are calibrated; solve with scale: static"
    dynamic = not number.block and number.scale == "dynamic"
    if dynamic and (number.backoff != 1 or number.scale_grid != "arbitrary"):
        return ("its dynamic activations have no back-off and any scale; solve with backoff: 1 and "
                "scale_grid: arbitrary")  # fmt: skip
    return ""


ABILITIES = Abilities(attention=False, splits=False, remainders=False, obstacle=obstacle)


def text(archive: Archive, formats: list[Format]) -> str:
    return json.dumps(config(archive, formats), indent=1) + "\n"


def config(archive: Archive, formats: list[Format]) -> dict:
    """All linear layers by exact name, each in a group or in `ignore`."""
    groups: dict[str, dict] = {}
    ignored = []
    for layer in layers(archive, formats):
        if layer.format == archive.formats[0]:
            ignored.append(layer.module)
        else:
            group = groups.setdefault(layer.format.name, _group(layer.format))
            group["targets"].append(layer.module)
    kinds = {group["format"] for group in groups.values()}
    return {
        "quant_method": "compressed-tensors",
        "format": kinds.pop() if len(kinds) == 1 else MIXED,
        "quantization_status": "compressed",
        "kv_cache_scheme": None,
        "ignore": ignored,
        "config_groups": {f"group_{n}": group for n, group in enumerate(groups.values())},
    }


def _group(format_: Format) -> dict:
    return {
        "targets": [],
        "format": FORMATS[format_.weight.name],
        "weights": {**_number(format_.weight), "dynamic": False},
        "input_activations": None
        if format_.activation is None
        else _activation(format_.activation),
        "output_activations": None,
    }


def _number(number: Number) -> dict:
    integer = number.name.startswith("int")
    described = {
        "num_bits": BITS.get(number.name, 8),
        "type": "int" if integer else "float",
        "strategy": "group" if number.block else number.granularity,
        "symmetric": True,
    }
    if number.block:
        described["group_size"] = number.block
    if number.name == "nvfp4":
        described |= {"strategy": "tensor_group", "scale_dtype": "torch.float8_e4m3fn"}
    elif number.name in MX:
        described["scale_dtype"] = "torch.uint8"
    return described


def _activation(number: Number) -> dict:
    if number.name == "nvfp4":
        return {**_number(number), "dynamic": "local"}
    if number.block:
        return {**_number(number), "dynamic": True}
    dynamic = number.scale == "dynamic"
    strategy = "token" if dynamic else "tensor"
    return {**_number(number), "strategy": strategy, "dynamic": dynamic}


def notes(archive: Archive, formats: list[Format]) -> list[str]:
    """Where a runtime computes something else than predictions assume."""
    used = [f for f in archive.formats[1:] if f in formats]
    activations = {format_.activation for format_ in used if format_.activation}
    found = []
    if any(not number.block and number.scale == "dynamic" for number in activations):
        found.append(
            "dynamic scales of activations: of a token there, of a sequence in predictions"
        )
    rules = {n.scale_grid for n in activations if n.name in MX} - {"e8m0_compressed_tensors"}
    if rules:
        found.append(
            f"scales of activations follow a runtime's own rule there, {', '.join(sorted(rules))} "
            "in predictions"
        )
    if own := unshared_scales(archive, formats):
        found.append(
            f"layers that vLLM fuses have scales of their own ({own[0]}), of which it takes one. "
            "Solve with partition.fused: all"
        )
    return found
