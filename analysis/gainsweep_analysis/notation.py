"""Numbers as text."""

import math
from collections.abc import Iterable

from .statistics import Estimate

DASH = "–"
SMALLEST, LARGEST = 1e-6, 1e9  # what is printed in plain decimals
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
STEPS = {
    "byte": ("B", "kB", "MB", "GB", "TB"),
    "1": ("MAC", "kMAC", "MMAC", "GMAC", "TMAC"),
}


def significant(value: float | None, digits: int = 3, factor: float = 1) -> str:
    """A value times a factor to that many digits, in plain decimals where they are few; a dash for
    None."""
    if value is None or not math.isfinite(value):
        return DASH
    value *= factor
    if value == 0:
        return "0"
    if not SMALLEST <= abs(value) < LARGEST:
        return f"{value:.{digits - 1}e}"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    return f"{value:.{max(0, digits - 1 - exponent)}f}"


def plain(value: float) -> str:
    """A round number in decimals; with a power of ten where it would have many zeros."""
    if value == 0 or 1e-4 <= abs(value) < 1e5:
        return f"{value:.10g}"
    exponent = math.floor(math.log10(abs(value)) + 1e-9)
    factor = f"{value / 10.0**exponent:.3g}"
    power = "10" + str(exponent).translate(SUPERSCRIPTS)
    return power if factor == "1" else f"{factor}·{power}"


def fixed(value: float | None, digits: int) -> str:
    """With that many places; to three digits where the value is too large for decimals."""
    if value is None:
        return DASH
    return f"{value:.{digits}f}" if abs(value) < LARGEST else f"{value:.2e}"


def interval(estimate: Estimate | None, factor: float = 1) -> str:
    """`1.23 [1.10–1.41]`, to two significant digits of the interval's width; without an interval
    where there is no spread."""
    if estimate is None:
        return DASH
    width = (estimate.high - estimate.low) * factor
    if not math.isfinite(width) or width == 0:
        return significant(estimate.value, 3, factor)
    largest = max(abs(estimate.low), abs(estimate.high)) * factor
    bounds = (estimate.value, estimate.low, estimate.high)
    separator = ", " if estimate.low < 0 else "–"
    if not SMALLEST <= largest < LARGEST:
        value, low, high = (f"{bound * factor:.2e}" for bound in bounds)
        return f"{value} [{low}{separator}{high}]"
    places = min(1 - math.floor(math.log10(width)), 3 - math.floor(math.log10(largest)))
    value, low, high = (f"{bound * factor:.{max(0, places)}f}" for bound in bounds)
    return f"{value} [{low}{separator}{high}]"


def scaled_unit(amount: float, units: str) -> tuple[float, str]:
    """A factor and the unit that show an amount of the archive's `units` (byte, 1) with one to
    three digits before the point."""
    names = STEPS[units]
    step = int(math.log10(amount) // 3) if amount >= 1 else 0
    step = min(len(names) - 1, step)
    return 1000.0**-step, names[step]


def listed(names: Iterable[str]) -> str:
    """`a, b and c`."""
    names = list(names)
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
