"""Scoring against plain forward and backward passes, pass by pass in turn.

compare.py BENCHMARK_SCORING FOLDER [--tokens 512] [--rounds 11] [--threads 1] [--precision bf16]
"""

import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import interleaved


class Transformers:
    """A pass of the folder's model in transformers, with its fused attention (SDPA)."""

    def __init__(self, folder, tokens, precision):
        self.model = interleaved.transformers_model(folder, interleaved.PRECISIONS[precision])
        self.tokens = interleaved.tokens_of(tokens, self.model.config.vocab_size)

    def time(self):
        self.model.zero_grad(set_to_none=True)
        begin = time.perf_counter()
        self.model(input_ids=self.tokens, labels=self.tokens).loss.backward()
        return time.perf_counter() - begin


def main():
    parser = interleaved.parser(__doc__, rounds=11)
    parser.add_argument("--tokens", type=int, default=512)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    program = interleaved.Program(
        [given.program, given.folder, given.tokens, given.threads, given.precision]
    )
    variants = {name: lambda name=name: program.time(name) for name in ("plain", "scoring")}
    variants["transformers"] = Transformers(given.folder, given.tokens, given.precision).time
    found = interleaved.seconds(variants, given.rounds)
    interleaved.report(
        found, [("scoring", "plain"), ("scoring", "transformers"), ("plain", "transformers")]
    )


if __name__ == "__main__":
    main()
