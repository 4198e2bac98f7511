"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A name to write to beside `path`, which the file gets in the end."""
    partial = path.with_name(path.name + ".tmp")
    try:
        yield partial
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    os.replace(partial, path)


def write_whole(path: Path, contents: str) -> None:
    with whole(path) as partial:
        partial.write_text(contents, encoding="utf-8")
