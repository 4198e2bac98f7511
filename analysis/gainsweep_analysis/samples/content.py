"""What a sample file holds, and what the program would refuse of it (docs/sample_files.md)."""

from dataclasses import dataclass, replace

import numpy as np

NO_LABEL = -100


class SamplesError(Exception):
    """A sentence or two: what is wrong, why, and what to do."""


@dataclass(frozen=True)
class Input:
    """An input of a model: rows along the first axis. With a scale (a number, or one a channel)
    integers are reals: values · scale + offset."""

    values: np.ndarray
    scale: np.ndarray | None = None
    offset: np.ndarray | None = None

    def __getitem__(self, rows: slice) -> "Input":
        return replace(self, values=self.values[rows])


@dataclass(frozen=True)
class Samples:
    inputs: dict[str, Input]
    labels: np.ndarray | None = None
    offset: np.ndarray | None = None  # first row of each sample, then the end; none: a row each

    @property
    def num_rows(self) -> int:
        return len(next(iter(self.inputs.values())).values)

    @property
    def num_samples(self) -> int:
        return self.num_rows if self.offset is None else len(self.offset) - 1


def check_sizes(samples: Samples) -> None:
    """SamplesError unless inputs, offsets and labels are of the same rows."""
    if not samples.inputs:
        raise SamplesError("there is no input. Give one by --input, --npz, --images or --idx.")
    first = next(iter(samples.inputs))
    for name, found in samples.inputs.items():
        _check_input(name, found.values)
        if len(found.values) != samples.num_rows:
            raise SamplesError(
                f"input '{name}' has {len(found.values)} rows and '{first}' {samples.num_rows}. "
                "Give as many of each."
            )
    if samples.offset is not None:
        _check_offset(samples.offset, samples.num_rows)
    if samples.labels is not None:
        _check_shape_of_labels(samples)


def _check_input(name: str, values: np.ndarray) -> None:
    if not name.isprintable() or "/" in name or name in ("", "."):
        raise SamplesError(f"input '{name}': this is no name of a dataset. Name it otherwise.")
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        raise SamplesError(
            f"input '{name}' holds {values.dtype}, neither integers, booleans nor reals of at most "
            "8 bytes. Convert it."
        )
    if values.ndim == 0 or values.size == 0:
        raise SamplesError(f"input '{name}' has the shape {values.shape}. Give one row at least.")


def _check_offset(offset: np.ndarray, rows: int) -> None:
    if offset.dtype.kind not in "iu" or offset.ndim != 1 or len(offset) < 2:
        raise SamplesError(
            "--offset is no list of integers: the first row of each sample, then the number of "
            "rows. Give such a list."
        )
    if offset[0] != 0 or offset[-1] != rows:
        raise SamplesError(
            f"--offset goes from {offset[0]} to {offset[-1]}, and there are {rows} rows. Begin at "
            "0 and end with their number."
        )
    short = np.flatnonzero(offset[1:] < offset[:-1] + 2)
    if len(short):
        place = short[0] + 1
        raise SamplesError(
            f"--offset: entry {place} is {offset[place]} behind {offset[place - 1]} (a sample has "
            "a query and a candidate at least). Leave such samples out."
        )


def _check_shape_of_labels(samples: Samples) -> None:
    labels, grouped = samples.labels, samples.offset is not None
    if labels.dtype.kind not in "biu":
        raise SamplesError(f"the labels are {labels.dtype}. Give integers.")
    if labels.ndim not in ((1,) if grouped else (1, 2)) or labels.size == 0:
        wanted = "one a sample" if grouped else "one a row, or one a place of each row"
        raise SamplesError(f"the labels have the shape {labels.shape}. Give {wanted}.")
    if len(labels) != samples.num_samples:
        raise SamplesError(
            f"there are labels of {len(labels)} {'samples' if grouped else 'rows'}, and "
            f"{samples.num_samples} of these. Give labels of each."
        )


def cut(samples: Samples, first: int, count: int | None) -> Samples:
    """`count` samples from `first` on, or all that are left. SamplesError where there are fewer."""
    end = samples.num_samples if count is None else first + count
    if not 0 <= first < end <= samples.num_samples:
        raise SamplesError(
            f"there are {samples.num_samples} samples, and --first {first}"
            f"{'' if count is None else f' --count {count}'} asks for others. Ask for fewer."
        )
    labels = None if samples.labels is None else samples.labels[first:end]
    rows, offset = slice(first, end), None
    if samples.offset is not None:
        kept = samples.offset[first : end + 1]
        rows, offset = slice(int(kept[0]), int(kept[-1])), kept - kept[0]
    inputs = {name: found[rows] for name, found in samples.inputs.items()}
    return Samples(inputs, labels, offset)


def check_values(samples: Samples) -> None:
    """SamplesError for reals that are not finite in fp32 and labels that do not fit."""
    for name, found in samples.inputs.items():
        if found.values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                finite = np.isfinite(found.values.astype(np.float32))
            if not finite.all():
                place = np.unravel_index(int(np.argmin(finite)), finite.shape)
                raise SamplesError(
                    f"input '{name}': value {[int(axis) for axis in place]} is "
                    f"{found.values[place]}, no finite number of fp32. Correct it, or leave the "
                    "sample out."
                )
    if samples.labels is None:
        return
    labels = samples.labels.astype(np.int64)
    counts = labels >= 0
    wrong = ~counts if labels.ndim == 1 else ~counts & (labels != NO_LABEL)
    meant = "classes from 0 on" + ("" if labels.ndim == 1 else f", and {NO_LABEL} where none is")
    if samples.offset is not None:
        wrong |= labels >= np.diff(samples.offset.astype(np.int64)) - 1
        meant = "the place of the right candidate, from 0 on"
    if wrong.any():
        place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise SamplesError(
            f"label {[int(axis) for axis in place]} is {labels[place]}. Give {meant}."
        )
    if labels.ndim == 2 and not counts.any(axis=1).all():
        row = int(np.argmin(counts.any(axis=1)))
        raise SamplesError(f"row {row} has no label that counts. Leave such rows out.")
