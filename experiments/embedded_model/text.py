"""The training text: the King James Bible as Debian's `bible-kjv` prints it, cut into chapters."""

import re
import subprocess
from itertools import groupby

VERSE = re.compile(r"^(\w+?)(\d+):\d+ (.*)$")


def read_chapters() -> list[str]:
    """Every chapter of the text in its printed order, one verse to a line."""
    printed = subprocess.run(
        ["bible", "-l100000", "-f", "gen1:1-rev22:21"], check=True, capture_output=True, text=True
    ).stdout
    verses = [
        (match[1], match[2], match[3]) for match in map(VERSE.match, printed.splitlines()) if match
    ]
    return [
        "".join(text + "\n" for _, _, text in chapter)
        for _, chapter in groupby(verses, key=lambda verse: verse[:2])
    ]


def split(chapters: list[str]) -> tuple[list[str], list[str]]:
    """(training chapters, held-out chapters): every 20th chapter is held out."""
    held_out = chapters[19::20]
    training = [chapter for index, chapter in enumerate(chapters) if index % 20 != 19]
    return training, held_out
