"""Writes a Llama of random bf16 weights as a Hugging Face folder: timing does not depend on values.

usage: write_model.py FOLDER [--hidden N] [--intermediate N] [--layers N] [--heads N]
                      [--key-value-heads N] [--vocabulary N]
"""

import argparse
import json
import pathlib

import torch
from safetensors.torch import save_file


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--hidden", type=int, default=1024)
    parser.add_argument("--intermediate", type=int, default=2816)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=16)
    parser.add_argument("--key-value-heads", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=8192)
    return parser.parse_args()


def shapes(a):
    """Names and shapes of all weights."""
    key_value = a.hidden // a.heads * a.key_value_heads
    yield "model.embed_tokens.weight", (a.vocabulary, a.hidden)
    for i in range(a.layers):
        layer = f"model.layers.{i}."
        yield layer + "input_layernorm.weight", (a.hidden,)
        yield layer + "self_attn.q_proj.weight", (a.hidden, a.hidden)
        yield layer + "self_attn.k_proj.weight", (key_value, a.hidden)
        yield layer + "self_attn.v_proj.weight", (key_value, a.hidden)
        yield layer + "self_attn.o_proj.weight", (a.hidden, a.hidden)
        yield layer + "post_attention_layernorm.weight", (a.hidden,)
        yield layer + "mlp.gate_proj.weight", (a.intermediate, a.hidden)
        yield layer + "mlp.up_proj.weight", (a.intermediate, a.hidden)
        yield layer + "mlp.down_proj.weight", (a.hidden, a.intermediate)
    yield "model.norm.weight", (a.hidden,)
    yield "lm_head.weight", (a.vocabulary, a.hidden)


def weight(name, shape):
    """Ones for norms, else normal numbers that keep a layer's output near its input's size."""
    if "norm" in name:
        return torch.ones(shape, dtype=torch.bfloat16)
    return (torch.randn(shape) / shape[-1] ** 0.5).to(torch.bfloat16)


def main():
    a = arguments()
    torch.manual_seed(0)
    a.folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": a.hidden,
        "intermediate_size": a.intermediate,
        "num_hidden_layers": a.layers,
        "num_attention_heads": a.heads,
        "num_key_value_heads": a.key_value_heads,
        "vocab_size": a.vocabulary,
        "max_position_embeddings": 8192,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }
    (a.folder / "config.json").write_text(json.dumps(config, indent=2))
    save_file(
        {name: weight(name, shape) for name, shape in shapes(a)}, a.folder / "model.safetensors"
    )


if __name__ == "__main__":
    main()
