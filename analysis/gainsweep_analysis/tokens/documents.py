"""Documents of text files, JSON lines, parquet files and standard input."""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .problem import TokensError

STANDARD_INPUT = "-"
LAYOUTS = ("text", "jsonl", "parquet")
BLOCK = 1 << 20


@dataclass(frozen=True)
class Document:
    place: str  # "book.txt", "chats.jsonl:12"
    content: object  # a text, or the messages of a chat


class Sources:
    """Files of one layout; `digest` covers what was read once all of it was."""

    def __init__(self, paths: list[str], layout: str, field: str):
        self._paths, self._layout, self._field = paths, layout, field
        self._hash = hashlib.sha256()

    def __iter__(self) -> Iterator[Document]:
        for path in self._paths:
            yield from _READERS[self._layout](self, path)

    @property
    def digest(self) -> str:
        """Of the files' bytes, one after another: what `cat FILES | sha256sum` prints."""
        return self._hash.hexdigest()

    def lines(self, path: str) -> Iterator[bytes]:
        with _opened(path) as file:
            for line in file:
                self._hash.update(line)
                yield line

    def hash_file(self, path: str) -> None:
        with _opened(path) as file:
            while block := file.read(BLOCK):
                self._hash.update(block)

    def texts(self, path: str) -> Iterator[Document]:
        data = b"".join(self.lines(path))
        yield Document(_shown(path), decoded(data, _shown(path)))

    def records(self, path: str) -> Iterator[Document]:
        for number, line in enumerate(self.lines(path), start=1):
            place = f"{_shown(path)}:{number}"
            if line.strip():
                record = json_object(decoded(line, place), place)
                yield Document(place, self._chosen(record, place))

    def rows(self, path: str) -> Iterator[Document]:
        try:
            from pyarrow import ArrowInvalid
            from pyarrow.parquet import ParquetFile
        except ImportError:
            raise TokensError(
                f"{path}: parquet files need the Python package pyarrow, which is not installed. "
                "Install it (pip install pyarrow), or give JSON lines."
            ) from None
        if path == STANDARD_INPUT:
            raise TokensError("parquet is not read from standard input. Name its files.")
        self.hash_file(path)
        number = 0
        try:
            with ParquetFile(path) as file:
                if self._field not in file.schema_arrow.names:
                    self._refuse_field(path, file.schema_arrow.names)
                for batch in file.iter_batches(columns=[self._field]):
                    for content in batch.column(0).to_pylist():
                        yield Document(f"{path}: row {number}", content)
                        number += 1
        except (ArrowInvalid, OSError) as error:
            raise TokensError(f"{path}: it is no sound parquet file ({error}).") from None

    def _chosen(self, record: dict, place: str) -> object:
        if self._field not in record:
            self._refuse_field(place, record)
        return record[self._field]

    def _refuse_field(self, place: str, names: Iterable[str]) -> None:
        raise TokensError(
            f"{place}: it has no field '{self._field}' (it has: {', '.join(names) or 'none'}). "
            "Name the field by --field."
        )


_READERS = {"text": Sources.texts, "jsonl": Sources.records, "parquet": Sources.rows}


def _opened(path: str) -> IO[bytes]:
    # Closing standard input is harmless: nobody reads it twice.
    return sys.stdin.buffer if path == STANDARD_INPUT else Path(path).open("rb")


def _shown(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else path


def json_object(line: str, place: str) -> dict:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TokensError(
            f"{place}: it is not JSON ({error}). Give one JSON object a line."
        ) from None
    if not isinstance(record, dict):
        raise TokensError(f"{place}: it is not a JSON object. Give one JSON object a line.")
    return record


def decoded(data: bytes, place: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TokensError(
            f"{place}: byte {error.start} is not UTF-8. Convert the text to UTF-8."
        ) from None
