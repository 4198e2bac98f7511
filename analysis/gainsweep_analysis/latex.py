"""Tables for papers: LaTeX with the package booktabs."""

from . import grid
from .notation import DASH

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    **{character: f"${character}$" for character in "<>|"},
    "τ": r"$\tau$",
    "Δ": r"$\Delta$",
    "−": "$-$",
    DASH: "--",
    "*": "$^{*}$",
}


def escaped(words: str) -> str:
    return "".join(SPECIAL.get(character, character) for character in words)


def row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def tabular(columns: list[grid.Column], notes: list[str]) -> str:
    """Columns with names in the first; the notes stand before it as comments."""
    heads = [escaped(f"{column.group} {column.head}".strip()) for column in columns]
    body = zip(*(column.cells for column in columns), strict=True)
    return "\n".join([
        *(f"% {note}" for note in notes),
        r"% \usepackage{booktabs}",
        rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}",
        r"\toprule",
        row(heads),
        r"\midrule",
        *(row([escaped(cell.strip()) for cell in cells]) for cells in body),
        r"\bottomrule",
        r"\end{tabular}",
    ])  # fmt: skip
