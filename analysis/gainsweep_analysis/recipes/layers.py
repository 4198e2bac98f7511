"""A plan as runtimes see it: linear layers by their names in the checkpoint."""

import re
from collections import defaultdict
from dataclasses import dataclass

from ..contents import Archive, Format, Op

# Layers beside each other that vLLM and Gaudi's runtimes run as one matrix product.
FUSED = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"), ("w1", "w3"))
EXPERT = re.compile(r"(.*\.experts)\.\d+\..*")


@dataclass(frozen=True)
class Layer:
    """A weight of the checkpoint with the ops that multiply by it."""

    module: str
    ops: tuple[int, ...]
    format: Format


def effective(archive: Archive, formats: list[Format]) -> list[Format]:
    """A format that leaves activations high changes nothing of a product of two of them."""
    high = archive.formats[0]
    return [
        high if op.kind == "matmul" and format_.activation is None else format_
        for op, format_ in zip(archive.ops, formats, strict=True)
    ]


def layers(archive: Archive, formats: list[Format]) -> list[Layer]:
    """In the order of the ops. A layer whose ops have several formats has that of the first."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, op in enumerate(archive.ops):
        if op.module:
            found[op.module].append(place)
    return [Layer(module, tuple(ops), formats[ops[0]]) for module, ops in found.items()]


def fused_groups(archive: Archive) -> list[list[int]]:
    """Ops that a runtime runs in one format: of one weight, of one fused product, experts of a
    layer. Each of two or more."""
    found: dict[tuple, list[int]] = defaultdict(list)
    for place, op in enumerate(archive.ops):
        for key in _keys(op):
            found[key].append(place)
    return [ops for ops in found.values() if len(ops) > 1]


def _keys(op: Op) -> list[tuple]:
    keys: list[tuple] = [("product", op.subgraph, op.fused)] if op.fused >= 0 else []
    if op.module:
        keys.append(("weight", op.module))
        parent, _, leaf = op.module.rpartition(".")
        keys += [(parent, names) for names in FUSED if leaf in names]
        if expert := EXPERT.fullmatch(op.module):
            keys.append(("experts", expert[1]))
    return keys


def attention_of(archive: Archive, place: int) -> str | None:
    """The checkpoint's name of the attention that a product of two activations is in."""
    section = archive.ops[place].path.rpartition(".")[0]
    for op in archive.ops:
        if op.module and op.path.rpartition(".")[0] == section:
            return op.module.rpartition(".")[0]
    return None


def unshared_scales(archive: Archive, formats: list[Format]) -> list[str]:
    """Low layers of fused products whose weights have a scale a tensor that they do not share."""
    fused = {op for group in fused_groups(archive) for op in group if archive.ops[op].fused < 0}
    return [
        layer.module
        for layer in layers(archive, formats)
        if layer.format != archive.formats[0]
        and (number := layer.format.weight)
        and (number.granularity == "tensor" or number.name == "nvfp4")
        and set(layer.ops) & fused
    ]
