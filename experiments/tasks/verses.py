"""Writes texts whose last word the embedded model can tell, JSON lines: verses of the held-out
chapters, each behind the verses before it.

    verses.py OUT.jsonl

Tokens that embedded.yaml beside it calibrates and evaluates with are left out."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
from tokenizers import Tokenizer

SOURCE = Path(__file__).resolve().parents[2]
MODEL, TOKENS = SOURCE / "configs/models/embedded", SOURCE / "configs/data/embedded.h5"
USED = (64 + 32) * 256 + 1  # tokens of calibration and evaluation samples
CHAPTER = 0  # the token before every chapter
BEFORE = 3  # verses that stand before the one whose last word is asked
LEAST = 2  # of them


def chapters(tokens: list[int]) -> Iterator[list[int]]:
    """Those that begin in `tokens`, without their mark."""
    starts = [place for place, token in enumerate(tokens) if token == CHAPTER]
    for first, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        yield tokens[first + 1 : end]


def texts(verses: list[str]) -> Iterator[str]:
    for place in range(LEAST, len(verses)):
        yield "\n".join(verses[max(0, place - BEFORE) : place + 1])


def main(path: Path) -> None:
    with h5py.File(TOKENS) as file:
        unused = file["tokens"][USED:].tolist()
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
    written = 0
    with path.open("w", encoding="utf-8") as out:
        for chapter in chapters(unused):
            for text in texts(tokenizer.decode(chapter).splitlines()):
                out.write(json.dumps({"text": text}) + "\n")
                written += 1
    print(f"{path}: {written} texts")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
