"""A model with what it is asked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from gainsweep_analysis import export_model
from gainsweep_analysis.samples import writing
from gainsweep_analysis.samples.content import Input, Samples


@dataclass(frozen=True)
class Pixels:
    """Bytes of images and what makes reals of them, by channel."""

    scale: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class Subject:
    """Arrays by the names of the model's arguments, a row a place of their first axis."""

    model: torch.nn.Module
    arrays: dict[str, np.ndarray]
    source: str
    licence: str
    pixels: Pixels | None = None
    labels: np.ndarray | None = None
    offset: np.ndarray | None = None  # first rows of groups, then the number of rows
    golden: int = 4  # first rows whose output is kept; a whole group of groups

    def wanted(self) -> list[export_model.Input]:
        return [
            export_model.Input(name, array.shape[1:], "float32" if self.pixels else "int64")
            for name, array in self.arrays.items()
        ]

    def rows(self) -> int:
        return len(next(iter(self.arrays.values())))

    def tensors(self, count: int) -> dict[str, torch.Tensor]:
        """What the model gets of the first rows, as the program reads the file."""
        tensors = {name: torch.tensor(array[:count]) for name, array in self.arrays.items()}
        if self.pixels is None:
            return {name: tensor.long() for name, tensor in tensors.items()}
        scale, offset = (
            torch.tensor(values).view(-1, 1, 1)
            for values in (self.pixels.scale, self.pixels.offset)
        )
        return {name: (tensor * scale + offset).float() for name, tensor in tensors.items()}


def write_samples(subject: Subject, path: Path) -> None:
    """The sample file of a subject; docs/sample_files.md has the layout."""
    pixels = subject.pixels
    scaled = (pixels.scale, pixels.offset) if pixels else ()
    inputs = {name: Input(array, *scaled) for name, array in subject.arrays.items()}
    texts = {"source": subject.source, "licence": subject.licence}
    writing.write(path, Samples(inputs, subject.labels, subject.offset), texts)
