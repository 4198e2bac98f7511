"""Passes of several programs in turn, so that a busy machine slows all of them alike."""

import argparse
import random
import statistics
import subprocess

import torch

PRECISIONS = {"bf16": torch.bfloat16, "fp32": torch.float32}


def parser(description, rounds):
    """What every comparison is told."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="bf16")
    return parser


def transformers_model(folder, dtype):
    """The folder's model with transformers' fused attention (SDPA)."""
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="sdpa"
    )
    model.config.use_cache = False
    return model


def tokens_of(length, vocabulary):
    """Token ids, [1, length]."""
    return (torch.arange(length) * 7919 % vocabulary)[None]


class Program:
    """A program that answers each line with the seconds of one pass."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def time(self, variant):
        self.process.stdin.write(variant + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def seconds(variants, rounds, warm_up=1):
    """By round, the seconds of each variant (functions that return them by name), in an order that
    changes from round to round."""
    order = list(variants)
    found = []
    for index in range(rounds + warm_up):
        random.Random(index).shuffle(order)
        taken = {name: variants[name]() for name in order}
        if index >= warm_up:
            found.append(taken)
    return found


def report(found, ratios):
    for name in found[0]:
        print(f"{name:13s} {1e3 * statistics.median(taken[name] for taken in found):9.2f} ms")
    for a, b in ratios:
        if a not in found[0] or b not in found[0]:
            continue
        of_rounds = sorted(taken[a] / taken[b] for taken in found)
        low, high = of_rounds[len(of_rounds) // 4], of_rounds[3 * len(of_rounds) // 4]
        middle = statistics.median(of_rounds)
        print(f"{a} / {b}: {middle:.3f} (quartiles {low:.3f}, {high:.3f})")
