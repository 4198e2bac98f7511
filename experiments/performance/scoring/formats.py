"""What each further format adds to scoring a sample, pass by pass in turn.

formats.py BENCHMARK_SCORING FOLDER [--tokens 512] [--rounds 5] [--threads 1] [--precision bf16]
           [--copies 5] [--formats nvfp4 …]

Every pass scores fp8_e4m3 and, all but the first, one format of --formats beside it, --copies times
over: what one of them adds is smaller than what a shared machine hides.
"""

import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import interleaved

BASE = "scoring fp8_e4m3"
FORMATS = ["fp8_e5m2", "int8", "mxfp8_e4m3", "mxfp4", "nvfp4", "w4a16_g128", "int8_g32"]


def main():
    parser = interleaved.parser(__doc__, rounds=5)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    given = parser.parse_args()
    program = interleaved.Program(
        [given.program, given.folder, given.tokens, given.threads, given.precision]
    )
    lines = {name: " ".join([BASE, *[name] * given.copies]) for name in given.formats}
    variants = {line: lambda line=line: program.time(line) for line in [BASE, *lines.values()]}
    found = interleaved.seconds(variants, given.rounds)
    print(f"{BASE}: {statistics.median(taken[BASE] for taken in found):.3f} s")
    for name, line in lines.items():
        added = sorted((taken[line] / taken[BASE] - 1) / given.copies for taken in found)
        low, high = added[len(added) // 4], added[3 * len(added) // 4]
        middle = statistics.median(added)
        print(f"{name:12s} {middle:.2%} of a pass (quartiles {low:.2%}, {high:.2%})")


if __name__ == "__main__":
    main()
