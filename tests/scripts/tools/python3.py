"""`python3` on the path: the real one, but venv without its slow ensurepip, with the pip here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from interruption import say, stop_at

arguments = sys.argv[1:]
if arguments[:2] != ["-m", "venv"]:
    os.execv(sys.executable, ["python3", *arguments])
say("venv")
folder = Path(arguments[-1])
subprocess.run([sys.executable, "-m", "venv", "--without-pip", *arguments[2:]], check=True)
stop_at("venv")
asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
site = subprocess.run(
    [folder / "bin" / "python", "-c", asked], check=True, capture_output=True, text=True
)
shutil.copytree(Path(__file__).parent / "pip", Path(site.stdout.strip()) / "pip")
