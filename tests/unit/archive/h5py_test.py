"""h5py reads archives that the program writes, and writes archives and sample files that it reads.

Usage: h5py_test.py ARCHIVE_SAMPLE. Exit code 77 (skipped) without h5py.
"""

import hashlib
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("h5py is not installed")
    sys.exit(77)

SEAL_SIZE = 512


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry(label: str, value: str) -> bytes:
    data = value.encode()
    return f"{label} {len(data)} ".encode() + data + b"\n"


def values_digest(dataset: h5py.Dataset) -> tuple[str, str]:
    """Type name and digest of the values."""
    if dataset.dtype.kind == "S":
        texts = [bytes(text) for text in np.asarray(dataset[()]).reshape(-1)]
        return "text", sha256(b"".join(f"{len(t)}:".encode() + t for t in texts))
    name = {"<f8": "float64", "<i8": "int64"}[dataset.dtype.str]
    return name, sha256(np.asarray(dataset[()]).tobytes())


def field_digest(dataset: h5py.Dataset) -> str:
    kind, values = values_digest(dataset)
    text = entry("name", dataset.name.rsplit("/", 1)[1]) + entry("type", kind)
    for extent in dataset.shape:
        text += entry("extent", str(extent))
    text += entry("units", dataset.attrs["units"]) + entry("long_name", dataset.attrs["long_name"])
    for axis in dataset.attrs["axes"]:
        text += entry("axis", axis)
    return sha256(text + entry("values", values))


def group_digest(group: h5py.Group) -> str:
    text = b""
    for name in sorted(set(group.attrs) - {"sha256"}, key=str.encode):
        text += entry("attribute", name) + entry("value", str(group.attrs[name]))
    for name in sorted(group, key=str.encode):
        if group.name != "/" or name != "measured":
            text += entry("child", name) + entry("sha256", group[name].attrs["sha256"])
    return sha256(text)


def digest(item) -> str:
    return group_digest(item) if isinstance(item, h5py.Group) else field_digest(item)


def check_seal(path: pathlib.Path) -> None:
    data = path.read_bytes()
    lines = data[:SEAL_SIZE].rstrip(b"\0").decode().splitlines()
    image = data[SEAL_SIZE:]
    assert lines == ["gainsweep archive", f"bytes {len(image)}", f"sha256 {sha256(image)}"], lines


def check_contents(file: h5py.File) -> None:
    assert file.attrs["schema"] == "gainsweep archive"
    assert file.attrs["schema_version"] == 2
    assert file["provenance"].attrs["model_digest"] == "a" * 64
    assert file["provenance/spec"].asstr()[()].startswith("schema: 2\n# τ ≤ 0.1\n")
    assert file["measured/machine"].attrs["host"] == "node-7"
    assert list(file["ops/op"].asstr()) == ["layers.0.q", "", "größe"]
    assert list(file["scores"]) == ["unit_key", "unit_order", "signed_error"]
    errors = file["scores/signed_error"]
    assert errors.shape == (2, 3) and errors[0, 2] == math.inf and math.isnan(errors[1, 1])
    assert list(errors.attrs["axes"]) == ["unit", "op"] and errors.attrs["units"] == "nat"
    assert file["edge/cases/scalar"][()] == 0.1
    assert file["edge/cases/no_texts"].shape == (2, 0)
    assert file["measured/latency/class_0/time"][1, 1] == 4e-3


def check_scales(file: h5py.File) -> None:
    errors = file["scores/signed_error"]
    assert [d.label for d in errors.dims] == ["unit", "op"]
    assert errors.dims[0][0] == file["scores/unit_key"]
    assert errors.dims[1][0] == file["op_3"]
    assert list(file["op_3"]) == [0, 1, 2]
    assert file["ops/macs"].dims[0][0] == file["ops/op"]
    times = file["measured/latency/class_0/time"]
    assert times.dims[1][0] == file["measured/repetition_2"]


def check_storage(name: str, item) -> None:
    assert item.attrs["sha256"] == digest(item), name
    if isinstance(item, h5py.Group):
        return
    assert {"units", "long_name", "axes"} <= set(item.attrs), name
    if item.shape and item.size:
        assert item.fletcher32 and item.chunks, name


def run(program: str, mode: str, path: pathlib.Path) -> str:
    return subprocess.run([program, mode, path], check=True, capture_output=True, text=True).stdout


def copy_group(source: h5py.Group, target: h5py.Group) -> None:
    """Writes a group anew with h5py's own defaults, without dimension scales."""
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            copy_group(item, target.create_group(name, track_order=True))
            continue
        dtype = h5py.string_dtype("utf-8", item.dtype.itemsize) if item.dtype.kind == "S" else None
        dataset = target.create_dataset(name, data=item[()], dtype=dtype)
        for key in ("units", "long_name"):
            dataset.attrs[key] = item.attrs[key]
        axes = np.array(list(item.attrs["axes"]), dtype=object)
        dataset.attrs.create("axes", axes, dtype=h5py.string_dtype())
        dataset.attrs["sha256"] = field_digest(dataset)
    for key in set(source.attrs) - {"sha256"}:
        target.attrs[key] = source.attrs[key]
    target.attrs["sha256"] = group_digest(target)


def seal(path: pathlib.Path) -> None:
    image = path.read_bytes()
    head = f"gainsweep archive\nbytes {len(image)}\nsha256 {sha256(image)}\n".encode()
    path.write_bytes(head.ljust(SEAL_SIZE, b"\0") + image)


def add_stray(file: h5py.File) -> None:
    """A dataset of no table, with digests that fit."""
    stray = file.create_dataset("stray", data=[1.0, 2.0, 3.0])
    stray.attrs["units"] = stray.attrs["long_name"] = ""
    axes = np.array(["op"], dtype=object)
    stray.attrs.create("axes", axes, dtype=h5py.string_dtype())
    stray.attrs["sha256"] = field_digest(stray)
    file.attrs["sha256"] = group_digest(file)


def check_samples(program: str, path: pathlib.Path) -> None:
    """Inputs of every type are read as NumPy converts and scales them."""
    draw = np.random.default_rng(5)
    types = ["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", ">u2", ">i4",
             "f2", "f4", "f8", ">f2", ">f4", ">f8"]  # fmt: skip
    numbers = {name: draw.uniform(0, 120, (5, 3, 4)) for name in types}
    inputs = {name: (found > 60 if name == "b1" else found).astype(name)
              for name, found in numbers.items()}  # fmt: skip
    expected = {name: found.astype(np.float32) if "f" in name else found.astype(np.int64)
                for name, found in inputs.items()}  # fmt: skip
    scales = {"one": (0.1, -0.3), "channels": (draw.uniform(0.001, 0.02, 3), draw.normal(size=3))}
    pixels = draw.integers(0, 256, (70, 3, 20, 20), np.uint8)
    for name, (scale, offset) in scales.items():
        inputs[name] = pixels
        scale, offset = (np.reshape(part, (-1, 1, 1)) for part in (scale, offset))
        expected[name] = (pixels * scale + offset).astype(np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["kind"] = "samples"
        for name, found in inputs.items():
            rows = np.resize(found, pixels.shape)
            expected[name] = np.resize(expected[name], pixels.shape)
            file.create_dataset(f"inputs/{name}", data=rows, compression="gzip")
        for name, parts in scales.items():
            file[f"inputs/{name}"].attrs["scale"], file[f"inputs/{name}"].attrs["offset"] = parts
    lines = run(program, "samples", path).splitlines()
    assert [line.split()[0] for line in lines] == sorted(inputs), lines[0]
    for line in lines:
        name, *shape, values = line.split(maxsplit=4)
        assert shape == [f"x{extent}" for extent in pixels.shape[1:]], name
        wanted = expected[name].view("i4" if expected[name].dtype == np.float32 else "i8")
        assert np.array_equal(np.array(values.split(), np.int64), wanted.reshape(-1)), name


def main(program: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check_samples(program, pathlib.Path(folder) / "samples.h5")
        ours = pathlib.Path(folder) / "ours.h5"
        print(run(program, "write", ours), end="")
        check_seal(ours)
        theirs = pathlib.Path(folder) / "theirs.h5"
        with h5py.File(ours) as file, h5py.File(theirs, "w", track_order=True) as copy:
            check_contents(file)
            check_scales(file)
            check_storage("/", file)
            file.visititems(check_storage)
            copy_group(file, copy)
        seal(theirs)
        assert run(program, "compare", theirs) == "", run(program, "compare", theirs)
        stray = pathlib.Path(folder) / "stray.h5"
        with h5py.File(ours) as file, h5py.File(stray, "w", track_order=True) as copy:
            copy_group(file, copy)
            add_stray(copy)
        seal(stray)
        assert "/stray: it is in no table" in run(program, "compare", stray)
        with h5py.File(theirs, "r+") as file:
            file["scores/signed_error"][0, 0] = 7.0
        assert "it is damaged or was altered" in run(program, "compare", theirs)


if __name__ == "__main__":
    main(sys.argv[1])
