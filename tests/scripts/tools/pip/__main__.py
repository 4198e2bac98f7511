"""`python -m pip`: packages of one file each. As the real one, it takes a package whose information
is there for installed, and writes RECORD last."""

import os
import sys
import sysconfig
from pathlib import Path

sys.path.insert(0, os.environ["TOOLS"])
from interruption import say, stop_at

SITE = Path(sysconfig.get_path("purelib"))
MODULE = "whole = True\n"


def install(name: str) -> None:
    information = SITE / f"{name}-1.0.dist-info"
    if information.exists():
        return
    cut = name == "torch" and os.environ.get("INTERRUPT") == "file"
    (SITE / f"{name}.py").write_text("" if cut else MODULE)
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    if name == "torch":
        stop_at("record")
    rows = f"{name}.py,,{len(MODULE)}\n{information.name}/METADATA,,\n{information.name}/RECORD,,\n"
    (information / "RECORD").write_text(rows)
    if name == "torch":
        stop_at("file")


arguments = sys.argv[1:]
if "-r" in arguments:
    file = arguments[arguments.index("-r") + 1]
    say("pip", file)
    if os.environ.get("INTERRUPT") == "offline":
        sys.exit("no network")
    for line in Path(file).read_text().split():
        install(line.split("==")[0])
    stop_at("stamp " + file)
else:
    say("pip", arguments[-1])
    install("gainsweep_analysis")
