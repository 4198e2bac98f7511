"""Models as all tools get them: weights in bf16, an lm_head of its own, token ids beside them."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from settings import Source

HEAD, EMBEDDING = "lm_head", "model.embed_tokens"
# What runtimes run as one matrix product, in one format: the rule is ModelOpt's and vLLM's.
FUSED = (r"(.*\.self_attn)\.[qkv]_proj", r"(.*\.mlp)\.(?:gate|up)_proj")


@dataclass(frozen=True)
class Layer:
    """A linear layer whose format is decided on."""

    module: str
    rows: int
    columns: int

    @property
    def elements(self) -> int:
        return self.rows * self.columns


def prepare(source: Source, folder: Path) -> None:
    """Writes config.json, model.safetensors, tokens.h5 and tokens.npy into a folder, once."""
    if (folder / "tokens.npy").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    config = json.loads((source.model / "config.json").read_text())
    config |= {"tie_word_embeddings": False, "torch_dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    if (source.model / "tokenizer.json").exists():
        shutil.copy(source.model / "tokenizer.json", folder)
    tensors = {}
    for shard in sorted(source.model.glob("*.safetensors")):
        tensors |= load_file(shard)
    tensors.setdefault(f"{HEAD}.weight", tensors[f"{EMBEDDING}.weight"].clone())
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    tokens = _tokens(source.tokens)
    with h5py.File(folder / "tokens.h5", "w") as file:
        file["tokens"] = tokens
    np.save(folder / "tokens.npy", tokens)


def _tokens(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path).astype(np.int32)
    with h5py.File(path) as file:
        return file["tokens"][...].astype(np.int32)


def layers(folder: Path) -> list[Layer]:
    """The linear layers of a prepared folder, by name."""
    found = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "np") as file:
            for name in file.keys():  # noqa: SIM118 — no mapping
                shape = file.get_slice(name).get_shape()
                if len(shape) == 2 and not name.startswith(EMBEDDING):
                    found.append(Layer(name.removesuffix(".weight"), *shape))
    return sorted(found, key=lambda layer: _by_number(layer.module))


def _by_number(module: str) -> list:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", module)]


def groups(of_layers: list[Layer]) -> list[list[Layer]]:
    """Layers that share a format, in order."""
    found: dict[str, list[Layer]] = {}
    for layer in of_layers:
        hits = [match for rule in FUSED if (match := re.fullmatch(rule, layer.module))]
        key = f"{hits[0][1]} {hits[0].re.pattern}" if hits else layer.module
        found.setdefault(key, []).append(layer)
    return list(found.values())
