"""Chats as texts by a Jinja template, with the places of what the assistant says."""

import json
from pathlib import Path

from .documents import Document
from .problem import TokensError


class Template:
    """A chat template: a Jinja file, or the `chat_template` of a tokenizer_config.json."""

    def __init__(self, path: Path):
        try:
            from jinja2 import TemplateError, TemplateSyntaxError
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        except ImportError:
            raise TokensError(
                "chat templates need the Python package Jinja2, which is not installed. Install "
                "it (pip install jinja2)."
            ) from None
        self._path, self._errors = path, (TemplateError, TypeError, KeyError)
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = self._raise
        try:
            self._template = environment.from_string(_source(path))
        except TemplateSyntaxError as error:
            raise TokensError(
                f"{path}: line {error.lineno} is no sound Jinja ({error.message})."
            ) from None

    def render(self, document: Document) -> tuple[str, list[tuple[int, int]]]:
        """The text, and the ranges of it that the assistant says."""
        messages = document.content
        if not isinstance(messages, list) or not all(
            isinstance(message, dict) and isinstance(message.get("role"), str)
            for message in messages
        ):
            raise TokensError(
                f"{document.place}: the field is no list of messages with a role. Name another by "
                "--field, or leave --template out."
            )
        whole = self._text(document, messages, False)
        ranges = []
        for place, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._text(document, messages[:place], True)
            upto = self._text(document, messages[: place + 1], False)
            if not (whole.startswith(upto) and upto.startswith(before)):
                raise TokensError(
                    f"{document.place}: message {place} is written otherwise when others follow "
                    f"({self._path} looks ahead), so that what the assistant says cannot be "
                    "told. Use a template that writes message after message."
                )
            ranges.append((len(before), len(upto)))
        return whole, ranges

    def _text(self, document: Document, messages: list, generation: bool) -> str:
        try:
            return self._template.render(
                messages=messages, add_generation_prompt=generation, bos_token="", eos_token=""
            )
        except self._errors as error:
            raise TokensError(f"{document.place}: {self._path} refuses it ({error}).") from None

    @staticmethod
    def _raise(message: str) -> None:
        raise TypeError(message)


def _source(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return text
    try:
        found = json.loads(text).get("chat_template")
    except (json.JSONDecodeError, AttributeError):
        raise TokensError(f"{path}: it is not a JSON object.") from None
    if not isinstance(found, str):
        raise TokensError(f"{path}: it has no chat_template that is one text. Name a Jinja file.")
    return found
