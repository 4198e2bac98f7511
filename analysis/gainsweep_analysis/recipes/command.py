"""The command `export`."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from .. import checkpoint, exports
from ..contents import Archive
from ..disk import write_whole
from ..exports import Chosen
from ..notation import DASH, significant
from ..seal import ArchiveError
from ..table import gain_scale
from . import TARGETS, named, recipe
from .repair import worth

# For any program: the text, and how it is used.
LAYOUTS = {
    "plan": (exports.json_text, "evaluate: {{plans: [{file}]}} in a spec"),
    "csv": (exports.csv_text, 'csv.DictReader(open("{file}"))'),
}
WITH_CHECKPOINTS = "compressed-tensors"
FLAVOURS = sorted({target.flavour for target in TARGETS.values() if target.flavour})
TOOLS = dict.fromkeys(name.removesuffix(f"-{target.flavour}") for name, target in TARGETS.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--objective", help="where there are several: time, macs or memory")
    parser.add_argument("--strategy", help="the first of the spec's unless another is named")
    parser.add_argument("--to", choices=(*TOOLS, *LAYOUTS), required=True, help="who reads it")
    parser.add_argument("--flavour", choices=FLAVOURS, help="of inc: whose names of modules")
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


def run(found: Archive, choose: Callable[[], Chosen], options: argparse.Namespace) -> None:
    """ArchiveError where the plan cannot be said; nothing is written then."""
    _check(options)
    if options.to in LAYOUTS:
        chosen = choose()
        text, use = LAYOUTS[options.to]
        _write({"": text(chosen)}, options)
        _tell([_about(chosen), f"use: {use.format(file=options.out or 'FILE')}"])
        return
    target = named(options.to, options.flavour)
    chosen = choose()
    made = recipe(chosen, target, options.nearest)
    places = _places(options, made.files)
    if options.checkpoint is not None:
        done = checkpoint.write(found, made.formats, options.model, options.checkpoint)
        print(f"{options.checkpoint}: {done.layers} layers lowered, {done.bytes / 1e6:.4g} MB")
    if options.checkpoint is None or options.out is not None:
        _write(made.files, options)
    use = target.use if options.checkpoint is None else f"vllm serve {options.checkpoint}"
    _tell([_about(chosen), *made.changes, *made.notes, f"use: {use.format(**places)}"])


def _check(options: argparse.Namespace) -> None:
    if (options.checkpoint is None) != (options.model is None):
        raise ArchiveError("--checkpoint needs --model, the folder of the model, and the reverse.")
    if options.checkpoint is not None and options.to != WITH_CHECKPOINTS:
        raise ArchiveError(f"Only --to {WITH_CHECKPOINTS} has checkpoints.")
    if options.to in LAYOUTS and (options.nearest or options.flavour):
        raise ArchiveError(f"--to {options.to} says every plan of every model as it is. Leave "
                           "--nearest and --flavour out.")  # fmt: skip


def _about(chosen: Chosen) -> str:
    """Which plan it is, and what is predicted of it."""
    archive = chosen.archive
    lowered = sum(format_ != archive.formats[0] for format_ in chosen.formats)
    predicted = worth(chosen, chosen.formats)
    factor, unit = gain_scale(archive, chosen.plans.objective)
    gain = DASH if predicted.gain is None else f"{significant(predicted.gain, 3, factor)} {unit}"
    return (
        f"{exports.whose(chosen)}: {lowered} of {len(archive.ops)} ops lowered, predicted loss "
        f"error τ {significant(predicted.tau, 3, 100)} %, gain {gain}"
    )


def _tell(lines: list[str]) -> None:
    """Beside what may go to standard output."""
    for line in lines:
        print(f"gainsweep_analysis: {line}", file=sys.stderr)


def _places(options: argparse.Namespace, files: dict[str, str]) -> dict[str, Path | str]:
    """By the names that uses have; ArchiveError where several files have no --out."""
    if options.out is None:
        if len(files) > 1:
            raise ArchiveError(f"--to {options.to} writes {len(files)} files. Give one of them a "
                               "name by --out FILE.")  # fmt: skip
        return {"file": "FILE"}
    return {part or "file": _path(options.out, part) for part in files}


def _path(out: Path, part: str) -> Path:
    return out.with_name(f"{out.stem}.{part}{out.suffix}") if part else out


def _write(files: dict[str, str], options: argparse.Namespace) -> None:
    """All of them or none that is there already."""
    if options.out is None:
        sys.stdout.write(files[""])
        return
    paths = {_path(options.out, part): text for part, text in files.items()}
    for path in paths:
        if path.exists():
            raise ArchiveError(f"{path} is there already. Give another --out.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for path, text in paths.items():
        write_whole(path, text)
