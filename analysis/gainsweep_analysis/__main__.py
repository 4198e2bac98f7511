"""Command line: python -m gainsweep_analysis COMMAND ARCHIVE."""

import argparse
import os
import sys
from pathlib import Path

from . import archive, comparison, table


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="gainsweep_analysis", description="Tables, figures and the report of an archive."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help_text: str, run) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(run=run)
        return added

    shown = command("table", "Print the plans beside what was measured of them.", print_table)
    shown.add_argument("archive", type=Path)
    shown.add_argument("--format", choices=("text", "csv", "json"), default="text")
    shown.add_argument("--objective", help="only this objective: time, macs or memory")
    report = command("report", "Write the report, one HTML file.", write_report)
    report.add_argument("archive", type=Path)
    report.add_argument("--out", type=Path, required=True, metavar="FILE")
    drawn = command("figures", "Write every figure as PNG and PDF.", write_figures)
    drawn.add_argument("archive", type=Path)
    drawn.add_argument("--out", type=Path, required=True, metavar="DIR")
    compared = command("compare", "Print two archives' plans side by side.", compare)
    compared.add_argument("first", type=Path, metavar="A")
    compared.add_argument("second", type=Path, metavar="B")
    return top


def print_table(options: argparse.Namespace) -> None:
    found = archive.read(options.archive)
    objectives = found.objectives
    if options.objective is not None:
        if options.objective not in objectives:
            raise archive.ArchiveError(
                f"{options.archive}: it has no plans for the objective '{options.objective}' "
                f"(objectives: {', '.join(objectives) or 'none'})."
            )
        objectives = [options.objective]
    if options.format == "text":
        sys.stdout.write(table.text(found, objectives))
        return
    written = table.csv_text if options.format == "csv" else table.json_text
    sys.stdout.write(written(table.records(found, objectives)))


def write_report(options: argparse.Namespace) -> None:
    from . import report  # matplotlib takes a second to load

    page = report.html(archive.read(options.archive))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    partial = options.out.with_name(options.out.name + ".tmp")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, options.out)
    print(f"report: {options.out}")


def write_figures(options: argparse.Namespace) -> None:
    from . import figures

    drawings = figures.draw_all(archive.read(options.archive))
    options.out.mkdir(parents=True, exist_ok=True)
    figures.save(drawings, options.out)
    print(f"{len(drawings)} figures as PNG and PDF: {options.out}")


def compare(options: argparse.Namespace) -> None:
    first, second = archive.read(options.first), archive.read(options.second)
    objectives = comparison.objectives(first, second)
    sys.stdout.write(comparison.text(first, second, objectives))


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        options.run(options)
    except archive.ArchiveError as error:
        print(f"gainsweep_analysis: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader has left: nothing to say to it
        return 0
    except OSError as error:
        print(f"gainsweep_analysis: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
