"""Checkpoints that runtimes load: a model's folder with the weights of a plan's layers rounded and
packed."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..contents import Archive, Format
from ..recipes import compressed_tensors
from ..recipes.layers import layers
from ..seal import ArchiveError
from . import safetensors
from .safetensors import Tensor
from .weights import Rounder

__all__ = ["Written", "write"]

LEFT_OUT = {".safetensors", ".bin", ".pt", ".pth", ".h5", ".gguf", ".msgpack"}
CONFIG = "config.json"


@dataclass(frozen=True)
class Written:
    layers: int
    bytes: int


def write(archive: Archive, formats: list[Format], model: Path, out: Path) -> Written:
    """A folder that is there whole or not at all."""
    if out.exists():
        raise ArchiveError(f"{out} is there already. Give another --checkpoint.")
    described = _config(model)
    described["quantization_config"] = compressed_tensors.config(archive, formats)
    partial = out.with_name(out.name + ".tmp")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        written = _write_tensors(archive, formats, model, partial)
        for path in sorted(model.iterdir()):
            if path.is_file() and path.suffix not in LEFT_OUT and path.name != safetensors.INDEX:
                shutil.copy(path, partial / path.name)
        (partial / CONFIG).write_text(json.dumps(described, indent=1) + "\n")
        partial.rename(out)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return written


def _config(model: Path) -> dict:
    try:
        described = json.loads((model / CONFIG).read_text())
    except (OSError, ValueError) as error:
        raise ArchiveError(f"{model}: no readable {CONFIG}. Name a model's folder.") from error
    if "quantization_config" in described:
        raise ArchiveError(f"{model}: its weights are quantised already. Name the original model.")
    return described


def _write_tensors(archive: Archive, formats: list[Format], model: Path, out: Path) -> Written:
    lowered = {
        layer.module: layer
        for layer in layers(archive, formats)
        if layer.format != archive.formats[0]
    }
    rounder, missing = Rounder(archive, lowered), set(lowered)
    places: dict[str, str] = {}
    total = 0
    for shard in safetensors.shards(model):
        tensors: dict[str, Tensor] = {}
        for name, tensor in safetensors.read(model / shard):
            module = name.removesuffix(".weight")
            if module != name and module in lowered:
                tensors |= rounder.tensors(module, tensor)
                missing.discard(module)
            else:
                tensors[name] = tensor
        total += safetensors.write(out / shard, tensors)
        places |= dict.fromkeys(tensors, shard)
    if missing:
        raise ArchiveError(
            f"{model}: it has no weights of {', '.join(sorted(missing)[:5])}. "
            "Name the folder of the archive's model."
        )
    if len(set(places.values())) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
        (out / safetensors.INDEX).write_text(json.dumps(index, indent=1) + "\n")
    return Written(len(lowered), total)
