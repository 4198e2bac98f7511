"""The command `tokens`: texts to token files."""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import packing, writing
from .chat import Template
from .documents import LAYOUTS, Document, Sources
from .encoding import BOS, Encoded, Encoder
from .problem import TokensError

MOST_UNKNOWN = 0.001  # share of unknown tokens above which a warning is printed
SEPARATORS = "bos, eos, none, or a text such as '\\n\\n'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    texts = parser.add_argument_group("texts (- is standard input)")
    chosen = texts.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--text", nargs="+", metavar="FILE", help="a document each, UTF-8")
    chosen.add_argument("--jsonl", nargs="+", metavar="FILE", help="a JSON object a line")
    chosen.add_argument("--parquet", nargs="+", metavar="FILE", help="a document a row")
    texts.add_argument("--field", default="text", help="of objects and rows; default: text")
    texts.add_argument("--template", type=Path, metavar="FILE", help="chat template: the "
                       "field is a list of messages; what the assistant says counts")  # fmt: skip
    texts.add_argument("--skip", type=natural, default=0, metavar="N", help="documents left out at "
                       "the beginning, after shuffling")  # fmt: skip
    texts.add_argument("--min-length", type=natural, default=0, metavar="N", help="drop documents "
                       "of fewer tokens")  # fmt: skip
    texts.add_argument("--shuffle", choices=("documents",), help="take documents in random order")
    texts.add_argument("--seed", type=natural, default=0, help="of --shuffle; default: 0")
    encoding = add_tokenizer(parser, "before every document")
    encoding.add_argument("--separator", default="none", help=f"between documents: {SEPARATORS}")
    samples = parser.add_argument_group("samples")
    samples.add_argument("--pack", choices=packing.PACKS, default="concat", help="one stream whose "
                         "samples cross documents, or samples within documents")  # fmt: skip
    samples.add_argument("--short", choices=packing.SHORT, default="drop", help="samples within "
                         "documents that end before --length")  # fmt: skip
    samples.add_argument("--length", type=positive, required=True, metavar="L", help="most tokens "
                         "of a sample; as many targets")  # fmt: skip
    samples.add_argument("--stride", type=positive, metavar="S", help="from one sample to the "
                         "next; default: --length")  # fmt: skip
    samples.add_argument("--samples", type=positive, metavar="N", help="default: all there are")
    samples.add_argument("--split", type=split, metavar="NAME=N,…", help="a file a name, "
                         "FILE-NAME.h5, without overlap: calibration=64,evaluation=32")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="token file, HDF5")


def add_tokenizer(parser: argparse.ArgumentParser, where: str):
    """The group of options that an Encoder is made of."""
    encoding = parser.add_argument_group("tokens")
    encoding.add_argument("--tokenizer", type=Path, required=True, metavar="PATH",
                          help="tokenizer.json, or a folder that has one")  # fmt: skip
    encoding.add_argument("--bos", choices=BOS, default="auto", help=f"{where}: as the tokenizer "
                          "does it, always or never")  # fmt: skip
    for name in ("bos", "eos"):
        encoding.add_argument(f"--{name}-token", metavar="TOKEN", help=f"{name.upper()} where the "
                              "files beside the tokenizer do not name it")  # fmt: skip
    return encoding


def encoder_of(options: argparse.Namespace) -> Encoder:
    names = {"bos": options.bos_token, "eos": options.eos_token}
    return Encoder(options.tokenizer, options.bos, names)


def natural(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0 on")
    return int(text)


def positive(text: str) -> int:
    if natural(text) == 0:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return int(text)


def split(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in text.split(","):
        name, equals, count = part.partition("=")
        if not equals or not name or "/" in name or name in found:
            raise argparse.ArgumentTypeError(
                f"'{part}' is not NAME=N with a name of its own, such as calibration=64"
            )
        found[name] = positive(count)
    return found


@dataclass(frozen=True)
class Taken:
    """The documents that samples are made of, and what became of all."""

    kept: list[Encoded]
    documents: int  # that were encoded
    dropped: int  # of them, too short


def run(options: argparse.Namespace) -> None:
    if options.split and options.samples:
        raise TokensError("--samples and --split both say how many. Leave one out.")
    layout = next(name for name in LAYOUTS if getattr(options, name))
    sources = Sources(getattr(options, layout), layout, options.field)
    encoder = encoder_of(options)
    template = None if options.template is None else Template(options.template)
    separator = separating(encoder, options.separator)
    taken = take(encoder.encode(chosen(sources, options), template), options.min_length)
    stream = packing.join(taken.kept, separator)
    stride = options.stride or options.length
    found = packing.windows(stream, options.length, stride, options.pack, options.short)
    outputs = divided(options, stream, found)
    _print_summary(taken, stream, sum(len(part) for _, part in outputs))
    attributes = {
        "tokenizer_sha256": encoder.digest,
        "source_sha256": sources.digest,
        "options": json.dumps(_told(options), ensure_ascii=False, sort_keys=True),
        "documents": taken.documents,
        "dropped": taken.dropped,
        "vocabulary": encoder.vocabulary,
    }
    for path, part in outputs:
        writing.write(path, stream, part, options.length, attributes)
        print(f"{path}: {len(part)} samples")


def chosen(sources: Sources, options: argparse.Namespace) -> Iterable[Document]:
    documents = list(sources)  # all are read: the digest is of all
    if options.shuffle:
        order = np.random.default_rng(options.seed).permutation(len(documents))
        documents = [documents[place] for place in order]
    if documents and options.skip >= len(documents):
        raise TokensError(
            f"--skip {options.skip} leaves nothing of {len(documents)} documents. Skip fewer."
        )
    return documents[options.skip :]


def take(documents: Iterable[Encoded], least: int) -> Taken:
    kept, count = [], 0
    for document in documents:
        count += 1
        if len(document.ids) >= least:
            kept.append(document)
    return Taken(kept, count, count - len(kept))


def separating(encoder: Encoder, wanted: str) -> list[int]:
    if wanted == "none":
        return []
    if wanted in ("bos", "eos"):
        return [encoder.special(wanted)]
    text = wanted.replace("\\n", "\n").replace("\\t", "\t")
    return encoder.plain(text)


def divided(
    options: argparse.Namespace, stream: packing.Stream, found: list[tuple[int, int]]
) -> list[tuple[Path, list[tuple[int, int]]]]:
    """The samples of each file."""
    sizes = options.split or {"": options.samples or len(found)}
    starts = [first for first, _ in stream.documents]
    document_of = None
    if options.pack == "per-document":
        document_of = lambda place: int(np.searchsorted(starts, place, "right"))  # noqa: E731
    listed = packing.parts(found, list(sizes.values()), document_of)
    if listed is None or not found:
        raise TokensError(
            f"the texts have {len(found)} samples of "
            f"{'up to ' * (options.pack != 'concat')}{options.length} tokens, and "
            f"{sum(sizes.values()) or 'some'} are wanted without overlap. Give more text, or ask "
            "for fewer or shorter samples."
        )
    out = options.out
    paths = [out.with_name(f"{out.stem}-{name}{out.suffix}") if name else out for name in sizes]
    return list(zip(paths, listed, strict=True))


def _print_summary(taken: Taken, stream: packing.Stream, samples: int) -> None:
    num_bytes = sum(document.num_bytes for document in taken.kept)
    unknown = sum(document.num_unknown for document in taken.kept)
    tokens = len(stream.ids)
    print(
        f"{taken.documents} documents, {taken.dropped / max(1, taken.documents):.1%} dropped; "
        f"{tokens} tokens, {tokens / max(1, num_bytes):.3f} a byte; {samples} samples; "
        f"{unknown} unknown tokens"
    )
    warn_of_unknown(unknown / max(1, tokens))


def warn_of_unknown(share: float) -> None:
    if share > MOST_UNKNOWN:
        print(
            f"gainsweep_analysis: warning: {share:.2%} of the tokens are unknown ones: the "
            "tokenizer does not know this text's characters.",
            file=sys.stderr,
        )


def _told(options: argparse.Namespace) -> dict:
    """The options by name, without places of files: those have digests."""
    places = ("text", "jsonl", "parquet", "tokenizer", "template", "out", "run", "command")
    told = {name: value for name, value in vars(options).items() if name not in places}
    if options.template is not None:
        told["template"] = options.template.read_text(encoding="utf-8")
    return told
