#!/usr/bin/env python3
"""Writes the tables that the C++ tests of block formats read.

tests/formats/golden.py FOLDER

FOLDER is tests/unit/format; the files are golden_blocks.txt and golden_blocks_fp64.txt. A line that
does not begin with # is an input row and what becomes of it, separated by " : "; words are
separated by single blanks:

    WORD… : FORMAT SCALE_GRID,… AMAX WORD… : FORMAT …

WORD: the bits of a number in hexadecimal (8 digits: fp32, 16: fp64), or `nan`: any NaN. The results
hold for each of the scale grids named; blocks run along the row from its start, and the last one
may be shorter. AMAX: the tensor's largest magnitude as bits of fp32 where the format has a scale of
the tensor, else -.

Deterministic: the same file every time, whatever the machine.
"""

import pathlib
import sys

import numpy
from reference import FORMATS, midpoints, quantize

SEED = 13
NAN, INFINITY = float("nan"), float("inf")
LARGEST = float(numpy.finfo(numpy.float32).max)
LEAST = 2.0**-149


def words(values):
    kind, digits = (numpy.uint32, 8) if values.dtype == numpy.float32 else (numpy.uint64, 16)
    return " ".join(
        "nan" if numpy.isnan(value) else f"{int(word):0{digits}x}"
        for value, word in zip(values, values.view(kind), strict=True)
    )


class Table:
    """A file while it is made."""

    def __init__(self, dtype):
        self.dtype, self.rows = dtype, {}

    def add(self, values, name, rules=None, tensor_amax=None):
        """What a row becomes in a format, with each of its scale grids."""
        values = numpy.asarray(values).astype(self.dtype)
        if name == "nvfp4" and tensor_amax is None:
            finite = numpy.abs(values[numpy.isfinite(values)])
            tensor_amax = finite.max() if len(finite) else 0
        amax = None if tensor_amax is None else numpy.float32(tensor_amax)
        lines = self.rows.setdefault(words(values), {})
        word = "-" if amax is None else words(numpy.array([amax]))
        for rule in rules or FORMATS[name].scale_grids:
            rules_alike = lines.setdefault(
                (name, word, words(quantize(values, name, rule, amax))), {}
            )
            rules_alike[rule] = None

    def text(self):
        lines = [
            f"# {self.dtype.__name__}. Made by tests/formats/golden.py, which tells the layout."
        ]
        for row, results in self.rows.items():
            parts = [
                f"{name} {','.join(rules)} {amax} {result}"
                for (name, amax, result), rules in results.items()
            ]
            lines.append(" : ".join([row, *parts]))
        return "\n".join(lines) + "\n"


def neighbours(values):
    """Numbers of fp32 with those next to them."""
    values = numpy.asarray(values, numpy.float32)
    up, down = (
        numpy.nextafter(values, numpy.float32(numpy.inf)),
        numpy.nextafter(values, numpy.float32(-numpy.inf)),
    )
    return numpy.unique(numpy.concatenate([values, up, down]))


def signed(values):
    """Every second number negative."""
    values = numpy.array(values)
    values[1::2] = -values[1::2]
    return values


def roundings(table, name, exponents):
    """All values of a grid, all midpoints and what is next to them, at scales 2^exponent."""
    form = FORMATS[name]
    anchor = 2.0**form.emax if "e8m0_floor" in form.scale_grids else form.max
    for exponent in exponents:
        scale = 2.0**exponent
        points = neighbours(numpy.array(form.grid + midpoints(form.grid)) * scale)
        points = signed(points[(points >= 0) & (points <= numpy.float32(form.max * scale))])
        room = form.block - 1
        row = []
        for first in range(0, len(points), room):
            row += [anchor * scale, *points[first : first + room]]
        table.add(row, name, form.scale_grids[:1] if name != "nvfp4" else None)


def thresholds(form):
    """Largest magnitudes in [1, 2) where some rule changes its mind."""
    halves = [2 - 2.0 ** -(bits + 1) for bits in (1, 2, 3)]
    return neighbours([1, 1.25, form.max / 2.0**form.emax, *halves, 2 - 2.0**-23])


def scales(table, name):
    """Short blocks with largest magnitudes where scale rules differ and where exponents end."""
    form = FORMATS[name]
    for exponent in (0, 15):
        for amax in thresholds(form):
            table.add(numpy.array([-0.3, amax, 0.7]) * 2.0**exponent, name)
    for exponent in (-127 + form.emax, -126 + form.emax, 127):
        for amax in (1, form.max / 2.0**form.emax, 2 - 2.0**-23):
            table.add(numpy.array([-0.3, 0.0313]) * 2.0**exponent, name)
            table.add(numpy.array([0.3, -amax, 0.0313]) * 2.0**exponent, name)
    for amax in (LEAST, 3 * LEAST, 2.0**-127, 2.0**-126, LARGEST):
        table.add(numpy.array([amax, -amax / 3, LEAST, -0.0]), name)


def specials(table, name, random):
    """Zeros, NaN, infinities, in whole blocks, remainders and beside each other."""
    size = FORMATS[name].block
    table.add([0.0, -0.0, 0.0], name)
    row = random.standard_normal(3 * size + 5)
    row[1], row[size : 2 * size], row[2 * size + 3], row[-2] = -0.0, 0.0, NAN, -INFINITY
    row[size + 1] = -0.0
    if size < 100:
        table.add(row, name)
    for length in (1, size - 1, size, size + 1):
        table.add(random.standard_normal(length), name)
    for special in (NAN, -NAN, INFINITY, -INFINITY):
        table.add([1, special, -0.0], name)


def binades(table, name, random, span, count):
    """Random numbers over many binades, each block around a binade of its own."""
    size = FORMATS[name].block
    centres = numpy.repeat(random.uniform(-span, span, count), size)
    row = random.standard_normal(count * size) * 2.0 ** (
        centres + random.uniform(-12, 2, count * size)
    )
    table.add(row, name)


def tensors_of_nvfp4(table, random):
    """Scales of nvfp4 at the ends: blocks' zero, subnormal, saturated; tensors' too."""
    block = signed(numpy.abs(random.standard_normal(6)) + 0.01)
    block /= numpy.abs(block).max()
    for factor in (
        1e-9,
        2.0**-19,
        2.0**-18.6,
        2.0**-18,
        2.0**-17,
        2.0**-16.5,
        2.0**-15,
        2.0**-12,
        0.3,
        1,
        1.5,
        100,
    ):
        table.add(block * factor, "nvfp4", tensor_amax=1)
        table.add(block * factor * 1e-30, "nvfp4", tensor_amax=1e-30)
    for factor in neighbours([2.0**-10 * 6 / 2688, 3 * 2.0**-10 * 6 / 2688, 17 / 16 * 6 / 2688, 1]):
        table.add([factor, factor / 3, -factor / 5], "nvfp4", tensor_amax=1)
    for tensor_amax in (0, LEAST, 2.0**-126, 7e-36, 8e-36, 1e-20, 1e20, LARGEST):
        for amax in (tensor_amax, 1, LARGEST):
            table.add(
                numpy.array([amax, -amax / 3, amax / 20, -0.0]), "nvfp4", tensor_amax=tensor_amax
            )
    for _ in range(20):
        row = random.standard_normal(16) * 2.0 ** random.uniform(-15, 0)
        table.add(row, "nvfp4", tensor_amax=numpy.abs(row).max() * 2.0 ** random.uniform(-1, 12))


def rows_for(form):
    """The same random rows for all formats of a block's size, which are then written once."""
    return numpy.random.Generator(numpy.random.PCG64([SEED, form.block]))


def table_of_fp32():
    table = Table(numpy.float32)
    for name, form in FORMATS.items():
        random = rows_for(form)
        if "e8m0_floor" in form.scale_grids:
            roundings(
                table,
                name,
                (0, -127, 97) if form.mantissa_bits * len(form.grid) < 200 else (0, -127),
            )
        elif name in ("nvfp4", "int4_g32", "int8_g32"):
            roundings(table, name, (0,))
        scales(table, name)
        specials(table, name, random)
        binades(table, name, random, 100, 4 if form.block < 64 else 1)
    tensors_of_nvfp4(table, rows_for(FORMATS["nvfp4"]))
    return table


def table_of_fp64():
    """Largest magnitudes that fp32 holds, everything else in all bits of fp64."""
    table = Table(numpy.float64)
    for name, form in FORMATS.items():
        random = rows_for(form)
        row = random.standard_normal(2 * form.block if form.block < 64 else form.block // 4)
        for first in range(0, len(row), form.block):
            block = row[first : first + form.block]
            block[numpy.abs(block).argmax()] = numpy.float32(numpy.abs(block).max() + 0.01)
        table.add(row, name)
        anchor = 2.0**form.emax
        close = numpy.array(midpoints(form.grid)[: form.block - 1])
        close = close[close < anchor] * (1 + 2.0**-50)
        table.add([anchor, *signed(close)], name)
    return table


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    (folder / "golden_blocks.txt").write_text(table_of_fp32().text())
    (folder / "golden_blocks_fp64.txt").write_text(table_of_fp64().text())


if __name__ == "__main__":
    main()
