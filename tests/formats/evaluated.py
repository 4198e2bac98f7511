"""Losses of a model in transformers on the samples that the program evaluates plans on."""

import h5py
import numpy as np
import torch


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
