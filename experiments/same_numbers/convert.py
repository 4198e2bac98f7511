"""An archive in the layout of a later program: what was renamed, and nothing else."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

SEAL_SIZE = 512


@dataclass(frozen=True)
class Changes:
    """From one layout to the next. A path is that of a table or a field, without `measured/`."""

    layout: int | None = None  # as it was
    schema: int | None = None
    moved_keys: dict[str, str] = field(default_factory=dict)  # of specs, section.key or key
    gone_keys: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)  # tables and fields, whole paths
    gone: frozenset[str] = frozenset()
    # Text columns with one value: table (a regular expression), name, value, long name.
    added: tuple[tuple[str, str, str, str], ...] = ()

    def key(self, path: str) -> str:
        return self.moved_keys.get(path, path)

    def path(self, path: str) -> str:
        """A table or field under its new name."""
        start, _, name = path.rpartition("/")
        own = self.renamed.get(path)
        return own if own else f"{self.path(start)}/{name}" if start else path

    def numbers(self, found: dict) -> dict:
        """Numbers by name under the names that they have now."""
        renamed = {}
        for name, value in found.items():
            if name in self.gone:
                continue
            renamed[self.path(name)] = value
        return renamed

    def spec(self, text: str) -> str:
        """A resolved spec, a key a line in two levels, with its keys where they are now."""
        kept: list[str] = []
        top: list[str] = []
        section = ""
        for line in text.splitlines():
            if indented := re.match(r"  (\w+):", line):
                path = f"{section}.{indented[1]}"
                if path in self.gone_keys:
                    continue
                if path in self.moved_keys:
                    top.append(f"{self.moved_keys[path]}:{line.split(':', 1)[1]}")
                    continue
            elif named := re.match(r"(\w+):", line):
                section = named[1]
            if self.schema is not None:
                line = re.sub(r"^schema: .*", f"schema: {self.schema}", line)
            kept.append(line)
        # A section whose keys all moved is none any more.
        bare = [
            i
            for i, line in enumerate(kept)
            if re.fullmatch(r"\w+:", line)
            and not (i + 1 < len(kept) and kept[i + 1].startswith((" ", "-")))
        ]
        return "\n".join([line for i, line in enumerate(kept) if i not in bare] + top) + "\n"


NO_CHANGES = Changes()

# From the program before the batch engine was a noun of its own (commit 0270583) to this one.
CHANGES = Changes(
    layout=2,
    schema=2,
    moved_keys={"latency.device": "device"},
    gone_keys=frozenset({"sensitivity.noise"}),
    renamed={},
    gone=frozenset(),
    added=(("(latency/.*|evaluations/times)", "host", "unknown", "Machine that measured"),),
)


def convert(source: Path, target: Path, changes: Changes) -> None:
    """Writes a copy with other names, specs and layout version, and with digests and seal anew."""
    with (
        h5py.File(source) as old,
        h5py.File(target, "w", track_order=True) as new,
    ):
        _copy_group(old, new, changes)
    _seal(target)


def _copy_group(source: h5py.Group, target: h5py.Group, changes: Changes) -> None:
    for item in source.values():
        path = _path_of(item)
        if path in changes.gone:
            continue
        renamed = changes.path(path).rsplit("/", 1)[-1]
        if isinstance(item, h5py.Group):
            _copy_group(item, target.create_group(renamed, track_order=True), changes)
        else:
            _copy_field(item, target, renamed, changes)
    for key in set(source.attrs) - {"sha256"}:
        target.attrs[key] = source.attrs[key]
    if source.name == "/" and changes.layout is not None:
        target.attrs["schema_version"] = np.int64(changes.layout)
    _add_columns(source, target, changes)
    target.attrs["sha256"] = _group_digest(target)


def _path_of(item: h5py.HLObject) -> str:
    """As tables are called: without the groups `measured` and `variants/<k>`."""
    return re.sub(r"^variants/\d+/", "", item.name.strip("/").removeprefix("measured/"))


def _copy_field(item: h5py.Dataset, group: h5py.Group, name: str, changes: Changes) -> None:
    values = item[()]
    if item.name == "/points/spec_resolved":
        values = _encoded([changes.spec(text) for text in item.asstr()[()]])
    if item.name == "/points/spec_digest":
        specs = [changes.spec(text) for text in item.file["points/spec_resolved"].asstr()[()]]
        values = _encoded([hashlib.sha256(text.encode()).hexdigest() for text in specs])
    if item.parent.name == "/parameters":
        name = changes.key(name)
    _write(group, name, values, item.attrs["units"], item.attrs["long_name"], item.attrs["axes"])


def _add_columns(source: h5py.Group, target: h5py.Group, changes: Changes) -> None:
    for table, name, value, long_name in changes.added:
        if "unit_key" in source and re.fullmatch(table, _path_of(source)):
            rows = len(source["unit_key"])
            _write(target, name, _encoded([value] * rows), "", long_name, ["unit"])


def _encoded(texts: list[str]) -> np.ndarray:
    return np.array([text.encode() for text in texts])


def _write(group: h5py.Group, name: str, values, units: str, long_name: str, axes) -> None:
    values = np.asarray(values)
    if values.dtype.kind == "S":
        values = values.astype(h5py.string_dtype("utf-8", max(1, values.dtype.itemsize)))
    dataset = group.create_dataset(name, data=values)
    dataset.attrs["units"] = units
    dataset.attrs["long_name"] = long_name
    names = np.array(list(axes), dtype=object)
    dataset.attrs.create("axes", names, dtype=h5py.string_dtype())
    dataset.attrs["sha256"] = _field_digest(dataset)


# Digests and seal as docs/archive_format.md defines them.


def _entry(label: str, value: str) -> bytes:
    data = value.encode()
    return f"{label} {len(data)} ".encode() + data + b"\n"


def _values_digest(dataset: h5py.Dataset) -> tuple[str, str]:
    if dataset.dtype.kind == "S":
        texts = [bytes(text) for text in np.asarray(dataset[()]).reshape(-1)]
        return "text", hashlib.sha256(
            b"".join(f"{len(t)}:".encode() + t for t in texts)
        ).hexdigest()
    kind = {"<f8": "float64", "<i8": "int64"}[dataset.dtype.str]
    return kind, hashlib.sha256(np.asarray(dataset[()]).tobytes()).hexdigest()


def _field_digest(dataset: h5py.Dataset) -> str:
    kind, values = _values_digest(dataset)
    text = _entry("name", dataset.name.rsplit("/", 1)[1]) + _entry("type", kind)
    for extent in dataset.shape:
        text += _entry("extent", str(extent))
    for key in ("units", "long_name"):
        text += _entry(key, dataset.attrs[key])
    for axis in dataset.attrs["axes"]:
        text += _entry("axis", axis)
    return hashlib.sha256(text + _entry("values", values)).hexdigest()


def _group_digest(group: h5py.Group) -> str:
    text = b""
    for name in sorted(set(group.attrs) - {"sha256"}, key=str.encode):
        text += _entry("attribute", name) + _entry("value", str(group.attrs[name]))
    for name in sorted(group, key=str.encode):
        if group.name != "/" or name != "measured":
            text += _entry("child", name) + _entry("sha256", group[name].attrs["sha256"])
    return hashlib.sha256(text).hexdigest()


def _seal(path: Path) -> None:
    image = path.read_bytes()
    digest = hashlib.sha256(image).hexdigest()
    head = f"gainsweep archive\nbytes {len(image)}\nsha256 {digest}\n".encode()
    path.write_bytes(head.ljust(SEAL_SIZE, b"\0") + image)
