"""Raw data as it is published: a file of lines or of JSON objects, read with its digest."""

import bz2
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..tokens import TokensError
from ..tokens.documents import decoded, json_object

JSON_SUFFIXES = (".jsonl", ".json")


@dataclass(frozen=True)
class Record:
    """A JSON object of a file. TokensError for a field that is missing or something else."""

    place: str  # "valid.jsonl:12"
    line: int
    fields: dict

    def has(self, name: str) -> bool:
        return name in self.fields

    def text(self, *names: str) -> str:
        """The first of these fields that is there."""
        found = self._field(*names)
        if not _is_text(found):
            self.refuse(f"'{self._name(*names)}' is not a text")
        return found

    def texts(self, name: str) -> list[str]:
        found = self._field(name)
        if not isinstance(found, list) or not all(map(_is_text, found)):
            self.refuse(f"'{name}' is not a list of texts")
        return found

    def number(self, name: str) -> int:
        """A whole number, written as one or as a text."""
        return whole_number(self._field(name), f"{self.place}: '{name}'")

    def refuse(self, why: str) -> None:
        raise TokensError(f"{self.place}: {why}. Give the task's raw data as it is published.")

    def _name(self, *names: str) -> str:
        return next((name for name in names if name in self.fields), names[0])

    def _field(self, *names: str) -> object:
        name = self._name(*names)
        if name not in self.fields:
            wanted = " or ".join(f"'{wanted}'" for wanted in names)
            listed = ", ".join(self.fields) or "none"
            self.refuse(f"it has no field {wanted} (it has: {listed})")
        return self.fields[name]


@dataclass(frozen=True)
class Raw:
    path: Path
    text: str  # lines end in \n, whatever the file has
    digest: str  # SHA-256 of the file as it lies there

    @property
    def is_json(self) -> bool:
        return self.path.name.removesuffix(".bz2").endswith(JSON_SUFFIXES)

    def lines(self) -> list[str]:
        """Without their ends. Only newlines end lines: texts have the other marks inside."""
        return self.text.removesuffix("\n").split("\n")

    def records(self) -> Iterator[Record]:
        for number, line in enumerate(self.lines(), start=1):
            if line.strip():
                place = f"{self.path}:{number}"
                yield Record(place, number, json_object(line, place))


def read(path: Path) -> Raw:
    """A text file, or one that bzip2 has packed."""
    contents = path.read_bytes()
    digest = hashlib.sha256(contents).hexdigest()
    if path.suffix == ".bz2":
        try:
            contents = bz2.decompress(contents)
        except (OSError, ValueError) as error:
            raise TokensError(
                f"{path}: bzip2 cannot unpack it ({error}). Fetch the file again."
            ) from None
    return Raw(path, decoded(contents, str(path)).replace("\r\n", "\n"), digest)


def _is_text(value: object) -> bool:
    """Halves of characters, which JSON can name one by one, are none."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def whole_number(value: object, place: str) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,9}", text):
        raise TokensError(
            f"{place} is no whole number ('{text[:20]}'). Give data that has the right choice of "
            "every item, which test sets often lack."
        )
    return int(text)
