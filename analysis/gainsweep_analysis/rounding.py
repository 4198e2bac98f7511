"""Matrices as number formats store them: elements on a grid, and what they are scaled by."""

import math
from dataclasses import dataclass, replace

import numpy as np

LEAST_NORMAL = np.finfo(np.float32).tiny
TWO_LEVEL = "nvfp4"
E8M0_LIMIT = 127
NVFP4_RANGE = np.float32(448 * 6)  # largest scale of a block times largest element


def floating_values(exponent_bits: int, mantissa_bits: int, codes: int) -> np.ndarray:
    """The values of the first codes, from 0 on."""
    bias = 2 ** (exponent_bits - 1) - 1
    exponent, mantissa = np.divmod(np.arange(codes), 2**mantissa_bits)
    significand = np.where(exponent == 0, mantissa, 2**mantissa_bits + mantissa)
    return np.ldexp(significand.astype(float), np.maximum(exponent, 1) - bias - mantissa_bits)


@dataclass(frozen=True)
class Element:
    """What is stored of a number: its values without a sign by code, its bits with one."""

    values: np.ndarray
    bits: int
    mantissa_bits: int = 0

    @property
    def largest(self) -> float:
        return float(self.values[-1])

    @property
    def largest_exponent(self) -> int:
        return math.floor(math.log2(self.largest))


E4M3 = Element(floating_values(4, 3, 127), 8, 3)
E5M2 = Element(floating_values(5, 2, 124), 8, 2)
E3M2 = Element(floating_values(3, 2, 32), 6, 2)
E2M3 = Element(floating_values(2, 3, 32), 6, 3)
E2M1 = Element(floating_values(2, 1, 8), 4, 1)
INT4 = Element(np.arange(8.0), 4)
INT8 = Element(np.arange(128.0), 8)


@dataclass(frozen=True)
class Layout:
    """The elements of a number format, and how many neighbours share a scale: 0 where all of a
    tensor or output channel do."""

    element: Element
    block: int = 0


LAYOUTS = {
    "int8": Layout(INT8),
    "fp8_e4m3": Layout(E4M3),
    "fp8_e5m2": Layout(E5M2),
    "mxfp8_e4m3": Layout(E4M3, 32),
    "mxfp8_e5m2": Layout(E5M2, 32),
    "mxfp6_e3m2": Layout(E3M2, 32),
    "mxfp6_e2m3": Layout(E2M3, 32),
    "mxfp4": Layout(E2M1, 32),
    TWO_LEVEL: Layout(E2M1, 16),
    **{f"int4_g{size}": Layout(INT4, size) for size in (32, 64, 128)},
    **{f"int8_g{size}": Layout(INT8, size) for size in (32, 64, 128)},
}


@dataclass(frozen=True)
class Stored:
    """A matrix in a number format, single precision: a value is its element times the scale of
    its block."""

    elements: np.ndarray  # [row, column]
    scales: np.ndarray  # [row, block], [row, 1] or [1, 1]
    block: int  # columns that share a scale
    stored_scales: np.ndarray | None = None  # of nvfp4: e4m3, what scales are times `global_scale`
    global_scale: np.float32 | None = None

    def values(self) -> np.ndarray:
        """What the program's fake quantisation makes of the matrix."""
        columns = self.elements.shape[1]
        scales = self.scales
        if scales.shape[1] > 1 or self.block < columns:
            scales = np.repeat(scales, self.block, axis=1)[:, :columns]
        with np.errstate(over="ignore", under="ignore"):
            return self.elements * scales


def nearest(values: np.ndarray, element: Element) -> np.ndarray:
    """Ties to the even code, saturating; signs, of zero too, and NaN stay."""
    grid = element.values
    midpoints = (grid[1:] + grid[:-1]) / 2
    magnitudes = np.abs(values)
    codes = np.searchsorted(midpoints, magnitudes)
    at = np.minimum(codes, len(midpoints) - 1)
    codes += (codes % 2 == 1) & (midpoints[at] == magnitudes)
    rounded = np.copysign(grid[np.minimum(codes, len(midpoints))].astype(values.dtype), values)
    return np.where(np.isnan(values), values, rounded)


def store(matrix: np.ndarray, scales: np.ndarray, block: int, element: Element) -> Stored:
    """A matrix of single precision at given scales; elements under a scale of 0 become zero."""
    columns = matrix.shape[1]
    divisors = np.where(scales == 0, np.float32(np.inf), scales)
    if divisors.shape[1] > 1 or block < columns:
        divisors = np.repeat(divisors, block, axis=1)[:, :columns]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return Stored(nearest(matrix / divisors, element), scales, block)


def in_blocks(
    matrix: np.ndarray, name: str, rule: str, tensor_maximum: float | None = None
) -> Stored:
    """A matrix of single precision in a format with a scale a block, under a scale grid. Of nvfp4
    with the largest magnitude of the tensor, or of all that share its scale."""
    layout = LAYOUTS[name]
    maxima = block_maxima(matrix, layout.block)
    if name == TWO_LEVEL:
        whole = global_scale(maxima.max() if tensor_maximum is None else tensor_maximum)
        stored_scales = block_scales_of_two(maxima, whole)
        scales = np.where(maxima == 0, np.float32(1), stored_scales / whole)
        found = store(matrix, scales, layout.block, layout.element)
        return replace(found, stored_scales=stored_scales, global_scale=whole)
    return store(matrix, block_scales(maxima, name, rule), layout.block, layout.element)


def block_maxima(matrix: np.ndarray, block: int) -> np.ndarray:
    """The largest magnitude of each block of a row; NaN where one is not finite."""
    rows, columns = matrix.shape
    blocks = -(-columns // block)
    magnitudes = np.zeros((rows, blocks * block), matrix.dtype)
    np.abs(matrix, out=magnitudes[:, :columns])
    maxima = magnitudes.reshape(rows, blocks, block).max(axis=2)
    return np.where(np.isfinite(maxima), maxima, np.float32(np.nan))


def block_scales(maxima: np.ndarray, name: str, rule: str) -> np.ndarray:
    """The scales of blocks by their largest magnitudes; 1 where that is 0, NaN where it is NaN."""
    made = _RULES[rule](np.where(maxima > 0, maxima, 1), LAYOUTS[name].element)
    return np.where(np.isnan(maxima), np.float32(np.nan), np.where(maxima == 0, 1, made)).astype(
        np.float32
    )


def global_scale(maximum: float) -> np.float32:
    """What nvfp4's scales of blocks are multiplied by before they are stored."""
    with np.errstate(divide="ignore", over="ignore"):
        scale = NVFP4_RANGE / np.float32(maximum)
    return np.float32(1) if maximum == 0 or np.isinf(scale) else scale


def block_scales_of_two(maxima: np.ndarray, whole: np.float32) -> np.ndarray:
    """nvfp4's scales of blocks as they are stored: e4m3, of which 0 makes zeros of its block."""
    with np.errstate(over="ignore", under="ignore"):
        wanted = whole * (maxima / np.float32(E2M1.largest))
    return nearest(np.minimum(wanted, np.float32(E4M3.largest)), E4M3)


def _exponents(maxima: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mantissas in [1, 2) and exponents."""
    mantissas, exponents = np.frexp(maxima.astype(np.float64))
    return mantissas * 2, exponents - 1


def _power(exponents: np.ndarray, element: Element) -> np.ndarray:
    limited = np.clip(exponents - element.largest_exponent, -E8M0_LIMIT, E8M0_LIMIT)
    return np.ldexp(1.0, limited)


def _e8m0_floor(maxima: np.ndarray, element: Element) -> np.ndarray:
    return _power(_exponents(maxima)[1], element)


def _e8m0_ceil(maxima: np.ndarray, element: Element) -> np.ndarray:
    mantissas, exponents = _exponents(maxima)
    return _power(exponents + (mantissas > element.largest / 2**element.largest_exponent), element)


def _rounded_power(maxima: np.ndarray, element: Element, mantissa_bits: int) -> np.ndarray:
    mantissas, exponents = _exponents(maxima)
    return _power(exponents + (mantissas + 2.0 ** -(mantissa_bits + 1) >= 2), element)


def _e8m0_even(maxima: np.ndarray, element: Element) -> np.ndarray:
    return _rounded_power(maxima, element, element.mantissa_bits)


def _e8m0_compressed_tensors(maxima: np.ndarray, element: Element) -> np.ndarray:
    return _rounded_power(maxima, element, 3 if element.bits == 6 else 1)


def _arbitrary(maxima: np.ndarray, element: Element) -> np.ndarray:
    free = (maxima.astype(np.float64) / element.largest).astype(np.float32)
    return np.maximum(free, LEAST_NORMAL)


def _bf16(maxima: np.ndarray, element: Element) -> np.ndarray:
    """The least one that is not below the free scale."""
    words = _arbitrary(maxima, element).view(np.uint32)
    return ((words + np.uint32(0xFFFF)) & np.uint32(0xFFFF0000)).view(np.float32)


_RULES = {
    "e8m0_floor": _e8m0_floor,
    "e8m0_ceil": _e8m0_ceil,
    "e8m0_even": _e8m0_even,
    "e8m0_compressed_tensors": _e8m0_compressed_tensors,
    "arbitrary": _arbitrary,
    "bf16": _bf16,
}
