"""Command line: python -m gainsweep_analysis COMMAND ARCHIVE."""

import argparse
import os
import sys
from pathlib import Path
from urllib.parse import quote

from . import (
    archive,
    budgets,
    calibration,
    comparison,
    export_model,
    exports,
    scales,
    stability,
    strategies,
    table,
    timing_table,
)
from .arguments import add_limit, condition
from .contents import Archive
from .disk import write_whole
from .export_model import ModelError
from .items import command as item_command
from .recipes import command as recipe_command
from .samples import command as sample_command
from .tables import Point
from .tasks import latex as task_latex
from .tasks import table as task_table
from .tokens import TokensError
from .tokens import command as token_command


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="gainsweep_analysis", description="Tables, figures and the report of an archive."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_text: str, run) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(run=run)
        return added

    listed = command("points", "List the points of a sweep.", print_points)
    listed.add_argument("archive", type=Path)
    shown = command("table", "Print the plans beside what was measured of them.", print_table)
    shown.add_argument("archive", type=Path)
    shown.add_argument("--format", choices=("text", "csv", "json"), default="text")
    shown.add_argument("--objective", help="only this objective: time, macs or memory")
    planned = command("plan", "Print one plan: the format of every op.", print_plan)
    planned.add_argument("archive", type=Path)
    add_limit(planned, "--tau", "0.001 or 0.1%%: a threshold, or any other")
    planned.add_argument("--objective", help="where there are several: time, macs or memory")
    planned.add_argument("--strategy", help="the first of the spec's unless another is named")
    planned.add_argument("--format", choices=("text", "csv", "json"), default="text")
    sent = command("export", "Write a plan as a runtime or another tool reads it.", export_plan)
    sent.add_argument("archive", type=Path)
    add_limit(sent, "--threshold", "as --tau of plan")
    recipe_command.add_arguments(sent)
    scaled = command("scales", "Print the scales of operands in every low format.", print_scales)
    scaled.add_argument("archive", type=Path)
    scaled.add_argument("--format", choices=("text", "csv", "json"), default="text")
    steady = command(
        "stability", "Print how plans change with the calibration samples.", print_stability
    )
    steady.add_argument("archive", type=Path)
    steady.add_argument("--format", choices=("text", "csv", "json"), default="text")
    steady.add_argument("--objective", help="only this objective: time, macs or memory")
    asked = command("tasks", "Print what plans do to the answers of tasks.", print_tasks)
    asked.add_argument("archive", type=Path)
    asked.add_argument("--format", choices=("text", "csv", "json", "latex"), default="text")
    asked.add_argument("--objective", help="only this objective: time, macs or memory")
    rivals = command(
        "strategies", "Print strategies side by side, with what each costs.", print_strategies
    )
    rivals.add_argument("archive", type=Path)
    rivals.add_argument("--format", choices=("text", "csv", "json", "latex"), default="text")
    rivals.add_argument("--objective", help="only this objective: time, macs or memory")
    report = command(
        "report", "Write the report, HTML, with the plans' files beside it.", write_report
    )
    report.add_argument("archive", type=Path)
    report.add_argument("--out", type=Path, required=True, metavar="FILE")
    drawn = command("figures", "Write every figure as PNG and PDF.", write_figures)
    drawn.add_argument("archive", type=Path)
    drawn.add_argument("--out", type=Path, required=True, metavar="DIR")
    drawn.add_argument("--width", choices=("column", "page"), default="page", help="of a paper")
    matched = command(
        "calibrate", "Fit a description of a device to an archive's measured times.", calibrate
    )
    matched.add_argument("archive", type=Path)
    matched.add_argument(
        "--device", type=Path, required=True, metavar="FILE", help="description to start from"
    )
    matched.add_argument("--out", type=Path, required=True, metavar="FILE")
    tabled = commands.add_parser("timings", help="Write and check timing tables.")
    actions = tabled.add_subparsers(dest="action", required=True, metavar="ACTION")
    exported = actions.add_parser("export", help="Write an archive's times as a table.")
    exported.add_argument("archive", type=Path)
    exported.add_argument("--out", type=Path, required=True, metavar="FILE.yaml")
    exported.set_defaults(run=export_timings)
    checked = actions.add_parser("check", help="Say everything that is wrong with a table.")
    checked.add_argument("table", type=Path, metavar="FILE.yaml")
    checked.add_argument("--archive", type=Path, help="also what it lacks of this one's model")
    checked.set_defaults(run=check_timings, select=[])
    of_points = (
        listed,
        shown,
        planned,
        sent,
        scaled,
        steady,
        asked,
        rivals,
        report,
        drawn,
        matched,
    )
    for added in (*of_points, exported):
        added.add_argument(
            "--select",
            action="append",
            default=[],
            type=condition,
            metavar="PATH=VALUE",
            help="only points of a sweep with this value of a swept leaf; may be repeated",
        )
    tokens = command("tokens", "Make a token file from texts.", token_command.run)
    token_command.add_arguments(tokens)
    items = command("items", "Make an items file of a task's raw data.", item_command.run)
    item_command.add_arguments(items)
    sampled = command("samples", "Make a sample file of arrays or images.", sample_command.run)
    sample_command.add_arguments(sampled)
    converted = command("export-model", "Make a .pt2 file of a PyTorch module.", export_model.run)
    export_model.add_arguments(converted)
    compared = command("compare", "Print two archives' plans side by side.", compare)
    compared.add_argument("first", type=Path, metavar="A")
    compared.add_argument("second", type=Path, metavar="B")
    compared.add_argument("--format", choices=("text", "csv", "json"), default="text")
    return top


def selected(options: argparse.Namespace) -> tuple[archive.Sweep, list[Point]]:
    sweep = archive.read_sweep(options.archive)
    return sweep, sweep.where(dict(options.select))


def print_points(options: argparse.Namespace) -> None:
    _, points = selected(options)
    for point in points:
        print(f"{point.number}  {point.label or 'the only point'}")


def print_table(options: argparse.Namespace) -> None:
    sweep, points = selected(options)
    listed = [(found, objectives_of(found, options)) for found in map(sweep.at, points)]
    if options.format == "text":
        texts = [
            "\n".join(filter(None, (table.text(found, objectives), *within(found, options))))
            for found, objectives in listed
        ]
        heads = [f"── {point.label}\n" if point.label else "" for point in points]
        sys.stdout.write("\n".join(map("".join, zip(heads, texts, strict=True))))
        return
    records = [
        found.point.parameters | record
        for found, objectives in listed
        for record in (
            *table.records(found, objectives),
            *(budgets.records(found) if options.objective is None else ()),
        )
    ]
    print_records(records, options.format)


def within(found: Archive, options: argparse.Namespace) -> list[str]:
    """The tables of budgets, which belong to no objective."""
    return [budgets.text(found)] if options.objective is None else []


def chosen_plan(found: Archive, options: argparse.Namespace) -> exports.Chosen:
    if options.budget is None:
        return exports.choose(found, options.objective, options.tau, options.strategy)
    if options.objective is not None or options.strategy is not None:
        raise archive.ArchiveError(
            "--budget names the plan alone. Leave --objective and --strategy out."
        )
    return exports.choose_within(found, *options.budget)


def print_plan(options: argparse.Namespace) -> None:
    chosen = chosen_plan(only_point(options), options)
    written = {"text": exports.text, "csv": exports.csv_text, "json": exports.json_text}
    sys.stdout.write(written[options.format](chosen))


def export_plan(options: argparse.Namespace) -> None:
    found = only_point(options)
    recipe_command.run(found, lambda: chosen_plan(found, options), options)


def print_scales(options: argparse.Namespace) -> None:
    found = only_point(options)
    if options.format == "text":
        sys.stdout.write(scales.text(found))
    else:
        print_records(scales.records(found), options.format)


def print_stability(options: argparse.Namespace) -> None:
    found = only_point(options)
    objectives = objectives_of(found, options)
    if options.format == "text":
        sys.stdout.write(stability.text(found, objectives))
    else:
        print_records(stability.records(found, objectives), options.format)


def print_tasks(options: argparse.Namespace) -> None:
    found = only_point(options)
    if options.objective is not None:
        objectives_of(found, options)
    if options.format == "text":
        sys.stdout.write(task_table.text(found, options.objective))
    elif options.format == "latex":
        sys.stdout.write(task_latex.text(found, options.objective))
    else:
        print_records(task_table.records(found, options.objective), options.format)


def print_strategies(options: argparse.Namespace) -> None:
    found = only_point(options)
    objectives = objectives_of(found, options)
    if options.format == "text":
        sys.stdout.write(strategies.text(found, objectives))
    elif options.format == "latex":
        sys.stdout.write(strategies.latex_text(found, objectives) + "\n")
    else:
        print_records(strategies.records(found, objectives), options.format)


def only_point(options: argparse.Namespace) -> Archive:
    sweep, points = selected(options)
    if len(points) > 1:
        raise archive.ArchiveError(
            f"{options.archive}: it has plans of {len(points)} points. Choose one by --select "
            f"({', '.join(points[0].parameters)})."
        )
    return sweep.at(points[0])


def objectives_of(found: Archive, options: argparse.Namespace) -> list[str]:
    if options.objective is None:
        return found.objectives
    if options.objective not in found.objectives:
        raise archive.ArchiveError(
            f"{options.archive}: it has no plans for the objective '{options.objective}' "
            f"(objectives: {', '.join(found.objectives) or 'none'})."
        )
    return [options.objective]


def print_records(records: list[dict], layout: str) -> None:
    written = table.csv_text if layout == "csv" else table.json_text
    sys.stdout.write(written(records))


def write_report(options: argparse.Namespace) -> None:
    from . import report, sweep_report  # matplotlib takes a second to load

    sweep, points = selected(options)
    archives = [sweep.at(point) for point in points]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if len(archives) > 1:
        write_whole(options.out, sweep_report.html(archives))
    else:
        folder = options.out.with_name(options.out.stem + "_plans")
        written = exports.plan_files(archives[0])
        page = report.html(
            archives[0], quote(folder.name, errors="surrogateescape") if written else None
        )
        folder.mkdir(exist_ok=True)
        for name, contents in written.items():
            write_whole(folder / name, contents)
        write_whole(options.out, page)
    print(f"report: {options.out}")


def calibrate(options: argparse.Namespace) -> None:
    description = calibration.read_description(options.device)
    found, fit = calibration.fitted(only_point(options), description)
    if options.out.exists():
        raise archive.ArchiveError(f"{options.out} is there already. Give another --out.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.out, calibration.text(found))
    rates = ", ".join(f"{name} {rate / 1e12:.4g} TFLOPS" for name, rate in fit.rate.items())
    print(f"{options.out}: {rates}, launch {fit.launch * 1e6:.3g} us; the measured times lie "
          f"{100 * fit.residual:.2g} % beside these (root mean square)")  # fmt: skip


def export_timings(options: argparse.Namespace) -> None:
    if options.out.suffix != ".yaml":
        raise archive.ArchiveError(f"{options.out}: no name of a header. End it with .yaml.")
    for path in (options.out, options.out.with_suffix(".csv")):
        if path.exists():
            raise archive.ArchiveError(f"{path} is there already. Give another --out.")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    print(f"{options.out}: {timing_table.export(only_point(options), options.out)} configurations")


def check_timings(options: argparse.Namespace) -> None:
    found = timing_table.read(options.table)
    problems = [*found.problems, *timing_table.gaps(found)]
    if options.archive is not None:
        problems += timing_table.uncovered(found, only_point(options))
    if problems:
        raise archive.ArchiveError("\n  ".join([f"{options.table}:", *problems]))
    print(f"{options.table}: {len(found.rows)} configurations on {found.header['device']}, right")


def write_figures(options: argparse.Namespace) -> None:
    from . import figures

    sweep, points = selected(options)
    width = figures.WIDTHS[options.width]
    archives = [sweep.at(point) for point in points]
    if len(points) == 1:
        drawn = {options.out: figures.draw_all(archives[0], width)}
    else:
        drawn = {options.out: figures.draw_sweep(archives, width)}
        for point, found in zip(points, archives, strict=True):
            drawn[options.out / f"point_{point.number}"] = figures.draw_all(found, width)
    for folder, drawings in drawn.items():
        folder.mkdir(parents=True, exist_ok=True)
        figures.save(drawings, folder)
    count = sum(map(len, drawn.values()))
    print(f"{count} figures as PNG and PDF: {options.out}")


def compare(options: argparse.Namespace) -> None:
    first, second = archive.read(options.first), archive.read(options.second)
    objectives = comparison.objectives(first, second)
    if options.format == "text":
        sys.stdout.write(comparison.text(first, second, objectives))
    else:
        print_records(comparison.records(first, second, objectives), options.format)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if sys.stdout is None:
        print("gainsweep_analysis: standard output is closed. Open it.", file=sys.stderr)
        return 1
    if hasattr(sys.stdout, "reconfigure"):
        # names of files may hold any bytes
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        options.run(options)
        sys.stdout.flush()
    except (archive.ArchiveError, ModelError, sample_command.SamplesError, TokensError) as error:
        print(f"gainsweep_analysis: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        _discard_output()  # the reader has left: nothing to say to it
        return 1
    except OSError as error:
        print(f"gainsweep_analysis: {error}", file=sys.stderr)
        _discard_output()
        return 1
    return 0


def _discard_output() -> None:
    """What cannot be written goes nowhere, so that leaving does not fail on it again."""
    try:
        sys.stdout.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
