"""Token files, as the program reads them (docs/token_files.md)."""

from pathlib import Path

import h5py
import numpy as np

from ..disk import whole
from .packing import Stream, is_plain
from .problem import TokensError


def write(
    path: Path, stream: Stream, part: list[tuple[int, int]], length: int, attributes: dict
) -> None:
    """Windows that follow one another are one stream; other samples stand one after the other with
    their offsets."""
    plain = is_plain(part, length)
    spans = [(part[0][0], part[-1][1])] if plain else part
    datasets = {"tokens": np.concatenate([stream.ids[first:end] for first, end in spans])}
    counts = np.concatenate([stream.counts[first:end] for first, end in spans])
    if not plain:
        datasets["samples/offset"] = offsets([end - first for first, end in part])
    if not counts.all():
        datasets["mask"] = counts.astype(np.uint8)
    write_hdf5(path, datasets, attributes)


def offsets(sizes: list[int]) -> np.ndarray:
    """Where pieces of these sizes begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def write_hdf5(path: Path, datasets: dict[str, np.ndarray], attributes: dict) -> None:
    """A file that is there whole or not at all. TokensError where one is there already."""
    if path.exists():
        raise TokensError(f"{path}: it is there already. Name another file by --out.")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial, h5py.File(partial, "w") as file:
        for name, values in datasets.items():
            file[name] = values
        for name, value in attributes.items():
            file.attrs[name] = value
