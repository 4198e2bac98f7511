"""Losses of a model in transformers on the samples that the program evaluates plans on."""

from pathlib import Path

import h5py
import numpy as np
import torch

SOURCE = Path(__file__).resolve().parents[2]
MODEL, TOKENS = SOURCE / "configs/models/embedded", SOURCE / "configs/data/embedded.h5"


def spec(name, rules, samples, length):
    """Of the embedded model: a plan that lowers all that it may to one format."""
    return {
        "schema": 2,
        "name": name,
        "model": {"checkpoint": str(MODEL)},
        "calibration": {"tokens": str(TOKENS), "samples": samples, "length": length},
        "formats": {"high": "bf16", "low": [name], **({name: rules} if rules else {})},
        "partition": {"fused": "all"},
        "latency": {"length": length},
        "solve": {
            "objectives": ["memory"],
            "thresholds": [1.0],
            "strategies": ["ip"],
            "loss_model": "bias",
        },
        "evaluate": {"samples": samples},
    }


def losses(model, tokens, samples, length):
    """Those after the calibration's, as many of the same length."""
    with h5py.File(tokens) as file:
        ids = torch.from_numpy(file["tokens"][: 2 * samples * length + 1].astype(np.int64))
    found = []
    for first in range(samples * length, 2 * samples * length, length):
        window = ids[first : first + length + 1]
        with torch.no_grad():
            logits = model(window[None, :-1]).logits[0]
        found.append(float(torch.nn.functional.cross_entropy(logits, window[1:])))
    return np.array(found)
