"""Scales of operands, as losses are evaluated with them: a value is about its code times the
scale."""

import numpy as np

from . import grid
from .contents import Archive, Format
from .notation import DASH, significant
from .seal import ArchiveError

SMALLEST = float(np.finfo(np.float32).tiny)  # no scale is smaller


def records(archive: Archive) -> list[dict]:
    """A record an operand and low format; of a weight with a scale a channel, one a channel.
    `channel` is None of others, and the scale where it is made as the program runs or of a weight's
    least error, where blocks have their own alone, and where the operand stays high.
    """
    stored = _stored(archive)
    listed = []
    for place, operand in enumerate(archive.operands):
        op = archive.ops[operand.op]
        for low, format_ in enumerate(archive.formats[1:]):
            scales = [(None, float(stored[place, low]) or None)]
            if _by_channel(format_) and place in archive.weight_maxima:
                scales = list(enumerate(channel_scales(archive.weight_maxima[place], format_)))
            listed += [
                {
                    "op": op.path,
                    "module": op.module,
                    "operand": operand.name,
                    "role": operand.role,
                    "format": format_.name,
                    "channel": channel,
                    "scale": scale,
                }
                for channel, scale in scales
            ]
    return listed


def channel_scales(maxima: np.ndarray, format_: Format) -> list[float]:
    """In single precision, as the program makes them; 1 for a channel of zeros."""
    made = maxima / (format_.weight.largest * format_.weight.backoff)
    if format_.weight.scale_grid == "power_of_two":  # no other grid has scales a channel
        mantissa, exponent = np.frexp(made)
        made = np.ldexp(1.0, np.minimum(exponent - (mantissa == 0.5), 127))
    made = np.maximum(made.astype(np.float32), SMALLEST)
    return [float(scale) for scale in np.where(maxima == 0, 1, made)]


def _by_channel(format_: Format) -> bool:
    weight = format_.weight
    return weight.granularity == "channel" and weight.has_scale and weight.range == "max"


def _stored(archive: Archive) -> np.ndarray:
    if archive.scales is None:
        raise ArchiveError(
            f"{archive.path}: it has no table 'scales' (largest magnitudes were not all found)."
        )
    return archive.scales


def text(archive: Archive) -> str:
    """A line an operand, a column a low format; of scales a channel the largest."""
    stored = _stored(archive)
    paths = [archive.ops[operand.op].path for operand in archive.operands]
    names = [operand.name for operand in archive.operands]
    columns = [
        *(grid.flush_left(head, cells) for head, cells in {"op": paths, "operand": names}.items()),
        *(
            grid.Column("", format_.name, [_cell(scale) for scale in stored[:, low]])
            for low, format_ in enumerate(archive.formats[1:])
        ),
    ]
    lines = [f"{archive.provenance['name']}: scales of operands", "", *grid.lines(columns)[1:]]
    by_channel = [format_.name for format_ in archive.formats[1:] if _by_channel(format_)]
    if by_channel:
        lines += ["", f"{', '.join(by_channel)}: of weights the largest channel's (csv has all)"]
    lines.append(f"{DASH}: made as the program runs, of least error, of blocks alone, or high")
    return "\n".join(lines) + "\n"


def _cell(scale: float) -> str:
    return significant(scale, 4) if scale else DASH
