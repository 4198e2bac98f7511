"""Whether two programs of different archive layouts computed the same numbers. See README.md.

    compare.py OLD NEW               two archives of one experiment, by meaning
    compare.py --times OLD PROGRAM   PROGRAM's gains and plans from the seconds that OLD measured

Exit code 0 when everything is equal bit for bit, 1 otherwise, 2 when it cannot be told.
"""

import argparse
import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests/pipeline/numbers"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from convert import CHANGES, NO_CHANGES, Changes, convert
from difference import relative, same
from gainsweep_analysis import tables
from meaning import MEASURED, Numbers, numbers

OF_ASSIGNMENTS = ("evaluations/losses/", "predictions/")
SHOWN = 20


class Untellable(Exception):
    """The archives are not two of one experiment."""


class Comparison:
    """Equal and unequal numbers, counted by table."""

    def __init__(self) -> None:
        self.equal = collections.Counter()
        self.values = collections.Counter()
        self.unequal: list[str] = []
        self.added: set[str] = set()  # tables that the old program does not write

    def compare(self, where: str, old: Numbers, new: Numbers) -> None:
        known = {_table_of(name) for name in old}
        for name in old | new:
            title = f"{where}{name}"
            if _table_of(name) not in known:
                self.added.add(_table_of(name))
            elif name not in old or name not in new:
                self.unequal.append(f"{title}: only in the {'new' if name in new else 'old'} one")
            elif same(old[name], new[name]):
                self.equal[_table_of(name)] += 1
                self.values[_table_of(name)] += old[name].size
            else:
                self.unequal.append(
                    f"{title}: they differ by {relative(old[name], new[name]):.3g} (relative)"
                )

    def tell(self, needed: set[str]) -> int:
        for table in sorted(self.equal):
            print(f"equal: {self.equal[table]} x {table}, {self.values[table]} values")
        for table in sorted(self.added):
            print(f"only in the new one: {table}")
        for line in self.unequal[:SHOWN]:
            print(f"DIFFERENT: {line}")
        if len(self.unequal) > SHOWN:
            print(f"DIFFERENT: {len(self.unequal) - SHOWN} more")
        missing = sorted(n for n in needed if not any(t.startswith(n) for t in self.equal))
        for name in missing:
            print(f"NOTHING EQUAL: {name}")
        if self.unequal or missing:
            return 1
        print("the same numbers")
        return 0


def _table_of(name: str) -> str:
    parts = name.split("/")
    depth = {"plans": 3, "gains": 2, "frontier": 2, "evaluations": 2}.get(parts[0], 1)
    return "/".join(parts[:depth])


def read(path: Path) -> tables.Tables:
    with h5py.File(path) as file:
        return tables.read_tables(file)


def is_timed(name: str) -> bool:
    return name.split("/")[:2] in ([kind, MEASURED] for kind in ("gains", "plans", "frontier"))


def untimed(point: tables.Point, selected: tables.Tables) -> Numbers:
    """Numbers that no clock has a part in: of the evaluations those that other plans led to."""
    found = numbers(selected)
    led = _led(yaml.safe_load(point.provenance["spec_resolved"]), selected)
    return {
        name: value
        for name, value in found.items()
        if not is_timed(name) and (not name.startswith(OF_ASSIGNMENTS) or _row_key(name) in led)
    }


def _row_key(name: str) -> str:
    return re.search("assignment_key ([^/,]*)", name)[1]


def _led(spec: dict, selected: tables.Tables) -> set[str]:
    """Short keys of the all-high assignment and of those that plans without a clock evaluate."""
    wanted = spec["evaluate"]
    thresholds = spec["solve"]["thresholds"]
    keys = set()
    for path, table in selected.items():
        kind, objective, strategy, *_ = [*path.removeprefix("measured/").split("/"), "", ""]
        if (kind, objective) == ("evaluations", "losses"):
            all_high = table["assignment"].max(axis=1) == 0
            keys |= {key[:12] for key in table["assignment_key"][all_high]}
        if kind != "plans" or objective == MEASURED or strategy not in wanted["strategies"]:
            continue
        for threshold, of_draws in table.rows("threshold", "assignment_key"):
            place = [float(t) for t in thresholds].index(threshold)
            if (len(thresholds) - 1 - place) % wanted["every"] == 0:
                keys.add(of_draws[0][:12])
    return keys


def paired(old: tables.Tables, new: tables.Tables, changes: Changes):
    """Points of the same parameters: (title, old point, new point)."""
    by_parameters = {frozenset(p.parameters.items()): p for p in tables.points(new)}
    olds = tables.points(old)
    if len(olds) != len(by_parameters):
        raise Untellable(f"{len(olds)} points against {len(by_parameters)}")
    for point in olds:
        renamed = {changes.key(path): value for path, value in point.parameters.items()}
        if (other := by_parameters.get(frozenset(renamed.items()))) is None:
            raise Untellable(f"no point with {point.label} in the new archive")
        yield (f"point {point.number}: " if len(olds) > 1 else ""), point, other


def two_archives(old_path: Path, new_path: Path, changes: Changes) -> int:
    old, new = read(old_path), read(new_path)
    comparison = Comparison()
    for title, before, after in paired(old, new, changes):
        comparison.compare(
            title,
            changes.numbers(untimed(before, tables.select(old, before.number))),
            untimed(after, tables.select(new, after.number)),
        )
    return comparison.tell({"maxima", "scores", "gains", "plans", "evaluations"})


def solved(program: Path, archive: Path, spec: str, folder: Path) -> tables.Tables:
    (folder / "spec.yaml").write_text(spec)
    out = folder / "solved.h5"
    out.unlink(missing_ok=True)
    command = [program, "solve", archive, folder / "spec.yaml", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Untellable(f"{program} solve ends with {done.returncode}: {done.stderr}")
    return tables.select(read(out), 0)


def again_from_seconds(old_path: Path, program: Path, changes: Changes) -> int:
    old = read(old_path)
    comparison = Comparison()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        convert(old_path, folder / "converted.h5", changes)
        for point in tables.points(old):
            spec = changes.spec(point.provenance["spec_resolved"])
            found = solved(program, folder / "converted.h5", spec, folder)
            comparison.compare(
                f"point {point.number}: ",
                changes.numbers(_decided(numbers(tables.select(old, point.number)))),
                _decided(numbers(found)),
            )
    return comparison.tell({f"gains/{MEASURED}", f"plans/{MEASURED}"})


def _decided(found: Numbers) -> Numbers:
    """What `solve` makes anew."""
    return {n: v for n, v in found.items() if n.startswith(("gains/", "plans/", "frontier/"))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", action="store_true", help="solve the old seconds again")
    parser.add_argument("--same-layout", action="store_true", help="both have one archive layout")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path, help="an archive; with --times a program")
    arguments = parser.parse_args()
    act = again_from_seconds if arguments.times else two_archives
    try:
        return act(arguments.old, arguments.new, NO_CHANGES if arguments.same_layout else CHANGES)
    except (Untellable, OSError, KeyError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
