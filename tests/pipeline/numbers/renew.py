"""Makes the kept numbers anew:  renew.py PROGRAM.  See README.md beside this file."""

import sys
import tempfile
from pathlib import Path

import kept


def main(program: str) -> None:
    before = kept.load()["numbers"] if kept.FILE.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        archive = kept.made(program, Path(folder))
        now = {name: kept.as_kept(value) for name, value in kept.found(archive).items()}
        about = kept.arithmetic(archive)
    differences = [kept.difference(n, before[n], now[n]) for n in before.keys() & now.keys()]
    differences = [found for found in differences if found]
    told = [found for found in differences if found[1] < float("inf")]
    text, largest = max(told, key=lambda found: found[1], default=("none", 0.0))
    print(f"{len(now)} numbers and arrays: {len(now.keys() - before.keys())} new, ", end="")
    print(f"{len(before.keys() - now.keys())} gone, {len(differences)} differ, ", end="")
    print(f"{len(differences) - len(told)} of these in length or text")
    print(f"largest relative difference: {largest:.3g} ({text})")
    kept.store(now, about)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: renew.py PROGRAM")
    main(sys.argv[1])
