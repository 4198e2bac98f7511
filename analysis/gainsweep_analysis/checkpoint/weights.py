"""A plan's layers, rounded from the weights of the model's folder."""

from dataclasses import dataclass

import numpy as np

from .. import rounding
from ..contents import Archive, Number
from ..recipes.compressed_tensors import FORMATS
from ..recipes.layers import Layer
from ..scales import channel_scales
from ..seal import ArchiveError
from .packing import tensors
from .safetensors import Tensor


@dataclass(frozen=True)
class Rounder:
    """Makes the tensors of lowered layers; ArchiveError where weights are not the archive's."""

    archive: Archive
    layers: dict[str, Layer]  # by module

    def tensors(self, module: str, weight: Tensor) -> dict[str, Tensor]:
        layer = self.layers[module]
        stored = self.stored(module, weight)
        number = layer.format.weight
        element = rounding.LAYOUTS[number.name].element
        made = tensors(module, FORMATS[number.name], stored, element)
        return made | self._activation(layer)

    def stored(self, module: str, weight: Tensor) -> rounding.Stored:
        """As the program's fake quantisation rounds it."""
        layer = self.layers[module]
        number = layer.format.weight
        matrix = self._matrix(layer, weight)
        element = rounding.LAYOUTS[number.name].element
        if not number.block:
            scales = self._scales(layer, number)
            return rounding.store(matrix, scales, matrix.shape[1], element)
        if matrix.shape[1] % number.block:
            raise ArchiveError(
                f"{module}: its {matrix.shape[1]} columns are not whole blocks of {number.block}, "
                f"which {layer.format.name} is stored in. Solve again without {layer.format.name}"
            )
        whole = self._shared_maximum(layer) if number.name == rounding.TWO_LEVEL else None
        return rounding.in_blocks(matrix, number.name, number.scale_grid, whole)

    def _matrix(self, layer: Layer, weight: Tensor) -> np.ndarray:
        matrix = weight.single()
        rows = sum(self.archive.ops[op].weight_channels for op in layer.ops)
        if matrix.ndim != 2 or matrix.shape[0] != rows:
            raise ArchiveError(
                f"{layer.module}: its weight has the shape {list(weight.values.shape)}, the "
                f"archive {rows} output channels. What is stored transposed cannot be exported."
            )
        maxima = [self.archive.weight_maxima.get(self._operand(op, "weight")) for op in layer.ops]
        if all(found is not None for found in maxima):
            found = np.abs(matrix).max(axis=1)
            if not np.array_equal(found, np.concatenate(maxima).astype(np.float32)):
                raise ArchiveError(
                    f"{layer.module}: the largest magnitudes of its channels are not those of the "
                    "archive. Name the folder of the archive's model."
                )
        return matrix

    def _operand(self, op: int, role: str) -> int:
        return next(
            place
            for place, operand in enumerate(self.archive.operands)
            if operand.op == op and operand.role == role
        )

    def _scales(self, layer: Layer, number: Number) -> np.ndarray:
        if number.granularity == "channel":
            made = [
                channel_scales(
                    self.archive.weight_maxima[self._operand(op, "weight")], layer.format
                )
                for op in layer.ops
            ]
            return np.concatenate(made).astype(np.float32)[:, None]
        return np.array([[self._scale(layer, "weight")]], np.float32)

    def _scale(self, layer: Layer, role: str) -> float:
        if self.archive.scales is None:
            raise ArchiveError(
                f"{self.archive.path}: it has no table 'scales' (largest magnitudes were not all "
                "found), which checkpoints need."
            )
        low = self.archive.formats.index(layer.format) - 1
        return float(self.archive.scales[self._operand(layer.ops[0], role), low])

    def _shared_maximum(self, layer: Layer) -> float:
        """The largest magnitude of the weights that share a scale with this one."""
        fused = {(o.subgraph, o.fused) for o in map(self.archive.ops.__getitem__, layer.ops)}
        sharing = [
            place
            for place, op in enumerate(self.archive.ops)
            if place in layer.ops or (op.fused >= 0 and (op.subgraph, op.fused) in fused)
        ]
        maxima = [self.archive.weight_maxima.get(self._operand(op, "weight")) for op in sharing]
        if any(found is None for found in maxima):
            raise ArchiveError(
                f"{self.archive.path}: it has no table 'weight_maxima', which the scale of "
                f"{layer.module} in nvfp4 is made of."
            )
        return max(float(found.max()) for found in maxima)

    def _activation(self, layer: Layer) -> dict[str, Tensor]:
        number = layer.format.activation
        if number is None:
            return {}
        if number.name == rounding.TWO_LEVEL:
            if self.archive.maxima is None:
                raise ArchiveError(
                    f"{self.archive.path}: it has no table 'maxima' (nothing was observed), which "
                    f"the scale of {layer.module}'s input in nvfp4 is made of."
                )
            observed = self.archive.maxima[self._operand(layer.ops[0], "activation")]
            scale = rounding.global_scale(observed)
            name = "input_global_scale"
        elif not number.block and number.scale == "static":
            scale, name = self._scale(layer, "activation"), "input_scale"
        else:
            return {}
        return {f"{layer.module}.{name}": Tensor("F32", np.array([scale], np.float32))}
