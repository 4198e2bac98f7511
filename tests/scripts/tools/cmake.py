"""`cmake`: writes what scripts/setup looks at, and fails where another one is at work."""

import os
import sys
import time
from pathlib import Path

from interruption import say, stop_at

BUILD = Path("build")
CACHE = BUILD / "CMakeCache.txt"


def build() -> None:
    stop_at("build")
    say("build")
    program = BUILD / "gainsweep"
    program.write_text(Path(os.environ["TOOLS_BIN"], "gainsweep").read_text())
    program.chmod(0o755)


def configure(arguments: list[str]) -> None:
    say("configure", *(a for a in arguments if a == "--fresh"))
    home = f"CMAKE_HOME_DIRECTORY:INTERNAL={Path.cwd()}"
    if CACHE.exists() and "--fresh" not in arguments and home not in CACHE.read_text():
        sys.exit("CMake Error: the current CMakeCache.txt directory is different")
    BUILD.mkdir(exist_ok=True)
    testing = [a[2:].replace("=", ":BOOL=") for a in arguments if "BUILD_TESTING" in a]
    CACHE.write_text("\n".join([home, *testing, ""]))
    stop_at("configure")
    (BUILD / "build.ninja").touch()


mark = Path(os.environ["TOOLS_LOG"] + ".cmake")
if mark.exists() and "SLOW" in os.environ:
    sys.exit("two at a time")
mark.touch()
if "SLOW" in os.environ:
    time.sleep(0.5)
if sys.argv[1] == "--build":
    build()
else:
    configure(sys.argv[1:])
mark.unlink()
