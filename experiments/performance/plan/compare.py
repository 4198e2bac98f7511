"""What `gainsweep plan` foretells beside what `gainsweep run` then takes, stage by stage."""

import argparse
import json
import subprocess
from pathlib import Path

import h5py


def planned(program, spec, settings):
    text = subprocess.run(
        [program, "plan", spec, "--json", *settings], check=True, capture_output=True, text=True
    ).stdout
    return json.loads(text)


def used(archive):
    """Wall and processor seconds and the largest anonymous memory of the first rank, by stage."""
    with h5py.File(archive) as file:
        usage = file["measured/usage"]
        rows = zip(
            usage["stage"].asstr()[()],
            usage["rank"][()],
            usage["wall_seconds"][()],
            usage["processor_seconds"][()],
            usage["anonymous_bytes"][()],
            strict=True,
        )
        return {stage: tuple(numbers) for stage, rank, *numbers in rows if rank == 0}


def line(name, seconds, memory, wall, processor, anonymous):
    print(
        f"{name:10}{seconds:10.1f}{wall:10.1f}{processor:11.1f}{seconds / processor:8.2f}"
        f"{memory / 1e9:12.3f}{anonymous / 1e9:11.3f}{memory / anonymous:8.2f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="the executable")
    parser.add_argument("spec")
    parser.add_argument("out", type=Path, help="folder of the run, which must not be there")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="KEY=VALUE")
    options = parser.parse_args()
    settings = [word for setting in options.settings for word in ("--set", setting)]
    plan = planned(options.program, options.spec, settings)
    subprocess.run(
        [options.program, "run", options.spec, "--out", options.out, *settings], check=True
    )
    measured = used(options.out / "archive.h5")
    if plan["speed_disturbed"]:
        print("others used the processors while `plan` measured its speed")
    print("stage      foretold  wall, s  processor   ratio  foretold, GB  own peak   ratio")
    stages = [stage for stage in plan["stages"] if stage["stage"] in measured]
    for stage in stages:
        numbers = measured[stage["stage"]]
        line(stage["stage"], stage["seconds"], stage["rank_bytes"], *numbers)
    own = [measured[stage["stage"]] for stage in stages]
    line(
        "all",
        sum(stage["seconds"] for stage in stages),
        max(stage["rank_bytes"] for stage in stages),
        sum(numbers[0] for numbers in own),
        sum(numbers[1] for numbers in own),
        max(numbers[2] for numbers in own),
    )


if __name__ == "__main__":
    main()
