"""The report: one HTML file that needs nothing else."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from . import figures, grid
from .contents import Anchors, Archive
from .figures.style import Drawing, svg
from .notation import fixed, interval, listed, significant
from .plans import rows
from .statistics import perplexity
from .table import columns, legend, objective_note, off_note
from .timings import warning

SECTIONS = {  # title: names of its figures begin with
    "Gain against loss error": ("gain",),
    "Predicted against measured": ("loss_error", "time"),
    "Sensitivity": ("sensitivity",),
    "Which ops the plans lower": ("plans_",),
    "Times of the sub-graphs": ("latency_",),
}


def html(archive: Archive) -> str:
    drawings = figures.draw_all(archive)
    name = escape(archive.provenance["name"])
    body = [f"<h1>gainsweep: {name}</h1>", f"<p>{escape(summary(archive))}</p>"]
    body += [f"<p>{escape(finding)}</p>" for finding in findings(archive)]
    noisy = warning(archive)
    body += [f"<p class=warning>{escape(noisy)}</p>"] if noisy is not None else []
    for title, starts in SECTIONS.items():
        shown = [drawing for drawing in drawings if drawing.name.startswith(starts)]
        if shown:
            body += [f"<h2>{title}</h2>", *map(figure_html, shown)]
    body += ["<h2>Plans</h2>", *_plan_tables(archive)]
    body += ["<h2>Failures</h2>", _failures(archive)] if archive.failures else []
    body += ["<h2>Provenance</h2>", _provenance(archive)]
    return page(name, body)


def page(name: str, body: list[str]) -> str:
    """A whole page; `name` is escaped already."""
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gainsweep: {name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def summary(archive: Archive) -> str:
    """What was run, in one paragraph."""
    spec, scores = archive.spec, archive.scores
    solve, latency = spec["solve"], spec["latency"]
    sentences = [
        f"The model {spec['model']['checkpoint']} has {len(archive.ops)} quantizable ops in "
        f"{len(archive.subgraphs)} sequential sub-graphs "
        f"({len({s.cls for s in archive.subgraphs})} structural classes). It was scored in "
        f"{spec['sensitivity']['precision']} arithmetic on {len(scores.loss)} calibration samples "
        f"of {archive.length} predicted tokens (perplexity {fixed(perplexity(scores.loss), 2)}); "
        f"ops may be lowered from {archive.high} to {', '.join(archive.low)}."
    ]
    if archive.timings:
        blocks = sum(len(timing.seconds) for timing in archive.timings)
        sentences.append(
            f"Times are of a forward pass of {latency['batch']} × {latency['length']} tokens on "
            f"{archive.machine['device']} with {archive.machine['threads']} threads: "
            f"{len(archive.timings)} classes in {blocks} blocks."
        )
    sentences.append(
        f"Plans for {listed(archive.objectives)} were chosen by {listed(solve['strategies'])} at "
        f"{len(solve['thresholds'])} thresholds between {_percent(min(archive.spec_thresholds))} "
        f"and {_percent(max(archive.spec_thresholds))} of the root-mean-square loss, with "
        f"{solve['noise'].replace('_', '-')} noise and the loss model "
        f"{solve['loss_model'].replace('_', ' ')}."
    )
    if archive.anchors is not None and solve["loss_model"] == "anchored":
        sentences.append(_anchored(archive, archive.anchors))
    evaluated = [
        e for e in archive.evaluations.values() if e.loss is not None and e.assignment.any()
    ]
    if evaluated:
        timed = sum(e.seconds is not None for e in archive.evaluations.values())
        sentences.append(
            f"{len(evaluated)} distinct plans were evaluated on {len(evaluated[0].loss)} other "
            f"samples, {timed} of them also timed as a whole."
        )
    else:
        sentences.append("No plan was evaluated.")
    return " ".join(sentences)


def _anchored(archive: Archive, anchors: Anchors) -> str:
    """What the anchors found, in a sentence."""
    rate = anchors.bias_rate[archive.spec["solve"]["noise"]]
    fitted = archive.length / 2
    sure = "over-confident" if anchors.gap > 0 else "under-confident"
    return (
        f"With every op in one low format, on {anchors.samples} samples, the loss changes by "
        f"{interval(rate)} nat for each nat² of summed loss errors (a well-fitted model has "
        f"{significant(fitted, 3)}); on this text the model is {sure} by "
        f"{significant(abs(anchors.gap), 2)} nat a token."
    )


def findings(archive: Archive) -> list[str]:
    """The plan of the largest evaluated threshold of each objective, in a sentence."""
    sentences = []
    for objective in archive.objectives:
        measured = [row for row in rows(archive, objective) if row.measured_tau is not None]
        if not measured or measured[-1].gain_share is None:
            continue
        row = measured[-1]
        text = (
            f"At an allowed loss error of {_percent(row.threshold)} the {objective} plan lowers "
            f"{100 * sum(row.lowered.values()):.0f} % of the ops, saves "
            f"{_percent(row.gain_share)} of the {archive.objective(objective).title} and has a "
            f"measured loss error of {_percent(row.measured_tau.value)} "
            f"(perplexity {fixed(row.perplexity, 3)}, all-{archive.high} "
            f"{fixed(perplexity(archive.baseline.loss), 3)})"
        )
        if row.measured_time is not None and row.predicted_time is not None:
            text += (
                f"; time saved a run: {significant(row.measured_time.value, 3, 1e3)} ms measured, "
                f"{significant(row.predicted_time, 3, 1e3)} ms predicted"
            )
        sentences.append(text + ".")
    return sentences


def _percent(share: float) -> str:
    return f"{significant(share, 3, 100)} %"


def figure_html(drawing: Drawing) -> str:
    return (
        f"<h3>{escape(drawing.title)}</h3>\n<figure>{svg(drawing)}"
        f"<figcaption>{escape(drawing.caption)}</figcaption></figure>"
    )


def _plan_tables(archive: Archive) -> Iterable[str]:
    for objective in archive.objectives:
        note = objective_note(archive, objective)
        yield f"<h3>{escape(objective)}</h3>\n<p class=note>{escape(note)}</p>"
        yield f"<div class=wide>{table_html(columns(archive, objective))}</div>"
    off = off_note(archive, archive.objectives)
    if off is not None:
        yield f"<p class=note>{escape(off)}</p>"
    yield f"<p class=note>{escape(legend(archive, archive.objectives))}</p>"


def table_html(shown: list[grid.Column]) -> str:
    top = "".join(
        f"<th class=group colspan={len(places)}>{escape(name)}</th>"
        for name, places in grid.groups(shown)
    )
    heads = "".join(f"<th>{escape(column.head)}</th>" for column in shown)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in zip(*(column.cells for column in shown), strict=True)
    )
    return f"<table><thead><tr>{top}</tr>\n<tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>"


def _failures(archive: Archive) -> str:
    table = "\n".join(
        f"<tr><th>{escape(failure.label)}</th><td>{escape(failure.reason)}</td></tr>"
        for failure in archive.failures
    )
    return f"<table class=facts>{table}</table>"


def _provenance(archive: Archive) -> str:
    long_texts = ("spec_written", "spec_resolved")
    facts = {"archive written by": archive.program, **archive.provenance, **archive.machine}
    kernels = dict.fromkeys(kernel for timing in archive.timings for kernel in timing.kernels)
    if kernels:
        facts["kernels"] = "; ".join(kernels)
    table = "\n".join(
        f"<tr><th>{escape(key.replace('_', ' '))}</th><td>{escape(value)}</td></tr>"
        for key, value in facts.items()
        if key not in long_texts
    )
    specs = "\n".join(
        f"<details><summary>{title}</summary><pre>{escape(archive.provenance[key])}</pre></details>"
        for key, title in zip(long_texts, ("Spec as written", "Spec as resolved"), strict=True)
        if key in archive.provenance
    )
    return f"<table class=facts>{table}</table>\n{specs}"
