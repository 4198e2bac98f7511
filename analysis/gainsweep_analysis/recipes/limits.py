"""What a runtime's file cannot say of a plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..contents import Archive, Format, Number
from .layers import fused_groups


@dataclass(frozen=True)
class Problem:
    """Ops that cannot be said as they are; they can if all of them stay high."""

    what: str
    ops: tuple[int, ...]
    instead: str


@dataclass(frozen=True)
class Abilities:
    """What a runtime's files can say."""

    attention: bool  # products of two activations, op by op
    splits: bool  # layers that runtimes fuse, each in a format of its own
    remainders: bool  # rows whose last block is shorter
    obstacle: Callable[[Format], str]  # why it has no such format, empty where it has
    # What is wrong with the formats of all ops together.
    whole: Callable[[Archive, list[Format]], list[Problem]] = lambda archive, formats: []


def problems(archive: Archive, formats: list[Format], able: Abilities) -> list[Problem]:
    lowered = [place for place, format_ in enumerate(formats) if format_ != archive.formats[0]]
    found = [*_unnamed(archive, lowered, able)]
    if not able.splits:
        found += splits(archive, formats)
    if not able.remainders:
        found += _remainders(archive, formats, lowered)
    for format_ in archive.formats[1:]:
        ops = tuple(place for place in lowered if formats[place] == format_)
        obstacle = (_cut_off(format_) or able.obstacle(format_)) if ops else ""
        if obstacle:
            found.append(
                Problem(f"{format_.name}: {obstacle}", ops, "Solve again without it in formats.low")
            )
    return found + able.whole(archive, formats)


def _cut_off(format_: Format) -> str:
    if format_.weight.range == "max":
        return ""
    return "runtimes scale weights to their largest magnitudes; solve with range: max"


def _unnamed(archive: Archive, lowered: list[int], able: Abilities) -> list[Problem]:
    found = []
    products = tuple(p for p in lowered if archive.ops[p].kind == "matmul")
    if products and not able.attention:
        found.append(
            Problem(
                "products of two activations have no format of their own there (fp8 attention "
                "is a matter of the whole KV cache)",
                products,
                "Solve again with formats that leave activations high",
            )
        )
    nameless = tuple(
        p for p in lowered if archive.ops[p].kind != "matmul" and not archive.ops[p].module
    )
    if nameless:
        found.append(
            Problem("their weights are no tensors of the checkpoint", nameless, "Keep them high")
        )
    shared = tuple(p for p in lowered if archive.ops[p].weight_shared)
    if shared:
        found.append(
            Problem(
                "something that stays high reads the weight too (a tied embedding)",
                shared,
                "Untie the model's embedding",
            )
        )
    convolutions = tuple(p for p in lowered if archive.ops[p].kind == "convolution")
    if convolutions:
        found.append(
            Problem("only linear layers have formats there", convolutions, "Keep them high")
        )
    return found


def splits(archive: Archive, formats: list[Format]) -> list[Problem]:
    """Groups that runtimes run in one format and the plan in several."""
    return [
        Problem(
            "runtimes run them as one matrix product, in one format; this plan gives them "
            + ", ".join(dict.fromkeys(formats[op].name for op in ops)),
            tuple(ops),
            "Solve again with partition.fused: all, or partition.tie",
        )
        for ops in fused_groups(archive)
        if len({formats[op].name for op in ops}) > 1
    ]


def _remainders(archive: Archive, formats: list[Format], lowered: list[int]) -> list[Problem]:
    found = []
    for format_ in archive.formats[1:]:
        block = format_.weight.block
        ops = tuple(
            p
            for p in lowered
            if formats[p] == format_ and block and archive.ops[p].weight_columns % block
        )
        if ops:
            what = f"{format_.name}: rows of these weights are not whole blocks of {block}"
            found.append(Problem(what, ops, "Solve again with a format of smaller blocks"))
    return found


def why_no_number(number: Number, elements: Mapping[str, object]) -> str:
    """Why a tool that has the number formats `elements`, each scaled to its whole range, has no
    such numbers; empty where it has."""
    if number.name not in elements:
        return f"it has no numbers in {number.name} (it has {', '.join(elements)})"
    return "" if number.backoff == 1 else "it scales to the whole range; solve with backoff: 1"
