"""Plans as files that this program evaluates: one for each tool and budget."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bits import Plan
from gainsweep_analysis.contents import Archive
from settings import HIGH


@dataclass(frozen=True)
class Named:
    """A tool's plan for a budget; the draw of a random one, else 0."""

    tool: str
    budget: float
    draw: int
    plan: Plan

    @property
    def stem(self) -> str:
        return f"{self.tool}_{self.budget:g}" + (f"_{self.draw}" if self.draw else "")


def distinct(named: Iterable[Named]) -> dict[str, Named]:
    """The first of equal plans, by the stem of each."""
    first: dict[tuple, Named] = {}
    return {one.stem: first.setdefault(tuple(sorted(one.plan.items())), one) for one in named}


def write(folder: Path, archive: Archive, named: Iterable[Named]) -> list[Path]:
    """A plain plan a file; ops without a weight of their own stay high."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for one in named:
        path = folder / f"{one.stem}.json"
        path.write_text(json.dumps(_record(archive, one), indent=1) + "\n")
        paths.append(path)
    return paths


def _record(archive: Archive, named: Named) -> dict:
    modules = {op.path: module_of(op.module) for op in archive.ops if op.module}
    return {
        "schema": "gainsweep plan",
        "schema_version": 1,
        "model_digest": archive.provenance["model_digest"],
        "name": named.stem,
        "assignment": {
            op.path: named.plan[modules[op.path]] if op.path in modules else HIGH
            for op in archive.ops
        },
        "modules": modules,
    }


def module_of(name: str) -> str:
    return re.sub(r"\.weight$", "", name)


def assignment(archive: Archive, plan: Mapping[str, str]) -> list[int]:
    """A plan as the archive's: the place of each op's format."""
    places = {format_.name: place for place, format_ in enumerate(archive.formats)}
    return [places[plan[module_of(op.module)]] if op.module else places[HIGH] for op in archive.ops]


def plan_of(archive: Archive, row: Iterable[int]) -> Plan:
    """The formats of modules in an assignment of the archive's."""
    return {
        module_of(op.module): archive.formats[place].name
        for op, place in zip(archive.ops, row, strict=True)
        if op.module
    }
