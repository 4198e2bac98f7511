"""Plans as the files of runtimes and of the tools that write for them."""

from collections.abc import Callable
from dataclasses import dataclass

from ..contents import Archive, Format
from ..exports import Chosen
from . import autoround, compressed_tensors, modelopt
from .layers import effective
from .limits import Abilities, nearest, price, problems, refuse

__all__ = ["TARGETS", "Recipe", "Target", "recipe"]


@dataclass(frozen=True)
class Target:
    """Who reads a plan's file."""

    title: str
    abilities: Abilities
    text: Callable[[Archive, list[Format]], str]
    notes: Callable[[Archive, list[Format]], list[str]]


@dataclass(frozen=True)
class Recipe:
    text: str
    formats: list[Format]  # of each op, as the file says them
    notes: list[str]


TARGETS = {
    "compressed-tensors": Target(
        "compressed-tensors",
        compressed_tensors.ABILITIES,
        compressed_tensors.text,
        compressed_tensors.notes,
    ),
    "modelopt": Target("ModelOpt", modelopt.ABILITIES, modelopt.text, modelopt.notes),
    "autoround": Target("AutoRound", autoround.ABILITIES, autoround.text, autoround.notes),
}


def recipe(chosen: Chosen, target: Target, to_nearest: bool) -> Recipe:
    """ArchiveError with what the target cannot say, unless the nearest plan is asked for."""
    archive = chosen.archive
    formats = effective(archive, chosen.formats)
    notes = []
    if to_nearest:
        formats = nearest(archive, formats, target.abilities)
        notes = price(archive, chosen.plans.objective, chosen.formats, formats)
    refuse(archive, problems(archive, formats, target.abilities), target.title)
    return Recipe(target.text(archive, formats), formats, notes + target.notes(archive, formats))
