"""Items files (docs/items_files.md) of made-up tokens, and what a model says of their requests."""

import h5py
import numpy as np
from conftest import VOCABULARY


def drawn_items(count, choices, longest, seed=3, vocabulary=VOCABULARY):
    """By item, choices of one context: token ids and the place of the first that is predicted."""
    random = np.random.default_rng(seed)
    items = []
    for _ in range(count):
        context = random.integers(0, vocabulary, random.integers(1, longest // 2))
        tails = [
            random.integers(0, vocabulary, random.integers(1, longest - len(context)))
            for _ in range(choices)
        ]
        items.append([(np.concatenate([context, tail]), len(context)) for tail in tails])
    return items


def write_items(path, items, kind="choice", change=lambda file: None, **attributes):
    requests = [request for item in items for request in item]
    of_item = [len(item) for item in items]
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {
                **{"schema": "gainsweep items", "schema_version": 1, "task": "drawn"},
                **{"kind": kind, "length": 31, "bos": "auto", "prefix_token": 1},
                **{"raw_sha256": "0" * 64, "tokenizer_sha256": "1" * 64},
                **attributes,
            }
        )
        file["tokens"] = np.concatenate([tokens for tokens, _ in requests]).astype(np.int32)
        file["request/offset"] = np.cumsum([0, *(len(tokens) for tokens, _ in requests)])
        file["request/item"] = np.repeat(np.arange(len(items)), of_item)
        file["request/choice"] = np.concatenate([np.arange(n) for n in of_item])
        file["request/start"] = [start for _, start in requests]
        file["request/bytes"] = [2 * len(tokens) for tokens, _ in requests]
        file["request/characters"] = [len(tokens) for tokens, _ in requests]
        label = -1 if kind == "rolling" else 0
        file["item/label"] = np.full(len(items), label)
        file["item/requests"] = of_item
        for name in ("bytes", "words"):
            file[f"item/{name}"] = np.full(len(items), 5 if kind == "rolling" else 0)
        change(file)
    return path


def answers(file, task):
    """By assignment key: log-likelihoods and greedy flags of all requests."""
    found = {}
    for measured in ("", "measured/"):
        if f"{measured}evaluations/tasks/{task}" not in file:
            continue
        rows = file[f"{measured}evaluations/tasks/{task}"]
        for row, key in enumerate(rows["assignment_key"].asstr()[()]):
            size = rows["num_requests"][row]
            likelihoods, greedy = found.setdefault(key, ([], []))
            assert rows["first_request"][row] == len(likelihoods)
            likelihoods.extend(rows["loglikelihood"][row, :size])
            greedy.extend(rows["greedy"][row, :size])
            assert np.isnan(rows["loglikelihood"][row, size:]).all()
            assert (rows["greedy"][row, size:] == -1).all()
    return {key: (np.array(a), np.array(b)) for key, (a, b) in found.items()}
