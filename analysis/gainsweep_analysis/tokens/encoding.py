"""Documents as token ids, with the tokens that count as targets."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from .chat import Template
from .documents import Document
from .problem import TokensError

FILE_NAME = "tokenizer.json"
BATCH = 256  # documents that are encoded at once
BOS = ("auto", "always", "never")


@dataclass(frozen=True)
class Encoded:
    ids: np.ndarray  # int32
    counts: np.ndarray  # bool: the token counts where it is a target
    num_bytes: int
    num_unknown: int


class Encoder:
    """A tokenizer with what is put around documents. TokensError for a file that is none."""

    def __init__(self, path: Path, bos: str, names: dict[str, str | None]):
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise TokensError(
                "the Python package tokenizers is not installed. Install it "
                "(pip install tokenizers, or gainsweep_analysis[tokens])."
            ) from None
        self.path = path / FILE_NAME if path.is_dir() else path
        contents = self.path.read_bytes()
        try:
            self._tokenizer = Tokenizer.from_str(contents.decode())
        except Exception as error:  # the package raises nothing more special
            raise TokensError(
                f"{self.path}: it is no tokenizer that can be read ({error}). Name a "
                "tokenizer.json, or a folder that has one."
            ) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.digest = hashlib.sha256(contents).hexdigest()
        self._names = names | {}
        self._found: dict[str, str | int | None] = {}
        self._bos = bos
        self._unknown = self._find_unknown(json.loads(contents)["model"])

    @cached_property
    def vocabulary(self) -> int:
        """Ids are below it; those of added tokens may lie behind gaps."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values()) + 1

    def special(self, name: str) -> int:
        """The id of `bos` or `eos`: as the options name it, or the files beside the tokenizer."""
        token = self._named(name)
        if token is None:
            raise TokensError(
                f"{self.path}: it does not say which token is {name.upper()}, nor does a "
                f"tokenizer_config.json or config.json beside it. Name it by --{name}-token."
            )
        found = token if isinstance(token, int) else self._tokenizer.token_to_id(token)
        if found is None or found >= self.vocabulary:
            raise TokensError(
                f"{self.path}: it has no token '{token}', which is said to be {name.upper()}. "
                f"Name one that it has by --{name}-token."
            )
        return found

    def prefix(self) -> int:
        """What stands before a text that nothing else stands before: BOS, or else EOS."""
        is_eos = self._named("bos") is None and self._named("eos") is not None
        return self.special("eos" if is_eos else "bos")

    def plain(self, text: str) -> list[int]:
        """The ids of a text alone."""
        return self._tokenizer.encode(text, add_special_tokens=False).ids

    def whole(self, text: str) -> list[int]:
        """The ids of a text and what is put around it; one that begins with BOS gets no second."""
        begins = self._bos_text is not None and text.startswith(self._bos_text)
        if self._bos == "never" or begins:
            return self.plain(text)
        ids = self._tokenizer.encode(text, add_special_tokens=True).ids
        if self._bos == "always" and ids[:1] != [bos := self.special("bos")]:
            ids = [bos, *ids]
        return ids

    def num_unknown(self, ids: np.ndarray | list[int]) -> int:
        return 0 if self._unknown is None else int(np.sum(np.asarray(ids) == self._unknown))

    def encode(self, documents: Iterable[Document], template: Template | None) -> Iterator[Encoded]:
        for batch in _batches(documents):
            texts = [_text(document, template) for document in batch]
            found = self._tokenizer.encode_batch(
                [text for text, _ in texts],
                add_special_tokens=self._bos == "auto" and template is None,
            )
            for (text, counted), encoding in zip(texts, found, strict=True):
                yield self._encoded(text, counted, encoding)

    def _encoded(self, text: str, counted: list[tuple[int, int]] | None, encoding) -> Encoded:
        ids = np.array(encoding.ids, np.int32)
        counts = np.ones(len(ids), bool)
        if counted is not None:
            starts = np.array([start for start, _ in encoding.offsets], np.int64)
            counts = np.zeros(len(ids), bool)
            for first, last in counted:
                counts |= (starts >= first) & (starts < last)
        if self._bos == "always":
            bos = self.special("bos")
            if not ids.size or ids[0] != bos:  # a text that begins with it gets no second one
                ids, counts = np.insert(ids, 0, bos), np.insert(counts, 0, counted is None)
        return Encoded(ids, counts, len(text.encode()), self.num_unknown(ids))

    def _named(self, name: str) -> str | int | None:
        if name not in self._found:
            token = self._names.get(name)
            self._found[name] = token or _named_beside(self.path.parent, name)
        return self._found[name]

    @cached_property
    def _bos_text(self) -> str | None:
        if self._named("bos") is None:
            return None
        return self._tokenizer.id_to_token(self.special("bos"))

    def _find_unknown(self, model: dict) -> int | None:
        if isinstance(model.get("unk_id"), int):
            return model["unk_id"]
        token = model.get("unk_token")
        return None if token is None else self._tokenizer.token_to_id(token)


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in documents:
        batch.append(document)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _text(document: Document, template: Template | None) -> tuple[str, list | None]:
    if template is not None:
        return template.render(document)
    if not isinstance(document.content, str):
        raise TokensError(
            f"{document.place}: the field is not a text. Name another by --field, or give a chat "
            "template by --template."
        )
    return document.content, None


def _named_beside(folder: Path, name: str) -> str | int | None:
    """The token of a name by tokenizer_config.json (its text) or config.json (its id)."""
    for file_name, key in (
        ("tokenizer_config.json", f"{name}_token"),
        ("config.json", f"{name}_token_id"),
    ):
        if not (folder / file_name).exists():
            continue
        try:
            token = json.loads((folder / file_name).read_text()).get(key)
        except (json.JSONDecodeError, UnicodeDecodeError, AttributeError):
            raise TokensError(
                f"{folder / file_name}: it is not a JSON object. Mend it, or name the token by "
                f"--{name}-token."
            ) from None
        token = token.get("content") if isinstance(token, dict) else token
        token = token[0] if isinstance(token, list) and token else token
        if token is not None:
            return token
    return None
