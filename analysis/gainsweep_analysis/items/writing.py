"""Items files, as the program reads them (docs/items_files.md)."""

from pathlib import Path

import numpy as np

from ..tokens.writing import offsets, write_hdf5
from .requests import Item

SCHEMA, SCHEMA_VERSION = "gainsweep items", 1


def write(path: Path, items: list[Item], attributes: dict) -> None:
    requests = [(number, asked) for number, item in enumerate(items) for asked in item.requests]
    columns = {
        "request/item": [number for number, _ in requests],
        "request/choice": [asked.choice for _, asked in requests],
        "request/start": [asked.start for _, asked in requests],
        "request/bytes": [asked.bytes for _, asked in requests],
        "request/characters": [asked.characters for _, asked in requests],
        "item/label": [item.label for item in items],
        "item/requests": [len(item.requests) for item in items],
        "item/bytes": [item.bytes for item in items],
        "item/words": [item.words for item in items],
        "item/source": [item.line for item in items],
    }
    datasets = {
        "tokens": np.concatenate([np.array(asked.tokens, np.int32) for _, asked in requests]),
        "request/offset": offsets([len(asked.tokens) for _, asked in requests]),
    }
    datasets |= {name: np.array(values, np.int64) for name, values in columns.items()}
    schema = {"schema": SCHEMA, "schema_version": SCHEMA_VERSION}
    write_hdf5(path, datasets, schema | attributes)
