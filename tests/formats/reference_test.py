"""The reference against torch and the standard's tables; the C++ tests' tables against it."""

import math
import sys
from pathlib import Path

import golden
import numpy
import pytest
import reference

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "analysis"))


@pytest.mark.parametrize(
    "name, grid",
    [("float8_e4m3fn", reference.E4M3), ("float8_e5m2", reference.FORMATS["mxfp8_e5m2"].grid)],
)
def test_grids_of_eight_bits_are_torchs(name, grid):
    torch = pytest.importorskip("torch")
    codes = torch.arange(len(grid), dtype=torch.uint8).view(getattr(torch, name))
    assert codes.float().tolist() == grid
    assert not math.isfinite(
        torch.tensor([len(grid)], dtype=torch.uint8).view(getattr(torch, name)).float()
    )


@pytest.mark.parametrize("name, values", [
    ("mxfp4", [0, 0.5, 1, 1.5, 2, 3, 4, 6]),
    ("mxfp6_e2m3", [*(i / 8 for i in range(16)), *(i / 4 for i in range(8, 16)),
                    *(i / 2 for i in range(8, 16))]),
    ("mxfp6_e3m2", [*(i / 16 for i in range(4)),
                    *(2.0**e * (1 + i / 4) for e in range(-2, 5) for i in range(4))]),
])  # fmt: skip
def test_grids_of_few_bits_are_those_of_the_standard(name, values):
    """OCP MX 1.0, tables 3 to 5."""
    assert reference.FORMATS[name].grid == values


def test_roundings_of_eight_bits_are_torchs():
    torch = pytest.importorskip("torch")
    values = numpy.random.default_rng(1).standard_normal(2000).astype(numpy.float32) * 100
    expected = torch.from_numpy(values).to(torch.float8_e4m3fn).float().numpy()
    assert [
        reference.nearest(reference.E4M3, float(value)) for value in values
    ] == expected.tolist()


@pytest.mark.parametrize("rule, amax, exponent", [
    ("e8m0_floor", 6.0, 0), ("e8m0_floor", 7.99, 0), ("e8m0_floor", 8.0, 1),
    ("e8m0_floor", 2.0**-149, -127), ("e8m0_floor", 2.0**127, 125),
    ("e8m0_ceil", 6.0, 0), ("e8m0_ceil", 6.01, 1), ("e8m0_ceil", 3.0, -1),
    ("e8m0_ceil", 1.6 * 2.0**127, 126),
    ("e8m0_even", 6.99, 0), ("e8m0_even", 7.0, 1), ("e8m0_compressed_tensors", 7.0, 1),
])  # fmt: skip
def test_scales_of_mxfp4_by_hand(rule, amax, exponent):
    assert reference.e8m0(reference.FORMATS["mxfp4"], rule, amax) == exponent


def test_rules_of_scales_differ_where_they_are_said_to():
    form = reference.FORMATS["mxfp8_e4m3"]
    exponents = {rule: reference.e8m0(form, rule, 1.76 * 2**8) for rule in form.scale_grids}
    assert exponents == {
        "e8m0_floor": 0,
        "e8m0_ceil": 1,
        "e8m0_even": 0,
        "e8m0_compressed_tensors": 1,
    }


@pytest.mark.parametrize(
    "name, table",
    [("golden_blocks", golden.table_of_fp32), ("golden_blocks_fp64", golden.table_of_fp64)],
)
def test_tables_of_the_unit_tests_are_the_references(name, table):
    assert (ROOT / f"tests/unit/format/{name}.txt").read_text() == table().text()


def rows_of(table):
    """Input rows of a table with every format, scale grid, largest magnitude and result."""
    for row, results in table.rows.items():
        for (name, amax, result), rules in results.items():
            for rule in rules:
                yield numbers(row), name, rule, numbers(amax)[0], numbers(result)


def numbers(text):
    """Bits of single precision as numbers, NaN for what is none."""
    digits = ["7fc00000" if word in ("nan", "-") else word for word in text.split()]
    return numpy.array([int(word, 16) for word in digits], numpy.uint32).view(numpy.float32)


def test_the_analysis_stores_weights_so():
    rounding = pytest.importorskip("gainsweep_analysis.rounding")
    for row, name, rule, amax, expected in rows_of(golden.table_of_fp32()):
        tensor_maximum = None if numpy.isnan(amax) else amax
        got = rounding.in_blocks(row[None], name, rule, tensor_maximum).values()[0]
        same = got.view(numpy.uint32) == expected.view(numpy.uint32)
        assert (same | (numpy.isnan(got) & numpy.isnan(expected))).all(), (name, rule, row)
