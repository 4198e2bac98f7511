"""quant_cfg of NVIDIA's ModelOpt, as the YAML of its recipes."""

import yaml

from ..contents import Archive, Format, Number
from .layers import attention_of, layers
from .limits import Abilities, splits, why_no_number

# What `num_bits` says of an element; integers by their bits.
ELEMENTS = {
    "fp8_e4m3": [4, 3],
    "fp8_e5m2": [5, 2],
    "mxfp8_e4m3": [4, 3],
    "mxfp8_e5m2": [5, 2],
    "mxfp6_e3m2": [3, 2],
    "mxfp6_e2m3": [2, 3],
    "mxfp4": [2, 1],
    "nvfp4": [2, 1],
    "int8": 8,
    **{f"int{bits}_g{size}": bits for bits in (4, 8) for size in (32, 64, 128)},
}
PRODUCTS = {"qk": ("q_bmm", "k_bmm"), "av": ("p_bmm", "v_bmm")}


def obstacle(format_: Format) -> str:
    for number in filter(None, (format_.weight, format_.activation)):
        if why := why_no_number(number, ELEMENTS):
            return why
        if not number.block and number.scale_grid != "arbitrary":
            return "its scales are any numbers; solve with scale_grid: arbitrary"
    return ""


ABILITIES = Abilities(attention=True, splits=True, remainders=True, obstacle=obstacle)


def text(archive: Archive, formats: list[Format]) -> str:
    entries = [{"quantizer_name": "*", "enable": False}]
    for layer in layers(archive, formats):
        if layer.format != archive.formats[0]:
            entries += _layer(layer.module, layer.format)
    for place, op in enumerate(archive.ops):
        leaf = op.path.rpartition(".")[2]
        if op.kind == "matmul" and formats[place] != archive.formats[0]:
            entries += _product(attention_of(archive, place), leaf, formats[place])
    whole = {"quant_cfg": entries, "algorithm": "max"}
    return yaml.dump(whole, Dumper=_Plain, sort_keys=False, default_flow_style=None)


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: not every reader knows YAML's aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _layer(module: str, format_: Format) -> list[dict]:
    entries = [{"quantizer_name": f"{module}.weight_quantizer", "cfg": _weight(format_.weight)}]
    if format_.activation is not None:
        cfg = _activation(format_.activation)
        entries.append({"quantizer_name": f"{module}.input_quantizer", "cfg": cfg})
    return entries


def _product(attention: str | None, leaf: str, format_: Format) -> list[dict]:
    if format_.activation is None or attention is None:
        return []
    return [
        {"quantizer_name": f"{attention}.{name}_quantizer", "cfg": _activation(format_.activation)}
        for name in PRODUCTS.get(leaf, ())
    ]


def _weight(number: Number) -> dict:
    if number.block:
        return _blocks(number, "dynamic" if _has_scale_bits(number) else "static")
    return {
        "num_bits": ELEMENTS[number.name],
        "axis": 0 if number.granularity == "channel" else None,
    }


def _activation(number: Number) -> dict:
    if number.block:
        return _blocks(number, "dynamic")
    described = {"num_bits": ELEMENTS[number.name], "axis": None}
    return described | ({"type": "dynamic"} if number.scale == "dynamic" else {})


def _has_scale_bits(number: Number) -> bool:
    return not number.name.startswith("int")


def _blocks(number: Number, kind: str) -> dict:
    sizes: dict = {-1: number.block, "type": kind}
    if _has_scale_bits(number):
        sizes["scale_bits"] = [4, 3] if number.name == "nvfp4" else [8, 0]
    return {"num_bits": ELEMENTS[number.name], "block_sizes": sizes}


def notes(archive: Archive, formats: list[Format]) -> list[str]:
    found = []
    if any(
        op.kind == "matmul" and formats[p] != archive.formats[0] for p, op in enumerate(archive.ops)
    ):
        found.append("formats of single attentions are simulated there; a checkpoint that it "
                     "exports has one for the whole KV cache")  # fmt: skip
    if splits(archive, formats):
        found.append(
            "the plan splits layers that vLLM runs as one, so a checkpoint for vLLM must not split "
            "them; solve with partition.fused: all"
        )
    found.append(
        "its scales of blocks follow its own rules; calibrate with samples, then mtq.quantize"
    )
    return found
