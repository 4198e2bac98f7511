"""Folders of images as rows of bytes."""

from itertools import chain, zip_longest
from pathlib import Path

import numpy as np

from .content import SamplesError

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def listed(folder: Path) -> tuple[list[Path], np.ndarray | None]:
    """Images with their classes, the places of their sub-folders in sorted order. One of each
    class in turn, so that the first ones are of all classes. A folder without sub-folders has no
    classes."""
    if not folder.is_dir():
        raise SamplesError(f"{folder}: it is no folder. Give one that holds images.")
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    if not classes:
        return _within(folder), None
    numbered = [[(path, number) for path in _within(part)] for number, part in enumerate(classes)]
    turns = [pair for pair in chain(*zip_longest(*numbered)) if pair is not None]
    return [path for path, _ in turns], np.array([number for _, number in turns], np.int32)


def _within(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise SamplesError(f"{folder}: no image is in it ({', '.join(SUFFIXES)}). Add some.")
    return found


def read(paths: list[Path], size: int, shorter: int) -> np.ndarray:
    """[images, 3, size, size]: the shorter side resized to `shorter`, bilinear, and the centre of
    it, as torchvision does it."""
    try:
        from PIL import Image
    except ImportError:
        raise SamplesError(
            "images need the package pillow: pip install 'gainsweep_analysis[images]'."
        ) from None
    rows = np.empty((len(paths), 3, size, size), np.uint8)
    for row, path in zip(rows, paths, strict=True):
        try:
            with Image.open(path) as image:
                row[:] = _centre(image.convert("RGB"), size, shorter).transpose(2, 0, 1)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise SamplesError(f"{path}: {error}. Repair it, or leave it out.") from None
    return rows


def _centre(image, size: int, shorter: int) -> np.ndarray:
    least = min(image.size)
    sides = [shorter if side == least else int(shorter * side / least) for side in image.size]
    resized = image.resize(sides, resample=2)  # bilinear
    left, top = (round((side - size) / 2) for side in sides)
    return np.asarray(resized.crop((left, top, left + size, top + size)))
