"""The command `items`: a task's raw data to an items file."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ..tokens import TokensError
from ..tokens.command import (
    add_tokenizer,
    encoder_of,
    natural,
    positive,
    warn_of_unknown,
)
from ..tokens.encoding import Encoder
from . import prompts, raw, requests, writing


@dataclass(frozen=True)
class Task:
    """A row of the table of tasks."""

    read: Callable[[raw.Raw, prompts.Extras], prompts.Asked]
    kind: str  # how its requests are scored
    data: str  # what it is made of, for the help
    labels: bool = False  # whether a file of labels belongs to it


TASKS = {
    "hellaswag": Task(prompts.hellaswag, "choice", "*.jsonl, or text of six lines an item"),
    "piqa": Task(prompts.piqa, "choice", "*.jsonl, right choices by --labels", labels=True),
    "winogrande": Task(prompts.winogrande, "choice", "*.jsonl"),
    "lambada": Task(prompts.lambada, "loglikelihood", "*.jsonl, or a text a line"),
    "wikitext": Task(prompts.wikitext, "rolling", "raw text, or *.jsonl with a page a line"),
    "last-word": Task(
        prompts.last_word, "loglikelihood", "text: the last word of each line; or *.jsonl"
    ),
    "last-word-choice": Task(prompts.last_word_choice, "choice", "the same, one of four words"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "tasks and their raw data (packed by bzip2 as *.bz2, too):\n" + "\n".join(
        f"  {name:<18}{task.data}" for name, task in TASKS.items()
    )
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("--task", choices=TASKS, required=True, metavar="TASK",
                       help="one of those below")  # fmt: skip
    asked.add_argument("--data", type=Path, required=True, metavar="FILE", help="its raw data")
    asked.add_argument("--labels", type=Path, metavar="FILE", help="right choices, one a line; "
                       "only for piqa")  # fmt: skip
    asked.add_argument("--limit", type=positive, metavar="N", help="only the first N items")
    asked.add_argument("--seed", type=natural, default=0, help="of the other words of "
                       "last-word-choice; default: 0")  # fmt: skip
    encoding = add_tokenizer(parser, "before every context and document")
    encoding.add_argument("--length", type=positive, required=True, metavar="L", help="most input "
                          "tokens of a request: the model's; more are cut off on the "
                          "left")  # fmt: skip
    encoding.add_argument("--drop", action="store_true", help="leave items out that cannot be "
                          "scored, and store how many")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="items file, HDF5")


def run(options: argparse.Namespace) -> None:
    task = TASKS[options.task]
    if options.labels is not None and not task.labels:
        raise TokensError(f"--labels: the data of {options.task} have their labels. Leave it out.")
    data = raw.read(options.data)
    labels = None if options.labels is None else raw.read(options.labels)
    encoder = encoder_of(options)
    asked = task.read(data, prompts.Extras(labels, options.seed))
    items = islice(asked.items, options.limit)
    made = requests.make(encoder, items, options.length, options.drop, str(options.data))
    attributes = {
        "task": options.task,
        "variant": asked.variant,
        "kind": task.kind,
        "length": options.length,
        "bos": options.bos,
        "prefix_token": encoder.prefix(),
        "shots": 0,
        "raw_sha256": data.digest,
        "tokenizer_sha256": encoder.digest,
        "vocabulary": encoder.vocabulary,
        "dropped": made.dropped,
    }
    if labels is not None:
        attributes["labels_sha256"] = labels.digest
    writing.write(options.out, made.items, attributes)
    _print_summary(options, asked.variant, made, encoder)


def _print_summary(
    options: argparse.Namespace, variant: str, made: requests.Made, encoder: Encoder
) -> None:
    asked = [request for item in made.items for request in item.requests]
    tokens = sum(len(request.tokens) for request in asked)
    unknown = sum(encoder.num_unknown(request.tokens) for request in asked)
    print(
        f"{options.out}: {options.task} ({variant}), {len(made.items)} items, {made.dropped} "
        f"dropped; {len(asked)} requests, {made.truncated} cut off on the left; {tokens} tokens, "
        f"{unknown} unknown"
    )
    warn_of_unknown(unknown / tokens)
