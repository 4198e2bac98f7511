"""The number formats of a plan's formats: of the weight, and of the activations."""

import re
from dataclasses import dataclass

from ..contents import Format
from ..rounding import LAYOUTS


@dataclass(frozen=True)
class Number:
    """How the numbers of one operand are stored."""

    name: str
    granularity: str  # tensor, channel or block
    scale: str  # of activations: static or dynamic
    backoff: float
    scale_grid: str

    @property
    def block(self) -> int:
        return LAYOUTS[self.name].block if self.name in LAYOUTS else 0


@dataclass(frozen=True)
class Pair:
    name: str
    weight: Number
    activation: Number | None  # none: activations stay high


WEIGHTS_ALONE = re.compile(r"w(\d)a16_(g\d+)|(nvfp4|mxfp4)a16")
MIXED = {"mxfp4_fp8": ("mxfp4", "fp8_e4m3"), "mxfp4_mxfp8": ("mxfp4", "mxfp8_e4m3")}
GROUPS = re.compile(r"w4a(fp)?8_(g\d+)")


def pair_of(format_: Format) -> Pair:
    """The one place that knows how archives describe a pair."""
    weight, activation = _composition(format_.name)
    return Pair(
        format_.name,
        _number(weight, format_, format_.weight_granularity, format_.weight_backoff),
        activation and _number(activation, format_, "tensor", format_.activation_backoff),
    )


def _number(name: str, format_: Format, granularity: str, backoff: float) -> Number:
    if name in LAYOUTS and LAYOUTS[name].block:
        granularity = "block"
    return Number(name, granularity, format_.activation_scale, backoff, format_.scale_grid)


def _composition(name: str) -> tuple[str, str | None]:
    if alone := WEIGHTS_ALONE.fullmatch(name):
        bits, size, block = alone.groups()
        return (block or f"int{bits}_{size}"), None
    if groups := GROUPS.fullmatch(name):
        return f"int4_{groups[2]}", "fp8_e4m3" if groups[1] else "int8"
    return MIXED.get(name, (name, name))
