"""Sample files, as the program reads them (docs/sample_files.md)."""

from pathlib import Path

import h5py
import numpy as np

from ..disk import whole
from .content import Samples

KIND = "samples"
CHUNK_BYTES = 1 << 20


def write(path: Path, samples: Samples, attributes: dict[str, str]) -> None:
    """The same bytes for the same samples, whenever they are written."""
    with whole(path) as partial, h5py.File(partial, "w") as file:
        file.attrs["kind"] = KIND
        for name, text in attributes.items():
            file.attrs[name] = text
        for name, found in samples.inputs.items():
            dataset = _put(file, f"inputs/{name}", found.values)
            if found.scale is not None:
                dataset.attrs["scale"], dataset.attrs["offset"] = found.scale, found.offset
        if samples.labels is not None:
            _put(file, "labels", samples.labels)
        if samples.offset is not None:
            _put(file, "offset", samples.offset)


def _put(file: h5py.File, name: str, values: np.ndarray) -> h5py.Dataset:
    """Reals are stored as the program takes them, fp32 at most. A chunk is some whole rows."""
    if values.dtype.kind == "f" and values.dtype.itemsize > 4:
        values = values.astype(np.float32)
    row_bytes = values.nbytes // len(values)
    rows = min(len(values), max(1, CHUNK_BYTES // row_bytes))
    return file.create_dataset(
        name,
        data=values,
        chunks=(rows, *values.shape[1:]),
        compression="gzip",
        compression_opts=9,
        shuffle=True,
        track_times=False,
    )
