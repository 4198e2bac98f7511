"""Files that are there whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, contents: str) -> None:
    partial = path.with_name(path.name + ".tmp")
    partial.write_text(contents, encoding="utf-8")
    os.replace(partial, path)
