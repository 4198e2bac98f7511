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
    """Layers that run as one product are stored one by one."""
    return sum(layer_bits(layer, format_name) for layer in group)


def mean_bits(groups: Iterable[list[Layer]], plan: Plan) -> float:
    """Bits a weight. KeyError where the plan leaves a layer out."""
    layers = [layer for group in groups for layer in group]
    taken = sum(layer_bits(layer, plan[layer.module]) for layer in layers)
    return taken / sum(layer.elements for layer in layers)
