"""The program's layout of tables, texts and seal, by h5py."""

import hashlib
from pathlib import Path

import h5py
import numpy as np

TEXT_LIMIT = 256


class Writer:
    """Writes the tables of one point of a sweep; those of the second and later ones as variants."""

    def __init__(self, file, point=0):
        self.file = file
        self.point = point

    def table(self, path, fields, measured=False):
        top = self.file.require_group("measured") if measured else self.file
        group = top.require_group(f"variants/{self.point}/{path}" if self.point else path)
        rows = len(fields[0][1])
        axis = fields[0][3][0]
        self.fill(group, path, [*fields, ("points", [str(self.point)] * rows, "", [axis])])

    def fill(self, group, long_name, fields):
        group.attrs["long_name"] = long_name
        for name, values, units, axes in fields:
            values = np.asarray(values)
            if values.dtype.kind in "UO":
                size = max([1, *(len(str(v).encode()) for v in values.ravel())])
                encoded = np.array([str(v).encode() for v in values.ravel()], dtype=f"S{size}")
                values = encoded.reshape(values.shape)
                text = h5py.string_dtype("utf-8", size)
                dataset = group.create_dataset(name, data=values.astype(text))
            else:
                dataset = group.create_dataset(name, data=values)
            dataset.attrs["units"] = units
            dataset.attrs["long_name"] = name
            dataset.attrs["axes"] = np.array(axes, dtype=h5py.string_dtype())

    def units(self, path, fields, count, measured=False):
        keys = [hashlib.sha256(f"{path}{i}".encode()).hexdigest() for i in range(count)]
        own = [("unit_key", keys, "", ["unit"]), ("unit_order", range(count), "1", ["unit"])]
        rest = [(name, values, units, ["unit", *axes]) for name, values, units, axes in fields]
        self.table(path, own + rest, measured)

    def texts(self, path, texts):
        group = self.file.require_group(path)
        for key, value in texts.items():
            if len(value.encode()) < TEXT_LIMIT:
                group.attrs[key] = value
            else:
                group[key] = np.array(value.encode(), dtype=f"S{len(value.encode())}")


def seal(path: Path):
    """Fills the block before the HDF5 part as the program does."""
    data = path.read_bytes()
    image = data[512:]
    digest = hashlib.sha256(image).hexdigest()
    text = f"gainsweep archive\nbytes {len(image)}\nsha256 {digest}\n"
    path.write_bytes(text.encode().ljust(512, b"\0") + image)
