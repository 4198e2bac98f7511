"""Items as requests: sequences of tokens with the place from which on tokens are scored."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..tokens import TokensError
from ..tokens.encoding import Encoder
from .prompts import NO_LABEL, Document, Prompt, Question


@dataclass(frozen=True)
class Request:
    tokens: list[int]
    start: int  # targets are tokens[start:], inputs tokens[:-1]
    choice: int = 0
    bytes: int = 0  # of the choice
    characters: int = 0


@dataclass(frozen=True)
class Item:
    line: int
    requests: list[Request]
    label: int
    bytes: int = 0  # of the raw document
    words: int = 0


@dataclass
class Made:
    items: list[Item] = field(default_factory=list)
    truncated: int = 0  # requests whose context was longer
    dropped: int = 0


class Unscorable(Exception):
    """Why an item has no log-likelihood."""


def make(
    encoder: Encoder, items: Iterable[Question | Document], length: int, drop: bool, name: str
) -> Made:
    """Requests of at most `length` inputs. Items that have no log-likelihood are left out where
    that is asked for; otherwise they end it, after all are seen."""
    made, unscorable = Made(), []
    for item in items:
        try:
            made.items.append(
                _documented(encoder, item, length)
                if isinstance(item, Document)
                else _asked(encoder, _checked(item, name), length, made)
            )
        except Unscorable as problem:
            unscorable.append(f"line {item.line}: {problem}")
    if unscorable and not drop:
        raise TokensError(
            f"{name}: {len(unscorable)} of {len(made.items) + len(unscorable)} items cannot be "
            f"scored, the first in {unscorable[0]}. Leave them out by --drop, which stores how "
            "many they are, or change --length or the tokenizer."
        )
    if not made.items:
        raise TokensError(f"{name}: it has no item that can be scored. Give the task's raw data.")
    made.dropped = len(unscorable)
    return made


def _checked(question: Question, name: str) -> Question:
    count = len(question.prompts)
    if not 0 <= question.label < count:
        raise TokensError(
            f"{name}:{question.line}: the right choice is said to be number {question.label} "
            f"(from 0 on) of {count}. Give the task's raw data as it is published."
        )
    return question


def _asked(encoder: Encoder, question: Question, length: int, made: Made) -> Item:
    requests = []
    for place, prompt in enumerate(question.prompts):
        context, continuation = pair(encoder, prompt)
        shown = f"the continuation '{prompt.choice}' of choice {place}"
        if not prompt.choice:
            raise Unscorable(f"choice {place} is empty")
        if not continuation:
            raise Unscorable(f"{shown} has no token of its own")
        if not context:
            raise Unscorable(f"nothing stands before {shown}: its context has no token")
        if len(continuation) > length:
            raise Unscorable(f"{shown} has {len(continuation)} tokens, more than {length}")
        tokens = [*context, *continuation][-(length + 1) :]
        made.truncated += len(context) + len(continuation) > length + 1
        sizes = (len(prompt.choice.encode()), len(prompt.choice))
        requests.append(Request(tokens, len(tokens) - len(continuation), place, *sizes))
    return Item(question.line, requests, question.label)


def pair(encoder: Encoder, prompt: Prompt) -> tuple[list[int], list[int]]:
    """The tokens of a context and those that its continuation adds. White space at the end of the
    context belongs to the continuation; an empty context is the prefix token."""
    context, continuation = prompt.context, f" {prompt.choice}"
    if context == "":
        prefix, tokens = encoder.prefix(), encoder.plain(continuation)
        return [prefix], tokens[1:] if tokens[:1] == [prefix] else tokens
    bare = context.rstrip()
    whole = encoder.whole(context + continuation)
    before = encoder.whole(bare)
    return before, whole[len(before) :]


def _documented(encoder: Encoder, document: Document, length: int) -> Item:
    tokens = encoder.whole(document.text)
    if not tokens:
        raise Unscorable("the document has no token")
    requests = windows(tokens, encoder.prefix(), length)
    words = len(re.split(r"\s+", document.raw))
    return Item(document.line, requests, NO_LABEL, len(document.raw.encode()), words)


def windows(tokens: list[int], prefix: int, length: int) -> list[Request]:
    """Every token is predicted once: the first window from the prefix token, later ones from the
    token before; a short last window has a full input and scores its tail alone."""
    first = min(length, len(tokens))
    found = [Request([prefix, *tokens[:first]], 1)]
    for done in range(first, len(tokens), length):
        end = min(done + length, len(tokens))
        inputs = tokens[end - length - 1 : end]
        found.append(Request(inputs, len(inputs) - (end - done)))
    return found
