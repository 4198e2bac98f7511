"""Weights as compressed-tensors stores them in a checkpoint, by the format of their group."""

from collections.abc import Callable

import numpy as np

from ..rounding import E2M1, E2M3, E4M3, Element, Stored
from .safetensors import Tensor, bf16

E8M0_BIAS = 127


def tensors(module: str, kind: str, stored: Stored, element: Element) -> dict[str, Tensor]:
    """The tensors of a layer, its weight and scales; `kind` is a group's `format`."""
    named = _KINDS[kind](stored, element)
    return {f"{module}.{name}": tensor for name, tensor in named.items()}


def codes(values: np.ndarray, element: Element) -> np.ndarray:
    """The code of each element, its sign in the bit above."""
    found = np.searchsorted(element.values, np.abs(values)).astype(np.uint8)
    return found | (np.signbit(values).astype(np.uint8) << (element.bits - 1))


def nibbles(values: np.ndarray) -> np.ndarray:
    """Two codes of e2m1 a byte, the first in the lower half."""
    found = codes(values, E2M1)
    return found[:, ::2] | (found[:, 1::2] << 4)


def sixes(values: np.ndarray) -> np.ndarray:
    """Four codes of e2m3 in three bytes, the first in the lowest bits."""
    rows, columns = values.shape
    found = codes(values, E2M3).reshape(rows, columns // 4, 4).astype(np.uint32)
    words = (found << np.array([0, 6, 12, 18], np.uint32)).sum(axis=2, dtype=np.uint32)
    parts = (words[:, :, None] >> np.array([0, 8, 16], np.uint32)).astype(np.uint8)
    return parts.reshape(rows, columns * 3 // 4)


def offset_words(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers as offset codes in words of 32 bits, the first in the lowest bits."""
    rows, columns = values.shape
    per_word = 32 // bits
    padded = np.zeros((rows, -(-columns // per_word) * per_word), np.uint32)
    padded[:, :columns] = (values.astype(np.int32) + (1 << (bits - 1))).astype(np.uint32)
    shifts = np.arange(per_word, dtype=np.uint32) * np.uint32(bits)
    words = (padded.reshape(rows, -1, per_word) << shifts).sum(axis=2, dtype=np.uint32)
    return words.view(np.int32)


def exponents(scales: np.ndarray) -> Tensor:
    """Powers of two as e8m0."""
    return Tensor("U8", (np.frexp(scales)[1] - 1 + E8M0_BIAS).astype(np.uint8))


def _nvfp4(stored: Stored, element: Element) -> dict[str, Tensor]:
    return {
        "weight_packed": Tensor("U8", nibbles(stored.elements)),
        "weight_scale": Tensor("F8_E4M3", codes(stored.stored_scales, E4M3)),
        "weight_global_scale": Tensor("F32", np.array([stored.global_scale], np.float32)),
    }


def _mxfp4(stored: Stored, element: Element) -> dict[str, Tensor]:
    packed = Tensor("U8", nibbles(stored.elements))
    return {"weight_packed": packed, "weight_scale": exponents(stored.scales)}


def _mxfp6(stored: Stored, element: Element) -> dict[str, Tensor]:
    packed = Tensor("U8", sixes(stored.elements))
    return {"weight_packed": packed, "weight_scale": exponents(stored.scales)}


def _mxfp8(stored: Stored, element: Element) -> dict[str, Tensor]:
    packed = Tensor("F8_E4M3", codes(stored.elements, E4M3))
    return {"weight": packed, "weight_scale": exponents(stored.scales)}


def _groups(stored: Stored, element: Element) -> dict[str, Tensor]:
    return {
        "weight_packed": Tensor("I32", offset_words(stored.elements, element.bits)),
        "weight_scale": bf16(stored.scales),
        "weight_shape": Tensor("I64", np.array(stored.elements.shape, np.int64)),
    }


def _whole(stored: Stored, element: Element) -> dict[str, Tensor]:
    """Scales of a tensor or its channels."""
    if element is E4M3:
        weight = Tensor("F8_E4M3", codes(stored.elements, E4M3))
    else:
        weight = Tensor("I8", stored.elements.astype(np.int8))
    scales = stored.scales.astype(np.float32)
    whole = scales.reshape(1) if scales.size == 1 else scales.reshape(-1, 1)
    return {"weight": weight, "weight_scale": Tensor("F32", whole)}


_KINDS: dict[str, Callable[[Stored, Element], dict[str, Tensor]]] = {
    "nvfp4-pack-quantized": _nvfp4,
    "mxfp4-pack-quantized": _mxfp4,
    "mxfp6-pack-quantized": _mxfp6,
    "mxfp8-quantized": _mxfp8,
    "pack-quantized": _groups,
    "int-quantized": _whole,
    "float-quantized": _whole,
}
