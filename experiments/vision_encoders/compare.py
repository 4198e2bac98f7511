"""Compare a run's scores of the first sample with PyTorch's gradients.

    python compare.py ARCHIVE NAME.pt2 NAME.golden.safetensors

The score of a weight w with gradient g is ‖g ⊙ w‖². A batch norm that is folded into the weight
changes nothing of it: what w is multiplied by, g is divided by.
"""

import argparse
import math
from pathlib import Path

import h5py
import torch
from safetensors.torch import load_file


def compare(archive: Path, program: Path, golden: Path) -> None:
    expected = load_file(golden)
    weights = torch.export.load(program).state_dict
    with h5py.File(archive) as file:
        paths = [path.decode() for path in file["operands/path"]]
        scores = dict(zip(paths, file["scores/sensitivity"][0], strict=True))
        loss = file["scores/loss"][0]
    print(f"loss {loss:.8g}, PyTorch's in double {expected['loss'].item():.8g}")
    ours, theirs = {}, {}
    for name in (name.partition(".")[2] for name in expected if name.startswith("gradient.")):
        exact = (expected[f"gradient.{name}"].double() * weights[name].double()).norm().item()
        ours[name] = abs(math.sqrt(scores[name]) / exact - 1)
        theirs[name] = abs(expected[f"score.{name}"].item() / exact - 1)
    print(f"‖g ⊙ w‖ of {len(ours)} weights beside PyTorch's in double, relative differences:")
    for whose, off in (("of the program in fp32", ours), ("of PyTorch in fp32", theirs)):
        ordered = sorted(off, key=off.get)
        middle, last = off[ordered[len(off) // 2]], off[ordered[-1]]
        print(f"  {whose}: median {middle:.2g}, largest {last:.2g} ({ordered[-1]})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("program", type=Path, help="its .pt2 file")
    parser.add_argument("golden", type=Path)
    options = parser.parse_args()
    compare(options.archive, options.program, options.golden)


if __name__ == "__main__":
    main()
