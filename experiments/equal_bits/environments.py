"""Makes the Python environments of the tools in FOLDER, gigabytes from pip: modelopt, autoround.

environments.py FOLDER
"""

import subprocess
import sys
import venv
from pathlib import Path

SHARED = ["torch==2.13.0", "transformers==5.24.0", "numpy==2.4.6"]
PACKAGES = {
    "modelopt": ["nvidia-modelopt==0.47.0", "accelerate", "datasets", "requests"],
    "autoround": ["auto-round==0.16.1"],
}


def main(folder: Path) -> None:
    for name, packages in PACKAGES.items():
        environment = folder / name
        if (environment / "made").exists():
            continue
        venv.create(environment, with_pip=True)
        python = environment / "bin/python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", *SHARED, *packages], check=True)
        (environment / "made").touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
