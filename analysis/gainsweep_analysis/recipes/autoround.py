"""layer_config of Intel's AutoRound."""

import json

from ..contents import Archive, Format, Number
from .layers import layers
from .limits import Abilities, why_no_number

HIGH = {"bits": 16, "data_type": "fp", "act_bits": 16, "act_data_type": "fp"}
TENSOR, CHANNEL = 0, -1  # as `group_size`
# Number format: its bits and data_type there.
ELEMENTS = {
    "int8": (8, "int"),
    "fp8_e4m3": (8, "fp"),
    "mxfp8_e4m3": (8, "mx_fp"),
    "mxfp4": (4, "mx_fp"),
    "nvfp4": (4, "nv_fp"),
    **{f"int{bits}_g{size}": (bits, "int") for bits in (4, 8) for size in (32, 64, 128)},
}


def obstacle(format_: Format) -> str:
    for number in filter(None, (format_.weight, format_.activation)):
        if why := why_no_number(number, ELEMENTS):
            return why
    if (
        format_.activation
        and format_.activation.block
        and format_.activation.name.startswith("int")
    ):
        return f"it has no activations in {format_.activation.name}"
    return ""


ABILITIES = Abilities(attention=False, splits=False, remainders=False, obstacle=obstacle)


def text(archive: Archive, formats: list[Format]) -> str:
    """Every layer by name, high ones too."""
    listed = {
        layer.module: dict(HIGH) if layer.format == archive.formats[0] else _layer(layer.format)
        for layer in layers(archive, formats)
    }
    return json.dumps(listed, indent=1) + "\n"


def _layer(format_: Format) -> dict:
    bits, kind = ELEMENTS[format_.weight.name]
    described = {"bits": bits, "group_size": _group(format_.weight), "sym": True, "data_type": kind}
    if format_.activation is None:
        return {**described, "act_bits": 16}
    number = format_.activation
    act_bits, act_kind = ELEMENTS[number.name]
    if number.name == "nvfp4" and number.scale == "static":
        act_kind = "nv_fp4_with_static_gs"
    return {
        **described,
        "act_bits": act_bits,
        "act_group_size": number.block or (CHANNEL if number.scale == "dynamic" else TENSOR),
        "act_sym": True,
        "act_data_type": act_kind,
        "act_dynamic": bool(number.block) or number.scale == "dynamic",
    }


def _group(number: Number) -> int:
    return number.block or (CHANNEL if number.granularity == "channel" else TENSOR)


def notes(archive: Archive, formats: list[Format]) -> list[str]:
    return [
        "give it as layer_config; with iters=0 it rounds to nearest, as predictions assume, but "
        "scales follow rules of its own"
    ]
