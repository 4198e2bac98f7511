"""Passes of an exported model in the program and in PyTorch, in turn.

compare.py BENCHMARK_EXPORTED MODEL.pt2 [--samples FILE.h5] [--loss class] [--rounds 21]
           [--precision bf16] [--variants eager,plain,packed,int8,uint8,gradients,scoring int8]

`eager` is the file's own graph in PyTorch, images in channels_last; `gradients` its loss forward
and backward with the gradient of every parameter. Sample and golden file are MODEL's by name.
"""

import pathlib
import random
import statistics
import sys
import time

import safetensors.torch
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import interleaved

RATIOS = [
    *((name, "eager") for name in ("plain", "packed", "int8", "uint8")),
    *(("packed", name) for name in ("int8", "uint8")),
]


class Eager:
    def __init__(self, model, precision):
        dtype = interleaved.PRECISIONS[precision]
        golden = safetensors.torch.load_file(model.with_suffix(".golden.safetensors"))
        self.inputs = {
            name.removeprefix("input."): value[:1]
            for name, value in golden.items()
            if name.startswith("input.")
        }
        for name, value in self.inputs.items():
            if value.is_floating_point():
                value = value.to(dtype)
                if value.dim() == 4:
                    value = value.to(memory_format=torch.channels_last)
                self.inputs[name] = value
        self.labels = golden["labels"][:1].long() if "labels" in golden else None
        self.module = torch.export.load(model).module().to(dtype)
        for parameter in self.module.parameters():
            parameter.requires_grad_(parameter.is_floating_point())
            if parameter.dim() == 4:
                parameter.data = parameter.data.to(memory_format=torch.channels_last)

    def forward(self):
        begin = time.perf_counter()
        with torch.inference_mode():
            self.module(**self.inputs)
        return time.perf_counter() - begin

    def gradients(self):
        self.module.zero_grad(set_to_none=True)
        begin = time.perf_counter()
        scores = self.module(**self.inputs)
        scores = scores if isinstance(scores, torch.Tensor) else next(iter(scores.values()))
        torch.nn.functional.cross_entropy(scores, self.labels).backward()
        return time.perf_counter() - begin


def tell_sums(program, low, rounds):
    """What ops save alone, added up, against halves of the model and all of it in the format.

    Each stands beside a high pass of its own: one for all would put its own noise into every term.
    """
    ops = int(program.time("ops"))
    halves = [f"{low}:0-{ops // 2 - 1}", f"{low}:{ops // 2}-{ops - 1}", low]
    alone = [f"{low}:{op}-{op}" for op in range(ops)]

    def pair(name):
        times = {each: program.time(each) for each in random.sample(["packed", name], 2)}
        return 1 - times[name] / times["packed"]

    variants = {name: lambda name=name: pair(name) for name in [*alone, *halves]}
    found = interleaved.seconds(variants, rounds, warm_up=3)
    saved = {name: [taken[name] for taken in found] for name in variants}
    for name, places in zip(
        halves, [range(ops // 2), range(ops // 2, ops), range(ops)], strict=True
    ):
        total = sum(statistics.median(saved[alone[op]]) for op in places)
        together = statistics.quantiles(saved[name])
        print(f"{name}: ops alone {100 * total:.1f} %, together {100 * together[1]:.1f} % "
              f"(quartiles {100 * together[0]:.1f}, {100 * together[2]:.1f})")  # fmt: skip


def main():
    parser = interleaved.parser(__doc__, rounds=21)
    parser.add_argument("--samples")
    parser.add_argument("--loss", default="class")
    parser.add_argument("--sums", help="a format: what ops save alone against what all save")
    parser.add_argument("--variants", default="eager,plain,packed,int8,uint8")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = pathlib.Path(given.folder)
    samples = given.samples or model.with_suffix(".h5")
    program = interleaved.Program([given.program, model, samples, given.loss, given.precision])
    if given.sums:
        return tell_sums(program, given.sums, given.rounds)
    eager = Eager(model, given.precision)
    variants = {"eager": eager.forward, "gradients": eager.gradients}
    names = given.variants.split(",")
    for name in names:
        if name not in variants:
            variants[name] = lambda name=name: program.time(name)
    ratios = RATIOS + [(name, "gradients") for name in names if name.startswith("scoring")]
    chosen = {name: variants[name] for name in names}
    interleaved.report(interleaved.seconds(chosen, given.rounds, warm_up=3), ratios)


if __name__ == "__main__":
    main()
