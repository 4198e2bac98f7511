"""Runs the settings of README.md: each model under each low format, plans of two strategies at 15
thresholds, evaluated on 128 samples. No times are taken.

    run.py PROGRAM FOLDER [SETTING...]   leaves FOLDER/<setting>/archive.h5; all settings by default
"""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

SOURCE = Path(__file__).resolve().parents[2]
SHARED = SOURCE.parent / "shared/data"
FORMATS = [["int8"], ["fp8_e4m3"], ["fp8_e5m2"]]
SETTINGS = {
    "embedded": (SOURCE / "configs/models/embedded", SOURCE / "configs/data/embedded.h5"),
    "stories260K": (SHARED / "stories260K/hf", SHARED / "stories260K/tokens_u16.npy"),
    "babyllama105": (SHARED / "babyllama105/hf", SHARED / "babyllama105/tokens_u16.npy"),
}


# The smallest model pays for plans of two objectives and strategies.
MORE = {"stories260K": (["macs", "memory"], ["ip", "prefix"])}


def spec(name: str, model: Path, tokens: Path) -> dict:
    objectives, strategies = MORE.get(name, (["macs"], ["ip"]))
    return {
        "schema": 2,
        "name": name,
        "model": {"checkpoint": str(model)},
        "calibration": {"tokens": str(tokens), "samples": 64, "length": 256},
        "formats": {"high": "bf16", "low": FORMATS[0]},
        "seed": 0,
        "solve": {
            "objectives": objectives,
            "thresholds": {"geometric": {"from": 1e-4, "to": 1e-1, "count": 15}},
            "strategies": strategies,
            "frontier": False,
        },
        "evaluate": {"samples": 128, "strategies": strategies},
        "sweep": {"product": {"formats.low": FORMATS}},
    }


def as_hdf5(tokens: Path, folder: Path) -> Path:
    if tokens.suffix == ".h5":
        return tokens
    with h5py.File(folder / "tokens.h5", "w") as file:
        file["tokens"] = np.load(tokens).astype(np.int32)
    return folder / "tokens.h5"


def main(program: str, folder: Path, names: list[str]) -> None:
    for name in names or SETTINGS:
        model, tokens = SETTINGS[name]
        out = folder / name
        out.mkdir(parents=True, exist_ok=True)
        described = out.with_suffix(".yaml")
        described.write_text(
            json.dumps(spec(name, model, as_hdf5(tokens, folder / name)), indent=1)
        )
        subprocess.run([program, "run", described, "--out", out], cwd=SOURCE, check=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
