"""compressed-tensors' quantise-dequantise and scale rules against this project's.

agreement.py [--count N]     scripts/check-formats runs it in an environment that has both

Of every format that compressed-tensors knows: N random and edge values, bit for bit at equal
scales; then its scale of every block against each of our scale grids. A line for each comparison;
exit code 1 where something differs that is not named in `KNOWN`.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))

from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import fake_quantize
from compressed_tensors.quantization.utils import calculate_qparams, generate_gparam
from gainsweep_analysis import rounding

COLUMNS = 4096
MX = {"strategy": "group", "group_size": 32, "scale_dtype": torch.uint8, "type": "float"}
NVFP4 = {"strategy": "tensor_group", "group_size": 16, "scale_dtype": torch.float8_e4m3fn}
ARGUMENTS = {
    "mxfp8_e4m3": {"num_bits": 8, **MX},
    "mxfp6_e2m3": {"num_bits": 6, **MX},
    "mxfp4": {"num_bits": 4, **MX},
    "nvfp4": {"num_bits": 4, "type": "float", **NVFP4},
    **{
        f"int{bits}_g{size}": {
            "num_bits": bits,
            "type": "int",
            "strategy": "group",
            "group_size": size,
        }
        for bits in (4, 8)
        for size in (32, 64, 128)
    },
}
FLOOR = "it raises a scale where the largest magnitude would round up to the next power of two"
KNOWN = {
    ("mxfp8_e4m3", "e8m0_floor"): f"{FLOOR}, to 1 bit",
    (
        "mxfp8_e4m3",
        "e8m0_ceil",
    ): "it also raises a scale where the largest magnitude is 448 times it",
    ("mxfp8_e4m3", "e8m0_even"): "it rounds to 1 bit, the element has 3",
    ("mxfp6_e2m3", "e8m0_floor"): f"{FLOOR}, to 3 bits",
    ("mxfp6_e2m3", "e8m0_ceil"): "it lets elements saturate that round to the largest",
    ("mxfp4", "e8m0_floor"): f"{FLOOR}, to 1 bit",
    ("mxfp4", "e8m0_ceil"): "it lets elements saturate that round to the largest",
    **{
        (f"int{bits}_g{size}", rule): f"it divides by {2**bits - 1}/2, not by {2 ** (bits - 1) - 1}"
        + (", and rounds to nothing coarser than the tensor's type" if rule == "bf16" else "")
        for bits in (4, 8)
        for size in (32, 64, 128)
        for rule in ("bf16", "arbitrary")
    },
}
LEAST = 100_000  # values of a format
UNBOUNDED = ["inf", "-inf"]  # of nvfp4
RULES = {
    "mx": ("e8m0_floor", "e8m0_ceil", "e8m0_even", "e8m0_compressed_tensors"),
    "nv": ("e4m3",),
    "in": ("bf16", "arbitrary"),
}


def values(element, block, count, random):
    """Rows of single precision: random numbers about their block's binade; then the grid's values
    and midpoints, and what lies next to them, under scales that are powers of two."""
    rows = -(-count // COLUMNS) - 2
    binades = np.repeat(random.uniform(-20, 20, (rows, COLUMNS // block)), block, axis=1)
    drawn = random.standard_t(4, (rows, COLUMNS)) * 2.0**binades
    drawn[random.random(drawn.shape) < 0.01] = 0
    drawn[0, : 4 * block] = 0
    points = np.concatenate([element.values, (element.values[1:] + element.values[:-1]) / 2])
    points = points.astype(np.float32)
    close = np.concatenate([points, np.nextafter(points, -1e9), np.nextafter(points, 1e9)])
    edge = np.resize(close, 2 * COLUMNS).astype(np.float32)
    edge[::block] = element.largest
    edge *= np.resize([1, -1], edge.shape)
    edge[COLUMNS:] *= 2.0**-90
    return np.concatenate([drawn.astype(np.float32), edge.reshape(2, COLUMNS)])


def differing(ours, theirs):
    """Bits that differ, those of NaN and the sign of zero set aside."""
    unequal = ours.view(np.uint32) != theirs.view(np.uint32)
    unequal &= ~(np.isnan(ours) & np.isnan(theirs))
    zeros = unequal & (ours == 0) & (theirs == 0)
    return int(np.count_nonzero(unequal & ~zeros)), int(np.count_nonzero(zeros))


def theirs_at(matrix, stored, arguments):
    """Its quantise-dequantise at our scales; a scale of 0 is 0.125 there."""
    whole = None if stored.global_scale is None else torch.tensor([stored.global_scale])
    scales = stored.scales if whole is None else stored.stored_scales
    if whole is not None:
        scales = np.where(scales == 0, np.float32(0.125), scales)
    scale = torch.from_numpy(np.ascontiguousarray(scales, np.float32))
    result = fake_quantize(torch.from_numpy(matrix), scale, None, arguments, global_scale=whole)
    return result.numpy()


def their_scales(maxima, arguments, whole):
    """Its scales of blocks, as they are stored."""
    high = torch.from_numpy(maxima)
    given = None if whole is None else torch.tensor([whole])
    return calculate_qparams(-high, high, arguments, global_scale=given)[0].float().numpy()


def compare_elements(name, arguments, matrix, report):
    rule = RULES[name[:2]][0]
    stored = rounding.in_blocks(matrix, name, rule)
    bits, signs = differing(stored.values(), theirs_at(matrix, stored, arguments))
    note = f" (of {signs} zeros it drops the sign)" if signs else ""
    report(f"{name}: {matrix.size} values at equal scales: {bits} differ{note}", bits == 0)


def compare_unbounded(name, arguments, report):
    """Blocks that hold a NaN or an infinity, which are NaN throughout here."""
    block, special = rounding.LAYOUTS[name].block, (np.nan, np.inf, -np.inf)
    matrix = np.ones((1, len(special) * block), np.float32)
    matrix[0, ::block] = special
    high = torch.from_numpy(np.abs(matrix).reshape(1, -1, block).max(axis=2))
    whole = torch.ones(1) if name == rounding.TWO_LEVEL else None
    scale = calculate_qparams(-high, high, arguments, global_scale=whole)[0]
    theirs = fake_quantize(torch.from_numpy(matrix), scale, None, arguments, global_scale=whole)
    good = np.isnan(theirs.numpy()).reshape(-1, block).all(axis=1)
    odd = [f"{v}" for v, same in zip(special, good, strict=True) if not same]
    named = ("; there the scale saturates, and the others become 0",) if odd == UNBOUNDED else ()
    text = f"{name}: blocks with NaN, inf, -inf: {len(odd)} are not NaN throughout" + "".join(named)
    report(text, not odd or (name == rounding.TWO_LEVEL and bool(named)))


def compare_scales(name, arguments, matrix, report):
    block = rounding.LAYOUTS[name].block
    maxima = rounding.block_maxima(matrix, block)
    used = maxima > 0
    if name == rounding.TWO_LEVEL:
        whole = rounding.global_scale(maxima.max())
        same = whole == generate_gparam(torch.tensor(-maxima.max()), torch.tensor(maxima.max()))
        report(f"{name}: the scale of the tensor: {'equal' if same else 'differs'}", bool(same))
        made = their_scales(maxima, arguments, whole)
        ours = rounding.block_scales_of_two(maxima, whole)
        made = np.where((ours == 0) & (made == 0.125), 0, made)  # both make zeros of the block
        _report_scales(name, "e4m3", ours[used] != made[used], report)
        return
    made = their_scales(maxima, arguments, None)
    for rule in RULES[name[:2]]:
        ours = rounding.block_scales(maxima, name, rule)
        _report_scales(name, rule, ours[used] != made[used], report)


def _report_scales(name, rule, unequal, report):
    count = int(np.count_nonzero(unequal))
    why = KNOWN.get((name, rule))
    text = f"{name}: {rule}: {count} of {unequal.size} blocks have another scale"
    report(text + (f" ({why})" if count and why else ""), count == 0 or why is not None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1_000_000, help="values of each format")
    options = parser.parse_args()
    if options.count < LEAST:
        parser.error(
            f"--count: {options.count} values leave no room for edge cases; at least {LEAST}"
        )
    failures = []

    def report(text, good):
        print(text if good else f"{text}  <-- NOT NAMED")
        failures.extend([] if good else [text])

    for name, described in ARGUMENTS.items():
        arguments = QuantizationArgs(symmetric=True, dynamic=False, **described)
        layout = rounding.LAYOUTS[name]
        matrix = values(layout.element, layout.block, options.count, np.random.default_rng(1))
        compare_elements(name, arguments, matrix, report)
        compare_scales(name, arguments, matrix, report)
        compare_unbounded(name, arguments, report)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
