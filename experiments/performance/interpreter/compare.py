"""The interpreter's forward pass against the same calls made from Python and against transformers.

compare.py BENCHMARK_INTERPRETER FOLDER [--length 512] [--rounds 30] [--threads 1]
           [--precision bf16] [--variants eager,transformers,compiled,formed,plain,packed,int8,
            packed:all,int8:qkv,…]

Each round times one pass of every variant, in an order that changes from round to round; printed
are medians and the medians of ratios within a round.
"""

import json
import pathlib
import sys
import time

import safetensors.torch
import torch
from torch.nn.functional import linear, rms_norm, silu

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import interleaved

RATIOS = [
    ("formed", "eager"),
    ("plain", "formed"),
    ("plain", "transformers"),
    ("plain", "compiled"),
    ("packed", "transformers"),
    ("packed", "compiled"),
    ("packed", "int8"),
    ("packed:qkv", "packed"),
    ("packed:all", "packed"),
    ("int8:qkv", "int8"),
    ("int8:all", "int8"),
    ("packed:all", "int8:all"),
]


class Eager:
    """A Llama of a Hugging Face folder, operator for operator as gainsweep's graph has it."""

    def __init__(self, folder, length, dtype):
        folder = pathlib.Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        stored = safetensors.torch.load_file(folder / "model.safetensors")
        self.weights = {name: weight.to(dtype) for name, weight in stored.items()}
        self.length = length
        self.heads = self.config["num_attention_heads"]
        self.kv_heads = self.config["num_key_value_heads"]
        self.size = self.config["hidden_size"] // self.heads
        steps = torch.arange(0, self.size, 2, dtype=torch.float64) / self.size
        theta = self.config.get("rope_theta", 10000.0)
        angles = torch.outer(torch.arange(length, dtype=torch.float64), theta**-steps)[:, None, :]
        cos, sin = angles.cos().to(dtype), angles.sin().to(dtype)
        self.cos, self.sin = torch.cat([cos, cos], 2), torch.cat([-sin, sin], 2)
        scale = self.size**-0.5
        self.query_cos, self.query_sin = self.cos * scale, self.sin * scale
        self.mask = torch.full((length, length), -torch.inf, dtype=dtype).triu(1)

    def rotated(self, x, cos, sin):
        half = self.size // 2
        return x * cos + torch.cat([x[..., half:], x[..., :half]], 3) * sin

    def attention(self, x, prefix):
        w, t = self.weights, self.length
        q = linear(x, w[prefix + "q_proj.weight"]).reshape(1, t, self.heads, self.size)
        k = linear(x, w[prefix + "k_proj.weight"]).reshape(1, t, self.kv_heads, self.size)
        v = linear(x, w[prefix + "v_proj.weight"]).reshape(1, t, self.kv_heads, self.size)
        q = self.rotated(q, self.query_cos, self.query_sin).transpose(1, 2)
        k = self.rotated(k, self.cos, self.sin).permute(0, 2, 3, 1)
        group = self.heads // self.kv_heads
        scores = torch.matmul(q.reshape(1, self.kv_heads, group * t, self.size), k)
        weights = (scores.reshape(1, self.heads, t, t) + self.mask).softmax(-1)
        mixed = torch.matmul(weights.reshape(1, self.kv_heads, group * t, t), v.transpose(1, 2))
        mixed = mixed.reshape(1, self.heads, t, self.size).transpose(1, 2).reshape(1, t, -1)
        return linear(mixed, w[prefix + "o_proj.weight"])

    def norm(self, x, name):
        weight = self.weights[name]
        return rms_norm(x, weight.shape, weight, self.config["rms_norm_eps"])

    def __call__(self, tokens):
        w = self.weights
        x = torch.nn.functional.embedding(tokens, w["model.embed_tokens.weight"])
        for layer in range(self.config["num_hidden_layers"]):
            prefix = f"model.layers.{layer}."
            x = x + self.attention(
                self.norm(x, prefix + "input_layernorm.weight"), prefix + "self_attn."
            )
            y = self.norm(x, prefix + "post_attention_layernorm.weight")
            gate = silu(linear(y, w[prefix + "mlp.gate_proj.weight"]))
            up = linear(y, w[prefix + "mlp.up_proj.weight"])
            x = x + linear(gate * up, w[prefix + "mlp.down_proj.weight"])
        head = w.get("lm_head.weight", w["model.embed_tokens.weight"])
        return linear(self.norm(x, "model.norm.weight"), head)


def time_call(model, tokens):
    begin = time.perf_counter()
    with torch.inference_mode():
        model(tokens)
    return time.perf_counter() - begin


def python_models(names, folder, length, dtype):
    """What runs in this process, by variant."""
    models = {}
    if "eager" in names:
        models["eager"] = Eager(folder, length, dtype)
    if "transformers" in names or "compiled" in names:
        models["transformers"] = interleaved.transformers_model(folder, dtype).eval()
    if "compiled" in names:
        models["compiled"] = torch.compile(models["transformers"])
    return {name: model for name, model in models.items() if name in names}


def main():
    parser = interleaved.parser(__doc__, rounds=30)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--variants", default="eager,formed,plain,packed,int8")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    names = given.variants.split(",")
    vocabulary = json.loads((pathlib.Path(given.folder) / "config.json").read_text())["vocab_size"]
    tokens = interleaved.tokens_of(given.length, vocabulary)
    dtype = interleaved.PRECISIONS[given.precision]
    models = python_models(names, given.folder, given.length, dtype)
    program = interleaved.Program(
        [given.program, given.folder, given.length, given.threads, given.precision]
    )
    variants = {}
    for name in names:
        if name in models:
            variants[name] = lambda model=models[name]: time_call(model, tokens)
        else:
            variants[name] = lambda name=name: program.time(name)
    interleaved.report(interleaved.seconds(variants, given.rounds, warm_up=2), RATIOS)


if __name__ == "__main__":
    main()
