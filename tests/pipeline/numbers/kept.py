"""The kept numbers of a small experiment: how they are stored, and what they were made on."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
from gainsweep_analysis import tables
from meaning import Numbers, numbers

FOLDER = Path(__file__).resolve().parent
SPEC = FOLDER / "spec.yaml"
FILE = FOLDER / "numbers.json"
SOURCE = FOLDER.parents[2]
# One arithmetic for as many processors as there can be: of libraries that choose by the processor.
ARITHMETIC = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
# Longer arrays are kept as their digest and their first values.
MOST, FIRST = 160, 4
# What floating-point arithmetic has no part in: the same on every processor.
EXACT = ("ops", "operands", "subgraphs", "formats", "timed_configurations", "gains/")


def made(program, folder: Path) -> Path:
    """The archive of a run of the spec."""
    command = [program, "run", SPEC, "--out", folder]
    done = subprocess.run(
        command,
        cwd=SOURCE,
        env=os.environ | ARITHMETIC,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} ends with {done.returncode}: {done.stderr}")
    return folder / "archive.h5"


def found(archive: Path) -> Numbers:
    """Of all points, the name of each beginning with its point; not what the job used."""
    with h5py.File(archive) as file:
        everything = tables.read_tables(file)
    return {
        f"point {point.number}/{name}": value
        for point in tables.points(everything)
        for name, value in numbers(tables.select(everything, point.number)).items()
        if not name.startswith("usage/")
    }


def arithmetic(archive: Path) -> dict[str, str]:
    """What the last bits of floating-point sums depend on."""
    with h5py.File(archive) as file:
        machine = {**file["measured/machine"].attrs}
    vendor = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("vendor_id"):
            vendor = line.split(":")[1].strip()
            break
    return {
        "instruction_set": machine["instruction_set"],
        "libraries": machine["torch_version"],
        "processors": vendor,
    }


def as_kept(value: np.ndarray) -> dict | list | float | int | str:
    """As JSON holds it; every finite number comes back bit for bit."""
    value = np.asarray(value)
    if value.size <= MOST:
        return value.tolist()
    flat = value.reshape(-1)
    if value.dtype.kind == "f":
        content = value.astype("<f8").tobytes()
    elif value.dtype.kind == "i":
        content = value.astype("<i8").tobytes()
    else:
        content = "\n".join(flat).encode()
    return {
        "shape": list(value.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
        "first": flat[:FIRST].tolist(),
    }


def difference(name: str, kept, now) -> tuple[str, float] | None:
    """What differs, in words, and by how much relatively; None where nothing does."""
    if json.dumps(kept) == json.dumps(now):
        return None
    if isinstance(kept, dict) and isinstance(now, dict) and kept["shape"] == now["shape"]:
        largest = _relative(kept["first"], now["first"])
        return f"{name}: another digest, first values {now['first']}, were {kept['first']}", largest
    return f"{name}: {_cut(now)}, was {_cut(kept)}", _relative(kept, now)


def _relative(a, b) -> float:
    try:
        a, b = np.asarray(a, float), np.asarray(b, float)
    except (TypeError, ValueError):
        return float("inf")
    if a.shape != b.shape:
        return float("inf")
    scale = np.maximum(np.abs(a), np.abs(b))
    return float(np.max(np.abs(a - b) / np.where(scale > 0, scale, 1), initial=0))


def _cut(value) -> str:
    text = json.dumps(value)
    return text if len(text) < 200 else text[:200] + "…"


def load() -> dict:
    """What they were made on, and the numbers by name."""
    stored = json.loads(FILE.read_text())
    rows = stored["numbers"].items()
    numbers = {f"{row}/{field}": value for row, fields in rows for field, value in fields.items()}
    return {"arithmetic": stored["arithmetic"], "numbers": numbers}


def store(now: dict, about: dict[str, str]) -> None:
    """A line for each row of a table."""
    rows: dict[str, dict] = {}
    for name, value in now.items():
        row, field = name.rsplit("/", 1)
        rows.setdefault(row, {})[field] = value
    lines = ",\n".join(f" {json.dumps(row)}: {json.dumps(fields)}" for row, fields in rows.items())
    FILE.write_text(
        f'{{"arithmetic": {json.dumps(about)},\n"numbers": {{\n{lines}\n}}}}\n', encoding="utf-8"
    )
