"""The command `samples`: arrays, images or IDX files to a sample file."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..tokens.command import natural, positive
from . import images, sources, writing
from .content import Input, Samples, SamplesError, check_sizes, check_values, cut

SHORTER = 256 / 224  # of an image's shorter side to --size, as networks for ImageNet have it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    inputs = parser.add_argument_group("inputs of the model")
    inputs.add_argument("--input", type=named_file, action="append", default=[],
                        metavar="NAME=FILE.npy", help="rows along the first axis; once for "
                        "each")  # fmt: skip
    inputs.add_argument("--npz", type=Path, metavar="FILE.npz", help="its arrays are inputs, but "
                        "for 'labels' and 'offset'")  # fmt: skip
    inputs.add_argument("--images", type=Path, metavar="FOLDER", help="images, in sub-folders that "
                        "are classes, or none")  # fmt: skip
    inputs.add_argument("--idx", type=Path, nargs=2, metavar=("IMAGES", "LABELS"), help="IDX files "
                        "such as MNIST's, packed by gzip or not")  # fmt: skip
    pixels = parser.add_argument_group("images (of --images and --idx), stored as bytes")
    pixels.add_argument("--name", default="x", help="the model's name for them; default: x")
    pixels.add_argument("--size", type=positive, metavar="N", help="height and width of --images: "
                        "the centre is cut out")  # fmt: skip
    pixels.add_argument("--shorter", type=positive, metavar="N", help="the shorter side, to which "
                        "--images are resized before; default: 256/224 of --size")  # fmt: skip
    pixels.add_argument("--mean", type=numbers, metavar="M,…", help="taken off pixels from 0 to 1, "
                        "one number or one a channel; default: 0")  # fmt: skip
    pixels.add_argument("--std", type=numbers, metavar="S,…", help="what is left is divided by it; "
                        "default: 1")  # fmt: skip
    asked = parser.add_argument_group("samples")
    asked.add_argument("--labels", type=Path, metavar="FILE.npy", help="classes of rows or of "
                       "their places, or the right candidates")  # fmt: skip
    asked.add_argument("--offset", type=Path, metavar="FILE.npy", help="first row of each sample, "
                       "then their number: a query with its candidates")  # fmt: skip
    asked.add_argument("--first", type=natural, default=0, metavar="N", help="leave N samples out "
                       "at the beginning")  # fmt: skip
    asked.add_argument("--count", type=positive, metavar="M", help="only so many; default: all")
    parser.add_argument("--source", help="where they come from, stored")
    parser.add_argument("--licence", help="on which terms, stored")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="sample file, HDF5")


def named_file(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=FILE.npy")
    return name, Path(path)


def numbers(text: str) -> np.ndarray:
    try:
        found = np.array([float(part) for part in text.split(",")])
    except ValueError:
        found = np.array([np.nan])
    if not np.isfinite(found).all():
        raise argparse.ArgumentTypeError(f"'{text}' is no list of numbers, such as 0.485,0.456")
    return found


def run(options: argparse.Namespace) -> None:
    if options.out.exists():
        raise SamplesError(f"{options.out}: it is there already. Name another file by --out.")
    _check_options(options)
    found = gathered(options)
    check_sizes(found)
    found = cut(found, options.first, options.count)
    if options.images is not None:
        found = with_images(found, options)
    check_values(found)
    texts = {"source": options.source, "licence": options.licence}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    writing.write(options.out, found, {name: text for name, text in texts.items() if text})
    _print_summary(options.out, found)


def _check_options(options: argparse.Namespace) -> None:
    if options.images is not None and options.size is None:
        raise SamplesError("--images has no --size. Give the height and width that the model has.")
    if options.images is not None and options.idx is not None:
        raise SamplesError("--images and --idx are both there. Leave one out.")
    if options.images is None and (options.size or options.shorter):
        raise SamplesError("--size and --shorter are of --images, which is not there. Leave them "
                           "out.")  # fmt: skip
    scaled = options.mean is not None or options.std is not None
    if scaled and options.images is None and options.idx is None:
        raise SamplesError(
            "--mean and --std are of --images and --idx. Give --input as the model takes it."
        )
    if options.size and shorter_side(options) < options.size:
        raise SamplesError("--shorter is less than --size. Give as much or more.")


def shorter_side(options: argparse.Namespace) -> int:
    return options.shorter or round(options.size * SHORTER)


def gathered(options: argparse.Namespace) -> Samples:
    """All that the options name; images as numbers until it is known which are wanted."""
    arrays = {} if options.npz is None else sources.arrays(options.npz)
    labels = {"--npz": arrays.pop("labels", None)}
    offset = {"--npz": arrays.pop("offset", None)}
    found = [(name, Input(values)) for name, values in arrays.items()]
    found += [(name, Input(sources.array(path))) for name, path in options.input]
    if options.idx is not None:
        pixels = sources.idx(options.idx[0], rank=3)[:, np.newaxis]
        found.append((options.name, scaled(pixels, options)))
        labels["--idx"] = sources.idx(options.idx[1], rank=1)
    if options.images is not None:
        paths, labels["--images"] = images.listed(options.images)
        found.append((options.name, Input(np.arange(len(paths)))))
    for name, path in (("labels", options.labels), ("offset", options.offset)):
        if path is not None:
            (labels if name == "labels" else offset)[f"--{name}"] = sources.array(path)
    names = [name for name, _ in found]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise SamplesError(f"input '{min(doubled)}' is there twice. Leave one out.")
    return Samples(dict(found), only("labels", labels), only("offsets", offset))


def only(what: str, listed: dict[str, np.ndarray | None]) -> np.ndarray | None:
    given = {option: values for option, values in listed.items() if values is not None}
    if len(given) > 1:
        raise SamplesError(f"{what} are given by {' and '.join(given)}. Leave one out.")
    return next(iter(given.values()), None)


def with_images(found: Samples, options: argparse.Namespace) -> Samples:
    """With the images in the place of their numbers."""
    paths, _ = images.listed(options.images)
    chosen = [paths[number] for number in found.inputs[options.name].values]
    pixels = images.read(chosen, options.size, shorter_side(options))
    return replace(found, inputs=found.inputs | {options.name: scaled(pixels, options)})


def scaled(pixels: np.ndarray, options: argparse.Namespace) -> Input:
    """Bytes with what makes (byte / 255 − mean) / std of them."""
    mean = np.zeros(1) if options.mean is None else options.mean
    std = np.ones(1) if options.std is None else options.std
    for name, given in (("mean", mean), ("std", std)):
        if len(given) not in (1, pixels.shape[1]):
            raise SamplesError(
                f"--{name} has {len(given)} numbers, and there are {pixels.shape[1]} channels. "
                "Give one, or one for each."
            )
    if (std <= 0).any():
        raise SamplesError("--std has a number that is not above 0. Correct it.")
    scale, offset = 1 / (255 * std), 0 - mean / std
    return Input(pixels, *(part[0] if len(part) == 1 else part for part in (scale, offset)))


def _print_summary(path: Path, samples: Samples) -> None:
    parts = [f"{samples.num_samples} samples"]
    if samples.offset is not None:
        parts.append(f"{samples.num_rows} rows")
    for name, found in samples.inputs.items():
        shape = " x ".join(map(str, found.values.shape[1:])) or "one number"
        is_real = found.scale is not None or found.values.dtype.kind == "f"
        parts.append(f"{name} {shape} {'reals' if is_real else 'indices'}")
    parts.append("no labels" if samples.labels is None else f"labels up to {samples.labels.max()}")
    print(f"{path}: {', '.join(parts)}")
