"""Writes a Llama of random bf16 weights as a sharded Hugging Face folder.

usage: write_model.py SIZE FOLDER [--set KEY=N …] [--shard-gigabytes X] [--tokens N]

SIZE is 152m, 1b or 8b; the last two have the exact shapes of Llama 3.2 1B and Llama 3.1 8B. Times,
memory and gains do not depend on the weights' values; loss errors do, and those of random weights
say nothing about a trained model's. --tokens also writes FOLDER/tokens.h5, N random tokens.
"""

import argparse
import json
import math
import pathlib

import h5py
import numpy as np
import torch
from safetensors.torch import save_file

LLAMA3 = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
SIZES = {
    "152m": {
        "hidden_size": 1024,
        "intermediate_size": 2816,
        "num_hidden_layers": 12,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "vocab_size": 8192,
        "max_position_embeddings": 8192,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
    },
    "1b": {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "rope_theta": 500000.0,
        "rope_scaling": {**LLAMA3, "factor": 32.0},
        "tie_word_embeddings": True,
    },
    "8b": {
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "max_position_embeddings": 131072,
        "rope_theta": 500000.0,
        "rope_scaling": {**LLAMA3, "factor": 8.0},
        "tie_word_embeddings": False,
    },
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="KEY=N", help="other numbers for config.json"
    )
    parser.add_argument("--shard-gigabytes", type=float, default=2.0)
    parser.add_argument("--tokens", type=int, default=0)
    return parser.parse_args()


def shapes(c):
    """Names and shapes of all weights."""
    hidden, wide = c["hidden_size"], c["intermediate_size"]
    key_value = hidden // c["num_attention_heads"] * c["num_key_value_heads"]
    yield "model.embed_tokens.weight", (c["vocab_size"], hidden)
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        yield layer + "input_layernorm.weight", (hidden,)
        yield layer + "self_attn.q_proj.weight", (hidden, hidden)
        yield layer + "self_attn.k_proj.weight", (key_value, hidden)
        yield layer + "self_attn.v_proj.weight", (key_value, hidden)
        yield layer + "self_attn.o_proj.weight", (hidden, hidden)
        yield layer + "post_attention_layernorm.weight", (hidden,)
        yield layer + "mlp.gate_proj.weight", (wide, hidden)
        yield layer + "mlp.up_proj.weight", (wide, hidden)
        yield layer + "mlp.down_proj.weight", (hidden, wide)
    yield "model.norm.weight", (hidden,)
    if not c["tie_word_embeddings"]:
        yield "lm_head.weight", (c["vocab_size"], hidden)


def weight(name, shape):
    """Ones for norms, else normal numbers that keep a layer's output near its input's size."""
    if "norm" in name:
        return torch.ones(shape, dtype=torch.bfloat16)
    return torch.randn(shape, dtype=torch.bfloat16).div_(math.sqrt(shape[-1]))


def shards(config, most_bytes):
    """Lists of (name, shape), each list a file's; a file holds one weight at least."""
    current, size = [], 0
    for name, shape in shapes(config):
        own = 2 * math.prod(shape)
        if current and size + own > most_bytes:
            yield current
            current, size = [], 0
        current.append((name, shape))
        size += own
    yield current


def write_weights(folder, config, most_bytes):
    """One shard in memory at a time."""
    files = list(shards(config, most_bytes))
    places = {}
    for number, weights in enumerate(files, 1):
        one = len(files) == 1
        name = "model.safetensors" if one else f"model-{number:05}-of-{len(files):05}.safetensors"
        save_file({key: weight(key, shape) for key, shape in weights}, folder / name)
        places.update({key: name for key, _ in weights})
    if len(files) > 1:
        total = sum(2 * math.prod(shape) for _, shape in shapes(config))
        index = {"metadata": {"total_size": total}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


def main():
    a = arguments()
    torch.manual_seed(0)
    a.folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "torch_dtype": "bfloat16",
        **SIZES[a.size],
    }
    config.update({key: int(value) for key, value in (pair.split("=") for pair in a.set)})
    (a.folder / "config.json").write_text(json.dumps(config, indent=2))
    write_weights(a.folder, config, a.shard_gigabytes * 1e9)
    if a.tokens:
        tokens = np.random.default_rng(0).integers(0, config["vocab_size"], a.tokens)
        with h5py.File(a.folder / "tokens.h5", "w") as file:
            file.create_dataset("tokens", data=tokens)


if __name__ == "__main__":
    main()
