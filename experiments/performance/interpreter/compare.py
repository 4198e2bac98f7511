"""The interpreter's forward pass against the same calls made from Python.

compare.py BENCHMARK_INTERPRETER FOLDER [--length 512] [--rounds 30] [--threads 1]

Each round times one pass of every variant, in an order that changes from round to round; printed
are medians and the medians of ratios within a round.
"""

import argparse
import json
import pathlib
import random
import statistics
import subprocess
import time

import safetensors.torch
import torch
from torch.nn.functional import linear, rms_norm, silu


class Eager:
    """A Llama of a Hugging Face folder, operator for operator as gainsweep's graph has it."""

    def __init__(self, folder, length):
        folder = pathlib.Path(folder)
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = safetensors.torch.load_file(folder / "model.safetensors")
        self.length = length
        self.heads = self.config["num_attention_heads"]
        self.kv_heads = self.config["num_key_value_heads"]
        self.size = self.config["hidden_size"] // self.heads
        steps = torch.arange(0, self.size, 2, dtype=torch.float64) / self.size
        theta = self.config.get("rope_theta", 10000.0)
        angles = torch.outer(torch.arange(length, dtype=torch.float64), theta**-steps)[:, None, :]
        cos, sin = angles.cos().bfloat16(), angles.sin().bfloat16()
        self.cos, self.sin = torch.cat([cos, cos], 2), torch.cat([-sin, sin], 2)
        scale = self.size**-0.5
        self.query_cos, self.query_sin = self.cos * scale, self.sin * scale
        self.mask = torch.full((length, length), -torch.inf, dtype=torch.bfloat16).triu(1)

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


class Interpreter:
    """The benchmark program, asked for one pass at a time."""

    def __init__(self, program, folder, length, threads):
        command = [program, folder, str(length), str(threads)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def time(self, variant):
        self.process.stdin.write(variant + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def time_eager(model, tokens):
    begin = time.perf_counter()
    with torch.inference_mode():
        model(tokens)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = Eager(arguments.folder, arguments.length)
    tokens = (torch.arange(arguments.length) * 7919 % model.config["vocab_size"])[None]
    interpreter = Interpreter(
        arguments.program, arguments.folder, arguments.length, arguments.threads
    )
    variants = {"eager": lambda: time_eager(model, tokens)}
    for name in ("plain", "packed", "int8"):
        variants[name] = lambda name=name: interpreter.time(name)
    order = list(variants)
    rounds = []
    for index in range(arguments.rounds + 3):
        random.Random(index).shuffle(order)
        seconds = {name: variants[name]() for name in order}
        if index >= 3:
            rounds.append(seconds)
    for name in variants:
        print(f"{name:7s} {1e3 * statistics.median(r[name] for r in rounds):9.2f} ms")
    for a, b in (("plain", "eager"), ("packed", "eager"), ("packed", "int8")):
        ratios = sorted(r[a] / r[b] for r in rounds)
        low, high = ratios[len(ratios) // 4], ratios[3 * len(ratios) // 4]
        print(f"{a} / {b}: {statistics.median(ratios):.3f} (quartiles {low:.3f}, {high:.3f})")


if __name__ == "__main__":
    main()
