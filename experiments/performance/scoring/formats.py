"""What each further format adds to scoring a sample, pass by pass in turn.

formats.py BENCHMARK_SCORING FOLDER [--tokens 512] [--rounds 5] [--threads 1] [--precision bf16]
           [--formats nvfp4 …]

Every pass scores fp8_e4m3 and, all but the first, one format of --formats beside it.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import interleaved

BASE = "scoring fp8_e4m3"
FORMATS = ["fp8_e5m2", "int8", "mxfp8_e4m3", "mxfp4", "nvfp4", "w4a16_g128", "int8_g32"]


def main():
    parser = interleaved.parser(__doc__, rounds=5)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    given = parser.parse_args()
    program = interleaved.Program(
        [given.program, given.folder, given.tokens, given.threads, given.precision]
    )
    lines = [BASE, *(f"{BASE} {name}" for name in given.formats)]
    variants = {line: lambda line=line: program.time(line) for line in lines}
    found = interleaved.seconds(variants, given.rounds)
    interleaved.report(found, [(line, BASE) for line in lines[1:]])


if __name__ == "__main__":
    main()
