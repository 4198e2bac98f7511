"""What two numbers of one name differ by, bit for bit."""

import numpy as np


def same(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal type, shape and bits; -0 is not 0, and a NaN equals itself."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.kind == "f":
        return a.astype("<f8").tobytes() == b.astype("<f8").tobytes()
    return bool(np.all(a == b))


def relative(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference relative to the larger magnitude; infinite where none can be told."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind not in "if" or b.dtype.kind not in "if":
        return 0.0 if same(a, b) else float("inf")
    if same(a, b) or not a.size:
        return 0.0
    a, b = a.astype(float), b.astype(float)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return float("inf")
    scale = np.maximum(np.abs(a), np.abs(b))
    return float(np.max(np.abs(a - b) / np.where(scale > 0, scale, 1)))
