"""The command `export`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from .. import checkpoint, exports
from ..contents import Archive
from ..disk import write_whole
from ..seal import ArchiveError
from . import TARGETS, recipe

LAYOUTS = {"plan": exports.json_text, "csv": exports.csv_text}  # for any program
WITH_CHECKPOINTS = "compressed-tensors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--objective", help="where there are several: time, macs or memory")
    parser.add_argument("--strategy", help="the first of the spec's unless another is named")
    parser.add_argument("--to", choices=(*TARGETS, *LAYOUTS), required=True, help="who reads it")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="standard output where it is left out"
    )
    parser.add_argument(
        "--nearest", action="store_true", help="keep ops high that cannot be said otherwise"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="OUT", help="write a folder with packed weights"
    )
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="of the archive's model")


def run(found: Archive, choose: Callable[[], exports.Chosen], options: argparse.Namespace) -> None:
    """ArchiveError where the plan cannot be said; nothing is written then."""
    _check(options)
    chosen = choose()
    if options.to in LAYOUTS:
        _put(options.out, LAYOUTS[options.to](chosen))
        return
    made = recipe(chosen, TARGETS[options.to], options.nearest)
    for note in made.notes:
        print(f"gainsweep_analysis: {note}", file=sys.stderr)
    if options.checkpoint is not None:
        done = checkpoint.write(found, made.formats, options.model, options.checkpoint)
        print(f"{options.checkpoint}: {done.layers} layers lowered, {done.bytes / 1e6:.4g} MB")
    if options.checkpoint is None or options.out is not None:
        _put(options.out, made.text)


def _check(options: argparse.Namespace) -> None:
    if (options.checkpoint is None) != (options.model is None):
        raise ArchiveError("--checkpoint needs --model, the folder of the model, and the reverse.")
    if options.checkpoint is not None and options.to != WITH_CHECKPOINTS:
        raise ArchiveError(f"Only --to {WITH_CHECKPOINTS} has checkpoints.")
    if options.out is not None and options.out.exists():
        raise ArchiveError(f"{options.out} is there already. Give another --out.")


def _put(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
