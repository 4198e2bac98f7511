"""Passes of several programs in turn, so that a busy machine slows all of them alike."""

import random
import statistics
import subprocess


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
