"""Python environments of the tools that read exports, each made from nothing by pip.

Gigabytes each. What is there is taken as it is; what was interrupted is completed.
"""

import subprocess
import sys
import venv
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
COMMON = ["torch==2.13.0", "transformers==5.24.0", "numpy"]
COMPRESSED_TENSORS = "compressed-tensors==0.20.1"
# The packages of each tool; then those whose own requirements are left out: of vLLM the Python
# sources alone are read.
TOOLS = {
    "compressed-tensors": ([COMPRESSED_TENSORS], []),
    "modelopt": (["nvidia-modelopt==0.47.0", "accelerate", "datasets", "requests"], []),
    "autoround": (["auto-round==0.16.1"], []),
    "inc": (["neural-compressor-pt==3.10"], []),
    "vllm": ([COMPRESSED_TENSORS], ["vllm==0.33.0"]),
}
MADE = "made"


def make(folder: Path, tool: str) -> Path:
    """The environment's interpreter, with the tool and what the analysis package needs."""
    python = folder / "bin/python"
    if (folder / MADE).exists():
        return python
    if not python.exists():
        venv.create(folder, with_pip=True)
    packages, alone = TOOLS[tool]
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = [[*COMMON, *packages], [SOURCE / "analysis"]]
    for what in [*steps, ["--no-deps", *alone]] if alone else steps:
        if subprocess.run([*pip, *what]).returncode != 0:
            sys.exit(f"pip cannot install {' '.join(map(str, what))}")
    (folder / MADE).touch()
    return python
