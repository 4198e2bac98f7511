"""Tensors of Hugging Face folders: safetensors files, one or several with an index."""

import json
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..seal import ArchiveError

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
# Those that NumPy has no type for are kept as their bits.
TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16,
    "F8_E4M3": np.uint8, "F8_E5M2": np.uint8, "U8": np.uint8, "I8": np.int8, "I16": np.int16,
    "I32": np.int32, "I64": np.int64, "BOOL": np.uint8,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    kind: str  # as safetensors call types: BF16, F8_E4M3
    values: np.ndarray  # of TYPES

    def single(self) -> np.ndarray:
        """In single precision. ArchiveError for what is no number of at most that."""
        if self.kind == "BF16":
            return (self.values.astype(np.uint32) << 16).view(np.float32)
        if self.kind in ("F16", "F32"):
            return self.values.astype(np.float32)
        raise ArchiveError(f"a weight in {self.kind}; only BF16, F16 and F32 are quantised")


def bf16(values: np.ndarray) -> Tensor:
    """Single precision that bf16 holds exactly."""
    words = np.ascontiguousarray(values, np.float32).view(np.uint32)
    return Tensor("BF16", (words >> 16).astype(np.uint16))


def shards(folder: Path) -> list[str]:
    """The names of the files that hold a model's tensors."""
    index = folder / INDEX
    if index.exists():
        return sorted(set(json.loads(index.read_text())["weight_map"].values()))
    if (folder / SINGLE).exists():
        return [SINGLE]
    raise ArchiveError(f"{folder}: it has neither {SINGLE} nor {INDEX}. Name a model's folder.")


def read(path: Path) -> Iterator[tuple[str, Tensor]]:
    """The tensors of a file, which stays mapped while they live."""
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        (size,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + size])
        header.pop("__metadata__", None)
        for name, entry in header.items():
            first, last = (8 + size + place for place in entry["data_offsets"])
            kind = np.dtype(TYPES[entry["dtype"]])
            count = (last - first) // kind.itemsize
            values = np.frombuffer(data, kind, count, first).reshape(entry["shape"])
            yield name, Tensor(entry["dtype"], values)
    except (struct.error, ValueError, KeyError) as error:
        raise ArchiveError(f"{path}: no safetensors file ({error})") from error


def write(path: Path, tensors: dict[str, Tensor]) -> int:
    """A file of tensors by rising name; the bytes of their data."""
    header: dict = {"__metadata__": {"format": "pt"}}
    end = 0
    ordered = sorted(tensors.items())
    for name, tensor in ordered:
        first, end = end, end + tensor.values.nbytes
        shape = list(tensor.values.shape)
        header[name] = {"dtype": tensor.kind, "shape": shape, "data_offsets": [first, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, tensor in ordered:
            file.write(np.ascontiguousarray(tensor.values).data)
    return end
