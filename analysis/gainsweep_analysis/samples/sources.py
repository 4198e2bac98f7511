"""What samples are made of: NumPy's arrays, and IDX files such as those of MNIST."""

import gzip
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .content import SamplesError

IDX_BYTES = 0x08  # the type of their elements


def array(path: Path) -> np.ndarray:
    """Of a `.npy` file; what is not asked of it is not read."""
    found = _load(path, "r")
    if not isinstance(found, np.ndarray):
        raise SamplesError(f"{path}: it holds several arrays. Give it by --npz.")
    return found


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Of a `.npz` file, by name."""
    found = _load(path, None)
    if isinstance(found, np.ndarray):
        raise SamplesError(f"{path}: it holds one array without a name. Give it by --input NAME=.")
    with found:
        try:
            return {name: found[name] for name in found.files}
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise SamplesError(f"{path}: {error}. Write it anew by numpy.savez.") from None


def _load(path: Path, mapped: str | None):
    try:
        return np.load(path, mmap_mode=mapped, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SamplesError(
            f"{path}: it is no file of arrays ({str(error).splitlines()[0]}). Write it by "
            "numpy.save or numpy.savez, without pickled objects."
        ) from None


def idx(path: Path, rank: int) -> np.ndarray:
    """Bytes with `rank` axes of an IDX file, packed by gzip or not."""
    contents = path.read_bytes()
    if contents.startswith(b"\x1f\x8b"):
        try:
            contents = gzip.decompress(contents)
        except (OSError, EOFError, zlib.error) as error:
            raise SamplesError(f"{path}: {error}. Fetch it again.") from None
    head = 4 + 4 * rank
    if contents[:4] != bytes([0, 0, IDX_BYTES, rank]) or len(contents) < head:
        raise SamplesError(
            f"{path}: it is no IDX file of bytes with {rank} axes (it begins with "
            f"{contents[:4].hex(' ') or 'nothing'}). Give images and labels in this order."
        )
    shape = [int(extent) for extent in np.frombuffer(contents[4:head], ">u4")]
    values = np.frombuffer(contents[head:], np.uint8)
    if len(values) != int(np.prod(shape, dtype=object)):
        raise SamplesError(
            f"{path}: {len(values)} bytes for the shape {shape}. It is cut off: fetch it again."
        )
    return values.reshape(shape)
