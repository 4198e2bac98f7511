"""How much faster two ranks score than one, each with one thread: one JSON object a round, then the
medians.

usage: measure.py [--build DIR] [--rounds N]

A round takes four jobs in random order: one rank; two ranks; two ranks of which one is slowed down
tenfold (stopped nine tenths of the time); and two separate runs of one rank side by side, which
share nothing, so that what they lose is the machine's doing.
"""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import threading
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
OUT = pathlib.Path("out/scaling")
SAMPLES = 192
SLOWDOWN = 10
LAST_LINE = re.compile(r"^score +(\d+)/\1, ([\d.e+]+) units/s, ", re.MULTILINE)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default="build")
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args()


def write_spec():
    """The embedded experiment with as little as can be after its scores."""
    spec = yaml.safe_load((ROOT / "configs/embedded.yaml").read_text())
    assert spec["threads"] == 1
    spec["calibration"]["samples"] = SAMPLES
    spec["solve"] |= {"objectives": ["macs"], "thresholds": [1e-3], "strategies": ["prefix"]}
    spec["solve"]["frontier"] = False
    spec["evaluate"] = {"samples": 1, "strategies": [], "time": False}
    (ROOT / OUT).mkdir(parents=True, exist_ok=True)
    (ROOT / OUT / "spec.yaml").write_text(yaml.safe_dump(spec))


def start(program, name, ranks=1):
    folder = OUT / name
    shutil.rmtree(ROOT / folder, ignore_errors=True)
    command = [program, "run", OUT / "spec.yaml", "--out", folder]
    if ranks > 1:
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        command = ["mpirun", *root, "--bind-to", "none", "-np", str(ranks), *command]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def rank_process(job, rank):
    """Its process number, or None while it is not there or no more."""
    for children in pathlib.Path(f"/proc/{job.pid}/task").glob("*/children"):
        for process in children.read_text().split():
            try:
                environment = pathlib.Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"OMPI_COMM_WORLD_RANK={rank}".encode() in environment:
                return int(process)
    return None


def slow_down(job, rank, period=0.1):
    """Lets a rank run in one part of SLOWDOWN of the time until the job's end."""
    process = None
    while process is None and job.poll() is None:
        process = rank_process(job, rank)
    while job.poll() is None:
        try:
            os.kill(process, signal.SIGSTOP)
            time.sleep(period * (1 - 1 / SLOWDOWN))
            os.kill(process, signal.SIGCONT)
        except ProcessLookupError:
            return
        time.sleep(period / SLOWDOWN)


def start_slowed(program, name):
    job = start(program, name, ranks=2)
    threading.Thread(target=slow_down, args=(job, 1), daemon=True).start()
    return job


def score_seconds(run):
    """Of the whole stage, from its last progress line (three digits)."""
    log = run.communicate()[1]
    found = LAST_LINE.search(log)
    if run.returncode != 0 or found is None:
        raise SystemExit(log)
    return int(found[1]) / float(found[2])


def measure(program):
    arms = {
        "one_rank": lambda: [start(program, "one")],
        "two_ranks": lambda: [start(program, "two", ranks=2)],
        "one_of_two_slowed": lambda: [start_slowed(program, "slowed")],
        "side_by_side": lambda: [start(program, "left"), start(program, "right")],
    }
    seconds = {"load": os.getloadavg()[0]}
    for arm in random.sample(list(arms), len(arms)):
        runs = arms[arm]()
        seconds[arm] = statistics.mean([score_seconds(run) for run in runs])
    seconds["efficiency"] = seconds["one_rank"] / (2 * seconds["two_ranks"])
    # Of what both ranks together can do: the whole of one and a tenth of the other.
    ideal = seconds["one_rank"] / (1 + 1 / SLOWDOWN)
    seconds["efficiency_slowed"] = ideal / seconds["one_of_two_slowed"]
    seconds["ceiling"] = seconds["one_rank"] / seconds["side_by_side"]
    return seconds


def shown(figures):
    return json.dumps({name: round(value, 3) for name, value in figures.items()})


def main():
    options = arguments()
    program = (ROOT / options.build / "gainsweep").resolve()
    write_spec()
    rounds = []
    for _ in range(options.rounds):
        rounds.append(measure(program))
        print(shown(rounds[-1]), flush=True)
    medians = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    print(json.dumps({"medians_of": options.rounds}), shown(medians), sep="\n")


if __name__ == "__main__":
    main()
