"""What tasks ask, as lm-evaluation-harness 0.4 words it: raw data to contexts and continuations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..tokens import TokensError
from .raw import Raw, whole_number

NO_LABEL = -1
LINES_OF_ITEM = 6  # of HellaSwag's text form: context, label, four endings
HEADING = re.compile(r"(?m)^ = [^=\n]+ = *$")  # of a WikiText document
LAST_WORD = re.compile(r"\w(?:[\w'’-]*\w)?(?=\W*$)")
NUM_CHOICES = 4  # of last-word-choice


@dataclass(frozen=True)
class Prompt:
    """The model goes on from `context` with a space and `choice`."""

    context: str
    choice: str


@dataclass(frozen=True)
class Question:
    """An item whose prompts are compared."""

    line: int  # of the raw file, from 1 on
    prompts: list[Prompt]
    label: int  # the right one's place


@dataclass(frozen=True)
class Document:
    """An item that is predicted from its first token to its last."""

    line: int
    raw: str  # what bytes and words are counted of
    text: str  # what is predicted


@dataclass(frozen=True)
class Extras:
    """What a task may need beside its data."""

    labels: Raw | None  # a file of right choices, one a line
    seed: int  # of choices that are drawn


@dataclass(frozen=True)
class Asked:
    variant: str  # which of its published forms the data has
    items: Iterator[Question] | Iterator[Document]


def hellaswag(raw: Raw, _: Extras) -> Asked:
    if raw.is_json:
        return Asked("json-lines", _hellaswag_records(raw))
    return Asked("six-lines", _hellaswag_lines(raw))


def _hellaswag_records(raw: Raw) -> Iterator[Question]:
    for record in raw.records():
        beginning = f"{record.text('ctx_a')} {record.text('ctx_b').capitalize()}"
        context = clean(f"{record.text('activity_label')}: {beginning}")
        prompts = [Prompt(context, clean(ending)) for ending in record.texts("endings")]
        yield Question(record.line, prompts, record.number("label"))


def _hellaswag_lines(raw: Raw) -> Iterator[Question]:
    """Cleaned already, and not capitalised as the harness does it."""
    lines = raw.lines()
    if len(lines) % LINES_OF_ITEM:
        raise TokensError(
            f"{raw.path}: it has {len(lines)} lines, which is no multiple of {LINES_OF_ITEM} "
            "(context, label, four endings). Give the whole file, or JSON lines as *.jsonl."
        )
    for first in range(0, len(lines), LINES_OF_ITEM):
        context, label, *endings = lines[first : first + LINES_OF_ITEM]
        place = f"{raw.path}:{first + 2}: the label"
        prompts = [Prompt(context, ending) for ending in endings]
        yield Question(first + 1, prompts, whole_number(label, place))


def clean(text: str) -> str:
    """Without the marks of the site that HellaSwag's texts come from."""
    text = re.sub(r"\[.*?\]", "", text.strip().replace(" [title]", ". "))
    return text.replace("  ", " ")


def piqa(raw: Raw, extras: Extras) -> Asked:
    return Asked("json-lines", _piqa(raw, extras.labels))


def _piqa(raw: Raw, labels: Raw | None) -> Iterator[Question]:
    records = list(raw.records())
    if labels is None:
        listed = [record.number("label") if record.has("label") else None for record in records]
    else:
        listed = [
            whole_number(label, f"{labels.path}:{number}")
            for number, label in enumerate(labels.lines(), start=1)
        ]
        if len(listed) != len(records):
            raise TokensError(
                f"{labels.path}: it has {len(listed)} labels, and {raw.path} has {len(records)} "
                "items. Give the labels of the same split."
            )
    for record, label in zip(records, listed, strict=True):
        if label is None:
            record.refuse("it has no field 'label', and no file of labels is named by --labels")
        context = f"Question: {record.text('goal')}\nAnswer:"
        prompts = [Prompt(context, record.text(name)) for name in ("sol1", "sol2")]
        yield Question(record.line, prompts, label)


def winogrande(raw: Raw, _: Extras) -> Asked:
    return Asked("json-lines", _winogrande(raw))


def _winogrande(raw: Raw) -> Iterator[Question]:
    """The contexts differ and the continuation is the same."""
    for record in raw.records():
        before, gap, after = record.text("sentence").partition("_")
        if not gap:
            record.refuse("'sentence' has no gap (_)")
        options = [record.text(name) for name in ("option1", "option2")]
        prompts = [Prompt(before + option, after.strip()) for option in options]
        yield Question(record.line, prompts, record.number("answer") - 1)


def lambada(raw: Raw, _: Extras) -> Asked:
    """The text of openai has capitals and newlines, the standard one is lower-cased."""
    texts = _texts(raw)
    is_standard = all(text == text.lower() for _, text in texts)
    return Asked("standard" if is_standard else "openai", _lambada(raw, texts))


def _texts(raw: Raw) -> list[tuple[int, str]]:
    """With the line of each: fields of JSON lines, or lines that are not blank."""
    if raw.is_json:
        return [(record.line, record.text("text")) for record in raw.records()]
    return [(n, line) for n, line in enumerate(raw.lines(), start=1) if line.strip()]


def _lambada(raw: Raw, texts: list[tuple[int, str]]) -> Iterator[Question]:
    for line, text in texts:
        context, _, word = text.rpartition(" ")
        if not word:
            raise TokensError(
                f"{raw.path}:{line}: the text ends in a space, so that it has no last word. "
                "Give the texts as they are published."
            )
        yield Question(line, [Prompt(context, word)], 0)


def wikitext(raw: Raw, _: Extras) -> Asked:
    if raw.is_json:
        pages = [(record.line, record.text("page", "text")) for record in raw.records()]
        return Asked("json-lines", _documents(pages))
    starts = [match.start() for match in HEADING.finditer(raw.text)]
    if not starts:
        raise TokensError(
            f"{raw.path}: no line is a heading such as ' = Title = ', at which documents are cut. "
            "Give WikiText's raw text, or JSON lines with a field 'page' as *.jsonl."
        )
    pages, line = [], 1
    for first, end in pairwise([0, *starts, len(raw.text)]):
        pages.append((line, raw.text[first:end]))
        line += raw.text.count("\n", first, end)
    return Asked("raw-text", _documents(pages[1:]))


def _documents(pages: list[tuple[int, str]]) -> Iterator[Document]:
    for line, page in pages:
        yield Document(line, page, detokenise(page))


def _replaced(old: str, new: str):
    return lambda text: text.replace(old, new)


def _substituted(pattern: str, new: str):
    return lambda text: re.sub(pattern, new, text)


DETOKENISING = [  # in this order; the second has stray slashes, and is what numbers are made with
    _replaced("s '", "s'"),
    _substituted(r"/' [0-9]/", r"/'[0-9]/"),
    *(_replaced(f" @{mark}@ ", mark) for mark in "-,."),
    *(_replaced(f" {mark} ", f"{mark} ") for mark in ":;.!?,"),
    _substituted(r"\(\s*([^\)]*?)\s*\)", r"(\1)"),
    _substituted(r"\[\s*([^\]]*?)\s*\]", r"[\1]"),
    _substituted(r"{\s*([^}]*?)\s*}", r"{\1}"),
    _substituted(r"\"\s*([^\"]*?)\s*\"", r'"\1"'),
    _substituted(r"'\s*([^']*?)\s*'", r"'\1'"),
    _replaced("= = = =", "===="),
    _replaced("= = =", "==="),
    _replaced("= =", "=="),
    _replaced(" \xb0 ", "\xb0"),
    _replaced(" \n", "\n"),
    _replaced("\n ", "\n"),
    _replaced(" N ", " 1 "),
    _replaced(" 's", "'s"),
]


def detokenise(text: str) -> str:
    """WikiText as it would be written: without the spaces around its tokens."""
    for replace in DETOKENISING:
        text = replace(text)
    return text


def last_word(raw: Raw, _: Extras) -> Asked:
    items = (Question(line, [prompt], 0) for line, prompt in _last_words(raw))
    return Asked(_form(raw), items)


def last_word_choice(raw: Raw, extras: Extras) -> Asked:
    variant = f"{_form(raw)}, {NUM_CHOICES} choices, seed {extras.seed}"
    return Asked(variant, _choices(raw, np.random.default_rng(extras.seed)))


def _form(raw: Raw) -> str:
    return "json-lines" if raw.is_json else "lines"


def _last_words(raw: Raw) -> Iterator[tuple[int, Prompt]]:
    """The last word of each text, without the marks behind it; texts without a word are none."""
    for number, text in _texts(raw):
        if found := LAST_WORD.search(text):
            yield number, Prompt(text[: found.start()].rstrip(), found[0])


def _choices(raw: Raw, generator: np.random.Generator) -> Iterator[Question]:
    """The others are last words of other texts, as often as these have them."""
    asked = list(_last_words(raw))
    words = [prompt.choice for _, prompt in asked]
    if len(set(words)) < NUM_CHOICES:
        raise TokensError(
            f"{raw.path}: its texts end in {len(set(words))} different words, and an item has "
            f"{NUM_CHOICES} choices. Give more text, or ask for the task last-word."
        )
    for line, prompt in asked:
        choices = [prompt.choice]
        while len(choices) < NUM_CHOICES:
            word = words[generator.integers(len(words))]
            if word not in choices:
                choices.append(word)
        order = generator.permutation(NUM_CHOICES)
        prompts = [Prompt(prompt.context, choices[place]) for place in order]
        yield Question(line, prompts, int(np.flatnonzero(order == 0)[0]))
