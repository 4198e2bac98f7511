"""A made-up Llama of twelve layers, plans of it, and their exports."""

import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "analysis/tests"))

import llama
import synthetic
from gainsweep_analysis import archive, recipes
from gainsweep_analysis.contents import Format
from gainsweep_analysis.exports import Chosen
from gainsweep_analysis.seal import ArchiveError

LAYERS = 12
HIGH = "bf16"
PRODUCTS = ("attention.qk", "attention.av")
STATIC = {"fp8": llama.format_named("fp8_e4m3"), "int": llama.format_named("int8")}
DYNAMIC = {
    name: replace(
        llama.format_named(format_, weight_granularity="channel", activation_scale="dynamic")
    )
    for name, format_ in (("fp8", "fp8_e4m3"), ("int", "int8"))
}
GAUDI = {"fp8": llama.gaudi_format()}


@dataclass(frozen=True)
class Subject:
    """An archive's ops, with the model's folder and what their modules are called."""

    base: archive.Archive
    model: llama.Model

    def chosen(self, plan: dict[str, str], formats: dict[str, Format]) -> Chosen:
        """A plan by the paths of ops, others high."""
        return llama.plan(self.base, self.model, {op: formats[name] for op, name in plan.items()})

    @property
    def modules(self) -> dict[str, str]:
        """Of linear layers, by path."""
        return {"lm_head": "lm_head"} | {
            f"layers.{layer}.{leaf}": f"model.layers.{layer}.{module}"
            for layer in range(LAYERS)
            for leaf, (module, *_) in llama.SHAPES.items()
        }

    def wanted(self, plan: dict[str, str]) -> dict[str, str]:
        """What a plan says of linear layers, by module; high ones too."""
        return {module: plan.get(path, HIGH) for path, module in self.modules.items()}


@contextmanager
def subject():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        made = synthetic.Recipe(
            layers=LAYERS, samples=3, evaluated=0, frontier=False, objectives=("macs",),
            strategies=("ip",),
        )  # fmt: skip
        synthetic.write(folder / "archive.h5", made)
        model = llama.write_model(folder / "model", layers=LAYERS)
        yield Subject(archive.read(folder / "archive.h5"), model)


def low_layers(integers: bool) -> dict[str, str]:
    """fp8 but for layers 0 and 1 (10 and 11 begin with the 1 of the latter), some `down` and the
    head; q, k and v of layers 7 and 8 integers."""
    plan = {
        f"layers.{layer}.{leaf}": "fp8"
        for layer in range(2, LAYERS)
        for leaf in llama.SHAPES
        if (layer, leaf) not in ((4, "mlp.down"), (11, "mlp.down"))
    }
    if integers:
        plan |= {f"layers.{n}.attention.{leaf}": "int" for n in (7, 8) for leaf in "qkv"}
    return plan


def products(name: str) -> dict[str, str]:
    """Products of layers 4 to 6."""
    return {f"layers.{layer}.{leaf}": name for layer in (4, 5, 6) for leaf in PRODUCTS}


@dataclass(frozen=True)
class Split:
    """A plan that gives a fused group several formats, and the nearest one that does not."""

    name: str
    plan: dict[str, str]
    nearest: dict[str, str]


def splits() -> list[Split]:
    whole = low_layers(integers=False)
    found = []
    for group in (("attention.q", "attention.k", "attention.v"), ("mlp.gate", "mlp.up")):
        paths = [f"layers.3.{leaf}" for leaf in group]
        last = paths[-1]
        nearest = {op: format_ for op, format_ in whole.items() if op not in paths}
        without = {op: format_ for op, format_ in whole.items() if op != last}
        leaf = group[-1].rpartition(".")[2]
        found += [
            Split(f"{leaf} high", without, nearest),
            Split(f"{leaf} int8", whole | {last: "int"}, nearest),
        ]
    return found


def said(chosen: Chosen, tool: str, nearest: bool = False, flavour: str | None = None):
    return recipes.recipe(chosen, recipes.named(tool, flavour), nearest)


def refusal(chosen: Chosen, tool: str, flavour: str | None = None) -> str:
    """Why it is refused; empty where it is not."""
    try:
        said(chosen, tool, flavour=flavour)
    except ArchiveError as error:
        return str(error)
    return ""


class Report:
    """Prints comparisons and remembers whether all held."""

    def __init__(self, tool: str):
        self.tool, self.good = tool, True

    def say(self, what: str, good: bool) -> None:
        self.good &= bool(good)
        print(f"{self.tool}: {what}{'' if good else '  <-- WRONG'}", flush=True)

    def compare(self, what: str, found: dict, wanted: dict) -> None:
        """Counts equal entries; both must have the same names."""
        wrong = [name for name in {*found, *wanted} if found.get(name) != wanted.get(name)]
        equal = len({*found, *wanted}) - len(wrong)
        named = f" (not: {', '.join(sorted(wrong)[:3])})" if wrong else ""
        self.say(f"{what}: {equal} of {len(wanted)} as the plan{named}", not wrong)

    @property
    def code(self) -> int:
        return 0 if self.good else 1
