"""Where ops stand in a grid of layers: columns are layers, rows are the ops of a layer."""

from dataclasses import dataclass

from .contents import Archive


@dataclass(frozen=True)
class Layers:
    columns: list[str]  # names of the layers; "" for ops outside of layers
    rows: list[str]  # names of the ops
    column: list[int]  # by op
    row: list[int]  # by op


def layers(archive: Archive) -> Layers:
    """`layers.3.attention.q` is op `q` of layer 3: the first number in a path is its layer."""
    places = [_split(op.path) for op in archive.ops]
    layer_keys = list(dict.fromkeys(layer for layer, _ in places if layer is not None))
    outside = any(layer is None for layer, _ in places)
    leaves = list(dict.fromkeys(leaf for _, leaf in places))
    one_stack = len({prefix for prefix, _ in layer_keys}) <= 1
    columns = [number if one_stack else f"{prefix}.{number}" for prefix, number in layer_keys]
    keys = [*layer_keys, None] if outside else layer_keys
    ends = [leaf.rsplit(".", 1)[-1] for leaf in leaves]
    rows = ends if len(set(ends)) == len(ends) else leaves
    return Layers(
        columns=[*columns, ""] if outside else columns,
        rows=rows,
        column=[keys.index(layer) for layer, _ in places],
        row=[leaves.index(leaf) for _, leaf in places],
    )


def _split(path: str) -> tuple[tuple[str, str] | None, str]:
    """Layer (what stands before the first number, the number) and the rest."""
    parts = path.split(".")
    for place, part in enumerate(parts):
        if part.isdigit():
            rest = ".".join(parts[place + 1 :]) or ".".join(parts[:place])
            return (".".join(parts[:place]), part), rest
    return None, path
