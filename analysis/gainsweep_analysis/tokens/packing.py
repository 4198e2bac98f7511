"""Samples from documents: where in a stream of tokens they begin and end. Numbers alone."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .encoding import Encoded

PACKS = ("concat", "per-document")
SHORT = ("drop", "keep")


@dataclass(frozen=True)
class Stream:
    """The kept documents one after the other, with separators where they are asked for."""

    ids: np.ndarray  # int32
    counts: np.ndarray  # bool
    documents: list[tuple[int, int]]  # [first, end) of each document, without separators


def join(documents: list[Encoded], separator: list[int]) -> Stream:
    """A separator stands between documents, and counts."""
    ids: list[np.ndarray] = []
    counts: list[np.ndarray] = []
    spans, place = [], 0
    between = np.array(separator, np.int32)
    for number, document in enumerate(documents):
        if number and len(between):
            ids.append(between)
            counts.append(np.ones(len(between), bool))
            place += len(between)
        ids.append(document.ids)
        counts.append(document.counts)
        spans.append((place, place + len(document.ids)))
        place += len(document.ids)
    if not ids:
        return Stream(np.zeros(0, np.int32), np.zeros(0, bool), [])
    return Stream(np.concatenate(ids), np.concatenate(counts), spans)


def windows(
    stream: Stream, length: int, stride: int, pack: str, short: str
) -> list[tuple[int, int]]:
    """[first, end) of every sample: up to `length` tokens and the last one's target. Those without
    a target that counts are left out, and where short ones are dropped those of fewer tokens."""
    found = []
    if pack == "concat":
        last = len(stream.ids) - length - 1
        found = [(first, first + length + 1) for first in range(0, last + 1, stride)]
    else:
        for begin, end in stream.documents:
            for first in range(begin, end - 1, stride):
                found.append((first, min(first + length + 1, end)))
                if first + length + 1 >= end:
                    break
    if short == "drop":
        found = [(first, end) for first, end in found if end - first == length + 1]
    counted = np.concatenate([[0], np.cumsum(stream.counts)])
    return [(first, end) for first, end in found if counted[end] > counted[first + 1]]


def parts(
    found: list[tuple[int, int]], sizes: list[int], document_of: Callable[[int], int] | None
) -> list[list[tuple[int, int]]] | None:
    """The first samples, the next ones that share no target with them, and so on; where documents
    are told, no part shares one with another. None where there are too few."""
    chosen, place = [], 0
    for size in sizes:
        if place + size > len(found):
            return None
        part = found[place : place + size]
        chosen.append(part)
        place += size
        if not part:
            continue
        last_first, last_end = part[-1]
        while place < len(found) and (
            found[place][0] < last_end - 1
            or (document_of and document_of(found[place][0]) == document_of(last_first))
        ):
            place += 1
    return chosen


def is_plain(part: list[tuple[int, int]], length: int) -> bool:
    """Whether the samples are windows that follow one another, each `length` tokens long."""
    return all(
        (first, end) == (part[0][0] + i * length, part[0][0] + (i + 1) * length + 1)
        for i, (first, end) in enumerate(part)
    )
