"""Plans as the files of runtimes and of the tools that write for them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..contents import Archive, Format
from ..exports import Chosen
from ..seal import ArchiveError
from . import autoround, compressed_tensors, inc, modelopt
from .layers import effective
from .limits import Abilities
from .repair import nearest, price, refuse

__all__ = ["TARGETS", "Recipe", "Target", "named", "recipe"]


@dataclass(frozen=True)
class Target:
    """Who reads a plan's file."""

    title: str
    abilities: Abilities
    # What is written: texts by what stands between the name of --out and its ending.
    files: Callable[[Archive, list[Format]], dict[str, str]]
    notes: Callable[[Archive, list[Format]], list[str]]
    use: str  # how the file is used, with the places {file} and {measure}
    flavour: str = ""  # which of a tool's runtimes


@dataclass(frozen=True)
class Recipe:
    files: dict[str, str]
    formats: list[Format]  # of each op, as the file says them
    changes: list[str]  # of the nearest plan, with what they cost
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.files[""]


def one_file(text: Callable[[Archive, list[Format]], str]):
    return lambda archive, formats: {"": text(archive, formats)}


def _inc(flavour: str, about: inc.Flavour, command: str) -> Target:
    return Target(
        f"INC ({flavour})",
        inc.abilities(about),
        inc.files(about),
        inc.notes(about),
        f"QUANT_CONFIG={{measure}} {command} on calibration samples, then QUANT_CONFIG={{file}} "
        f"{command}",
        flavour,
    )


TARGETS = {
    "compressed-tensors": Target(
        "compressed-tensors",
        compressed_tensors.ABILITIES,
        one_file(compressed_tensors.text),
        compressed_tensors.notes,
        "the quantization_config of config.json beside weights that are stored so, which "
        "--checkpoint OUT --model FOLDER writes; then `vllm serve OUT`",
    ),
    "modelopt": Target(
        "ModelOpt",
        modelopt.ABILITIES,
        one_file(modelopt.text),
        modelopt.notes,
        'mtq.quantize(model, yaml.safe_load(open("{file}")), forward_loop)',
    ),
    "autoround": Target(
        "AutoRound",
        autoround.ABILITIES,
        one_file(autoround.text),
        autoround.notes,
        'AutoRound(model, tokenizer, layer_config=json.load(open("{file}")), iters=0)',
    ),
    "inc-optimum": _inc("optimum", inc.OPTIMUM, "python run_generation.py --bf16 …"),
    "inc-vllm": _inc("vllm", inc.VLLM, "vllm serve MODEL --quantization inc"),
}


def named(tool: str, flavour: str | None) -> Target:
    """ArchiveError where the tool has flavours and none of them is named, or the reverse."""
    key = tool if flavour is None else f"{tool}-{flavour}"
    if key in TARGETS:
        return TARGETS[key]
    flavours = [target.flavour for name, target in TARGETS.items() if name.startswith(f"{tool}-")
                and target.flavour]  # fmt: skip
    if not flavours:
        raise ArchiveError(f"--to {tool} has no flavours. Leave --flavour out.")
    raise ArchiveError(
        f"--to {tool} writes names of modules, which differ between runtimes. Name one by "
        f"--flavour ({', '.join(flavours)})."
    )


def recipe(chosen: Chosen, target: Target, to_nearest: bool) -> Recipe:
    """ArchiveError with what the target cannot say, unless the nearest plan is asked for."""
    archive = chosen.archive
    formats = effective(archive, chosen.formats)
    changes = []
    if to_nearest:
        formats = nearest(archive, formats, target.abilities)
        changes = price(chosen, formats)
    refuse(chosen, formats, target.abilities, target.title)
    return Recipe(target.files(archive, formats), formats, changes, target.notes(archive, formats))
