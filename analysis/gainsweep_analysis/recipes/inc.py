"""The two JSON files of Intel Neural Compressor's fp8 on Gaudi: one to measure, one to quantise.

Everything of a supported type that a file does not block is quantised, and names are regular
expressions that need not match as a whole; so all high ops are blocked and all low ones allowed, by
anchored names. Scales come from the measurements, by the rule that `scale_method` names.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..contents import Archive, Format, Number
from ..seal import ArchiveError
from .layers import EXPERT, attention_of, unshared_scales
from .limits import Abilities, Problem

MEASURE = "measure"
# Number format: its fp8_config, and the device whose largest number is its own (None: any).
ELEMENTS = {
    "fp8_e4m3_gaudi2": ("E4M3", "GAUDI2"),
    "fp8_e4m3": ("E4M3", "GAUDI3"),
    "fp8_e5m2": ("E5M2", None),
}
HARDWARE = {"gaudi2": "GAUDI2", "gaudi3": "GAUDI3"}  # scale grids
ROUNDINGS = {"arbitrary": "any", "power_of_two": "power", "gaudi2": "hardware",
             "gaudi3": "hardware"}  # fmt: skip
# How scales of activations and of weights are rounded, and what shares those of weights.
METHODS = {
    ("hardware", "hardware", "tensor"): "maxabs_hw",
    ("power", "power", "tensor"): "maxabs_pow2",
    ("any", "any", "tensor"): "maxabs_arbitrary",
    ("hardware", "power", "channel"): "act_maxabs_hw_weights_pcs_maxabs_pow2",
    ("power", "power", "channel"): "act_maxabs_pow2_weights_pcs_maxabs_pow2",
}
BACKOFFS = (0.25, 0.5)  # that these methods have for activations and weights, whatever a file says
PRODUCTS = {"qk": "matmul_qk", "av": "matmul_av"}
PRODUCT_TYPE = "Matmul"


@dataclass(frozen=True)
class Flavour:
    """The runtime: what it calls modules, and their types."""

    fused: dict[str, str]  # layers that are one module there: the last part of its name
    products: str  # what stands between an attention and its products
    blocked_types: tuple[str, ...]  # that plans say nothing of
    splits: bool


OPTIMUM = Flavour(
    fused={},
    products="",
    blocked_types=("KVCache", "Softmax", "ModuleFusedSDPA", "Conv2d"),
    splits=True,
)
VLLM = Flavour(
    fused={
        "q_proj": "qkv_proj",
        "k_proj": "qkv_proj",
        "v_proj": "qkv_proj",
        "gate_proj": "gate_up_proj",
        "up_proj": "gate_up_proj",
    },
    products="attn.impl.",
    blocked_types=("VLLMKVCache", "KVCache", "Softmax", "BlockSoftmaxConstMax",
                   "ModuleFusedSDPA", "B2BMatmul", "Conv2d"),
    splits=False,
)  # fmt: skip


def obstacle(format_: Format) -> str:
    if format_.activation is None:
        return "it has no layers whose weights alone are low"
    for number in (format_.weight, format_.activation):
        if number.name not in ELEMENTS:
            return (f"a Gaudi runs no {number.name} by such a file (it has "
                    f"{', '.join(ELEMENTS)})")  # fmt: skip
    if format_.activation.scale != "static":
        return "its scales are measured beforehand; solve with scale: static"
    return _obstacle_of_scales(format_.activation, format_.weight)


def _obstacle_of_scales(activation: Number, weight: Number) -> str:
    if (activation.backoff, weight.backoff) != BACKOFFS:
        return (
            f"its scale methods have the back-offs {BACKOFFS[0]:g} and {BACKOFFS[1]:g} of "
            f"activations and weights, and the plan was solved with {activation.backoff:g} and "
            f"{weight.backoff:g}; solve with backoff: {{activation: {BACKOFFS[0]:g}, weight: "
            f"{BACKOFFS[1]:g}}}"
        )
    device = ELEMENTS[weight.name][1]
    grids = {n.scale_grid for n in (activation, weight) if n.scale_grid in HARDWARE}
    if _rule(activation, weight) not in METHODS or any(HARDWARE[g] != device for g in grids):
        return (
            f"it has no scale_method that makes scales of activations by {activation.scale_grid} "
            f"and of weights by {weight.scale_grid}, a {weight.granularity} each; solve with "
            "scale_grid: arbitrary, power_of_two or that of the device"
        )
    return ""


def _rule(activation: Number, weight: Number) -> tuple[str, str, str]:
    rounding = [ROUNDINGS.get(number.scale_grid, "") for number in (activation, weight)]
    return rounding[0], rounding[1], weight.granularity


@dataclass(frozen=True)
class Settings:
    """What a file says once, for all that it lowers."""

    fp8: str
    device: str | None
    method: str


def _settings(format_: Format) -> Settings:
    fp8, device = ELEMENTS[format_.weight.name]
    return Settings(fp8, device, METHODS[_rule(format_.activation, format_.weight)])


def whole(flavour: Flavour) -> Callable[[Archive, list[Format]], list[Problem]]:
    """What is wrong with a plan as a whole: formats that need different files, modules without a
    known name."""

    def problems(archive: Archive, formats: list[Format]) -> list[Problem]:
        return [*_mixed(archive, formats), *_experts(archive, formats, flavour)]

    return problems


def _mixed(archive: Archive, formats: list[Format]) -> list[Problem]:
    """The format of the most multiply-accumulates can stay."""
    macs: dict[Settings, int] = {}
    ops: dict[Settings, list[int]] = {}
    for place, (op, format_) in enumerate(zip(archive.ops, formats, strict=True)):
        if format_ == archive.formats[0] or obstacle(format_):
            continue
        key = _settings(format_)
        macs[key] = macs.get(key, 0) + op.macs
        ops.setdefault(key, []).append(place)
    if len(macs) < 2:
        return []
    kept = max(macs, key=macs.__getitem__)
    others = tuple(place for key, places in ops.items() if key != kept for place in places)
    names = ", ".join(dict.fromkeys(formats[place].name for place in others))
    return [
        Problem(
            f"a file has one fp8 format and one rule of scales, and the plan has {names} beside "
            f"{formats[ops[kept][0]].name}",
            others,
            "Solve again with one of them in formats.low",
        )
    ]


def _experts(archive: Archive, formats: list[Format], flavour: Flavour) -> list[Problem]:
    if flavour.splits:
        return []
    ops = tuple(
        place
        for place, op in enumerate(archive.ops)
        if formats[place] != archive.formats[0] and EXPERT.fullmatch(op.module)
    )
    what = "it runs all experts of a layer in one module, which no plan's op is"
    return [Problem(what, ops, "Keep them high")] if ops else []


def abilities(flavour: Flavour) -> Abilities:
    return Abilities(
        attention=True,
        splits=flavour.splits,
        remainders=True,
        obstacle=obstacle,
        whole=whole(flavour),
    )


def files(flavour: Flavour) -> Callable[[Archive, list[Format]], dict[str, str]]:
    """Writes the file that quantises, and the one that measures."""

    def written(archive: Archive, formats: list[Format]) -> dict[str, str]:
        quantize = config(archive, formats, flavour)
        measure = quantize | {"mode": "MEASURE", "allowlist": _names([], []),
                              "blocklist": _names([], [])}  # fmt: skip
        for key in ("scale_method", "scale_params", "scale_format", "device_for_scales"):
            measure.pop(key, None)
        return {"": _text(quantize), MEASURE: _text(measure)}

    return written


def _text(record: dict) -> str:
    return json.dumps(record, indent=1) + "\n"


def _names(types: list[str], names: list[str]) -> dict:
    return {"types": types, "names": [f"^(.*\\.)?{re.escape(name)}$" for name in names]}


def config(archive: Archive, formats: list[Format], flavour: Flavour) -> dict:
    """ArchiveError where an op has no name there by which it can be kept high."""
    high = archive.formats[0]
    named = [(_module(archive, place, flavour), f) for place, f in enumerate(formats)]
    nameless = [archive.ops[place].path for place, (name, _) in enumerate(named) if not name]
    if nameless:
        raise ArchiveError(
            f"{archive.path}: {', '.join(nameless[:4])}: INC quantises what no name keeps high, "
            "and these ops have none in the checkpoint. Take another --to."
        )
    low = list(dict.fromkeys(name for name, format_ in named if format_ != high))
    kept = list(dict.fromkeys(name for name, format_ in named if format_ == high))
    used = next((format_ for format_ in formats if format_ != high), None)
    if used is None:
        raise ArchiveError(
            f"{archive.path}: the plan lowers nothing, so there is no file to write."
        )
    settings = _settings(used)
    types = list(flavour.blocked_types)
    if not any(
        op.kind == "matmul" and f != high for op, f in zip(archive.ops, formats, strict=True)
    ):
        types.append(PRODUCT_TYPE)
    record = {
        "mode": "QUANTIZE",
        "observer": "maxabs",
        "fp8_config": settings.fp8,
        "hp_dtype": "bf16",
        "scale_method": settings.method,
        "scale_params": {"input_backoff": BACKOFFS[0], "weight_backoff": BACKOFFS[1]},
        "scale_format": "const",
        "measure_exclude": "OUTPUT",
        "allowlist": _names([], low),
        "blocklist": _names(types, kept),
        "dump_stats_path": f"./stats/{archive.provenance['model_digest'][:12]}",
    }
    return record | ({"device_for_scales": settings.device} if settings.device else {})


def _module(archive: Archive, place: int, flavour: Flavour) -> str:
    """What the runtime calls the module of an op; empty where it is not known."""
    op = archive.ops[place]
    if op.kind == "matmul":
        attention = attention_of(archive, place)
        product = PRODUCTS.get(op.path.rpartition(".")[2])
        return f"{attention}.{flavour.products}{product}" if attention and product else ""
    parent, dot, leaf = op.module.rpartition(".")
    return parent + dot + flavour.fused.get(leaf, leaf)


def notes(flavour: Flavour) -> Callable[[Archive, list[Format]], list[str]]:
    def found(archive: Archive, formats: list[Format]) -> list[str]:
        lines = [
            "scales come from what the runtime measures of its own samples, by the plan's rule"
        ]
        if any(op.kind == "matmul" and f != archive.formats[0]
               for op, f in zip(archive.ops, formats, strict=True)):  # fmt: skip
            lines.append("products of activations run low where attention is not fused: without "
                         "use_flash_attention or fused SDPA")  # fmt: skip
        if not flavour.splits and (shared := unshared_scales(archive, formats)):
            lines.append(f"one scale is made for the weights of a fused layer there, of each in "
                         f"predictions ({shared[0]}). Solve with partition.fused: all")  # fmt: skip
        return lines

    return found
