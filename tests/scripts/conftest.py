"""A copy of the project's scripts whose tools are made up (tools/): each says what it was asked
for, and is killed together with the script at the point that INTERRUPT names."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
TOOLS = Path(__file__).parent / "tools"


class Project:
    """The copied folder, with the tools beside it."""

    def __init__(self, folder: Path):
        self.folder = folder / "project"
        self.tools = folder / "tools"
        self.log = folder / "log"
        self.log.touch()
        self.tools.mkdir()
        shutil.copytree(SOURCE / "scripts", self.folder / "scripts")
        (self.folder / "configs").mkdir()
        (self.folder / "configs" / "embedded.yaml").touch()
        for name in ("python3", "cmake", "gainsweep", "mpirun"):
            self.tool(name, f'exec "{sys.executable}" -B "{TOOLS / name}.py" "$@"')
        self.tool("dpkg-query", "echo installed")

    def tool(self, name: str, script: str):
        file = self.tools / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def start(self, *command, cwd=None, **variables) -> subprocess.Popen:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "GAINSWEEP"))}
        given = {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "TOOLS": str(TOOLS),
            "TOOLS_BIN": str(self.tools),
            "TOOLS_LOG": str(self.log),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return subprocess.Popen(
            command,
            cwd=cwd or self.folder,
            env=kept | given | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command, **named) -> tuple[int, str]:
        """Exit code and output of a command."""
        process = self.start(*command, **named)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output

    def did(self) -> list[str]:
        """What the tools were asked for since the last call."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return lines


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)
