"""What plans take: bits of all decided layers' weights, scales included, counted alike for all."""

import math
from collections.abc import Iterable, Mapping

from models import Layer
from settings import HIGH, HIGH_BITS, STORAGE

Plan = Mapping[str, str]  # the format of each module


def layer_bits(layer: Layer, format_name: str) -> int:
    if format_name == HIGH:
        return HIGH_BITS * layer.elements
    storage = STORAGE[format_name]
    blocks = layer.rows * math.ceil(layer.columns / storage.block)
    return storage.element * layer.elements + storage.scale * blocks + storage.tensor


def group_bits(group: Iterable[Layer], format_name: str) -> int:
    """Layers that run as one product: a tensor's own scale is theirs in common."""
    members = list(group)
    tensor = 0 if format_name == HIGH else STORAGE[format_name].tensor
    each = sum(layer_bits(layer, format_name) for layer in members)
    return each - tensor * (len(members) - 1)


def mean_bits(groups: Iterable[list[Layer]], plan: Plan) -> float:
    """Bits a weight. KeyError where the plan leaves a layer out."""
    taken = elements = 0
    for group in groups:
        formats = {plan[layer.module] for layer in group}
        if len(formats) == 1:
            taken += group_bits(group, formats.pop())
        else:
            taken += sum(layer_bits(layer, plan[layer.module]) for layer in group)
        elements += sum(layer.elements for layer in group)
    return taken / elements
