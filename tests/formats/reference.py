"""Block-scaled number formats, written from their definitions: slow, exact, no magic numbers.

A grid is the list of its values by code, the nearest value is found among their midpoints, and
scales are integers and fractions. Sources: OCP Microscaling Formats (MX) 1.0 for mxfp8, mxfp6 and
mxfp4; NVIDIA's nvfp4 (e2m1 in blocks of 16, e4m3 scales, an fp32 scale per tensor); groups of
integers with symmetric codes.

    quantize(values, "mxfp4", "e8m0_floor")                     blocks along the last dimension
    quantize(values, "nvfp4", "e4m3", tensor_amax=values_amax)

Arrays of float32 give float32, those of float64 float64 (quotients and products; scales are made
of fp32(amax)).
"""

import dataclasses
import fractions
import itertools
import math

import numpy

FP32_LEAST_NORMAL = 2.0**-126


def floating_grid(exponent_bits, mantissa_bits, num_special_codes):
    """The values of codes 0, 1, …, without the last ones, which are NaN or infinite."""
    bias = 2 ** (exponent_bits - 1) - 1
    values = []
    for code in range(2 ** (exponent_bits + mantissa_bits) - num_special_codes):
        exponent, mantissa = divmod(code, 2**mantissa_bits)
        significand = mantissa if exponent == 0 else 2**mantissa_bits + mantissa
        values.append(math.ldexp(significand, max(exponent, 1) - bias - mantissa_bits))
    return values


@dataclasses.dataclass(frozen=True)
class NumberFormat:
    grid: list  # non-negative values; a value's index is its code
    mantissa_bits: int
    block: int
    scale_grids: tuple  # the first is the default

    @property
    def max(self):
        return self.grid[-1]

    @property
    def emax(self):
        return math.floor(math.log2(self.max))


E4M3 = floating_grid(4, 3, 1)
MX = ("e8m0_floor", "e8m0_ceil", "e8m0_even", "e8m0_compressed_tensors")

FORMATS = {
    "mxfp8_e4m3": NumberFormat(E4M3, 3, 32, MX),
    "mxfp8_e5m2": NumberFormat(floating_grid(5, 2, 4), 2, 32, MX),
    "mxfp6_e3m2": NumberFormat(floating_grid(3, 2, 0), 2, 32, MX),
    "mxfp6_e2m3": NumberFormat(floating_grid(2, 3, 0), 3, 32, MX),
    "mxfp4": NumberFormat(floating_grid(2, 1, 0), 1, 32, MX),
    "nvfp4": NumberFormat(floating_grid(2, 1, 0), 1, 16, ("e4m3",)),
}
for size in (32, 64, 128):
    FORMATS[f"int4_g{size}"] = NumberFormat(
        [float(i) for i in range(8)], 0, size, ("bf16", "arbitrary")
    )
    FORMATS[f"int8_g{size}"] = NumberFormat(
        [float(i) for i in range(128)], 0, size, ("bf16", "arbitrary")
    )


def midpoints(grid):
    """Of neighbours: doubles hold them exactly."""
    return [(below + above) / 2 for below, above in itertools.pairwise(grid)]


def nearest(grid, value):
    """The grid's value nearest to a finite one: ties to the even code, saturating, sign kept."""
    magnitude, code = abs(value), 0
    for midpoint in midpoints(grid):
        if magnitude > midpoint or (magnitude == midpoint and code % 2 == 1):
            code += 1
    return math.copysign(grid[code], value)


def floor_log2(value):
    return math.frexp(value)[1] - 1


def round_half_up(value, mantissa_bits):
    """A positive value to so many bits after its leading one."""
    unit = fractions.Fraction(2) ** (floor_log2(value) - mantissa_bits)
    return math.floor(fractions.Fraction(value) / unit + fractions.Fraction(1, 2)) * unit


def floor_log2_of_fraction(value):
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if fractions.Fraction(2) ** exponent <= value else exponent - 1


def e8m0(form, rule, amax):
    """The exponent of a block's scale."""
    if rule == "e8m0_ceil":
        exponent = floor_log2(amax) - form.emax
        if (
            fractions.Fraction(amax)
            > fractions.Fraction(form.max) * fractions.Fraction(2) ** exponent
        ):
            exponent += 1
    elif rule == "e8m0_floor":
        exponent = floor_log2(amax) - form.emax
    else:
        mantissa_bits = form.mantissa_bits
        if rule == "e8m0_compressed_tensors":
            mantissa_bits = 3 if form.max in (28, 7.5) else 1
        exponent = floor_log2_of_fraction(round_half_up(amax, mantissa_bits)) - form.emax
    return max(-127, min(127, exponent))


def up_to_bf16(value):
    """The least bf16 that is not below a positive float32."""
    word = int(numpy.float32(value).view(numpy.uint32))
    return numpy.uint32((word + 0xFFFF) & 0xFFFF0000).view(numpy.float32)


def of_group(form, rule, amax):
    """The scale of a group of integers: no subnormal one."""
    free = numpy.float32(max(float(numpy.float32(amax / form.max)), FP32_LEAST_NORMAL))
    return free if rule == "arbitrary" else up_to_bf16(free)


def global_scale(tensor_amax):
    """nvfp4's scale of a tensor: what block scales are multiplied by before they are stored."""
    with numpy.errstate(divide="ignore", over="ignore"):
        scale = numpy.float32(2688) / numpy.float32(tensor_amax)
    return numpy.float32(1) if tensor_amax == 0 or numpy.isinf(scale) else scale


def of_nvfp4(tensor_amax, amax):
    scale = global_scale(tensor_amax)
    with numpy.errstate(over="ignore", under="ignore"):
        wanted = scale * numpy.float32(numpy.float32(amax) / numpy.float32(6))
    stored = nearest(E4M3, float(min(wanted, numpy.float32(448))))
    return numpy.float32(stored) / scale


def block_scale(name, rule, amax, tensor_amax=None):
    """The scale that a block's elements are divided by; 0 where all of them become zero."""
    form = FORMATS[name]
    if amax == 0:
        return numpy.float32(1)
    if name == "nvfp4":
        return of_nvfp4(tensor_amax, amax)
    if rule in MX:
        return numpy.float32(math.ldexp(1, e8m0(form, rule, amax)))
    return of_group(form, rule, amax)


def quantize_block(block, name, rule, tensor_amax=None):
    """A block to the nearest numbers that its format can store."""
    if not numpy.isfinite(block).all():
        return numpy.full_like(block, numpy.nan)
    scale = block_scale(name, rule, float(numpy.float32(numpy.abs(block).max())), tensor_amax)
    if scale == 0:
        return numpy.copysign(numpy.zeros_like(block), block)
    scale = block.dtype.type(scale)
    with numpy.errstate(over="ignore", under="ignore"):
        quotients = block / scale
        elements = [nearest(FORMATS[name].grid, float(quotient)) for quotient in quotients]
        return numpy.array(elements, block.dtype) * scale


def quantize(values, name, rule, tensor_amax=None):
    """Blocks along the last dimension from its start; the last one of a row may be shorter."""
    size = FORMATS[name].block
    result = numpy.empty_like(values)
    rows, results = values.reshape(-1, values.shape[-1]), result.reshape(-1, values.shape[-1])
    for row, out in zip(rows, results, strict=True):
        for first in range(0, len(row), size):
            out[first : first + size] = quantize_block(
                row[first : first + size], name, rule, tensor_amax
            )
    return result
