"""The report: one HTML file, with the files of the plans beside it."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files

from . import budgets, figures, grid, strategies
from .answer import answer_row, lowered_ops, why_nothing
from .contents import Anchors, Archive
from .exports import Chosen, distinct, distinct_plans, file_stem
from .figures.style import Drawing, svg
from .notation import fixed, interval, listed, significant
from .plans import PlanRow
from .qualities import quality
from .stability import finding as stability_finding
from .statistics import Estimate, perplexity
from .table import UNROUNDED, columns, given_columns, legend, objective_note, off_note
from .tasks import rows as task_rows
from .tasks import table as task_table
from .timings import marks_legend, warning

Section = tuple[str, list[str]]  # its heading and what stands below it


def html(archive: Archive, plan_folder: str | None = None) -> str:
    """The page; `plan_folder` is where the plans' files are as seen from it."""
    drawings = figures.draw_all(archive)

    def drawn(*starts: str) -> list[str]:
        return [figure_html(drawing) for drawing in drawings if drawing.name.startswith(starts)]

    plans = [
        part
        for objective in archive.objectives
        for part in (*_plans_of(archive, objective, plan_folder), *drawn(f"plans_{objective}"))
    ]
    plans += [
        part
        for resource in archive.budgets
        for part in _plans_within(archive, resource, plan_folder)
    ]
    sections = [
        ("The answer", list(_answer(archive, plan_folder))),
        ("What was run", [f"<p>{escape(summary(archive))}</p>"]),
        ("Gain against loss error", drawn("gain")),
        ("Plans", [*plans, *_plan_notes(archive)]),
        ("Strategies", [*_strategies(archive), *drawn("strategies_")]),
        ("Stability", [*_stability(archive), *drawn("stability")]),
        ("Predicted against measured", drawn("loss_error", "time")),
        ("Tasks", [*_tasks(archive), *drawn("tasks_")]),
        ("Sensitivity", drawn("sensitivity")),
        ("Times of the sub-graphs", drawn("configurations_", "latency_")),
        ("Failures", [_failures(archive)] if archive.failures else []),
        ("Provenance", [_provenance(archive)]),
    ]
    return page(escape(archive.provenance["name"]), sections)


def page(name: str, sections: Iterable[Section]) -> str:
    """A whole page with a table of contents; `name` is escaped already. Empty sections are left
    out."""
    shown = [(title, parts) for title, parts in sections if parts]
    ids = ["s-" + title.lower().replace(" ", "-") for title, _ in shown]
    contents = "\n".join(
        f'<li><a href="#{id_}">{title}</a></li>' for id_, (title, _) in zip(ids, shown, strict=True)
    )
    body = "\n".join(
        f'<section>\n<h2 id="{id_}">{title}</h2>\n' + "\n".join(parts) + "\n</section>"
        for id_, (title, parts) in zip(ids, shown, strict=True)
    )
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>gainsweep: {name}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<nav aria-label="Contents">\n<ol>\n{contents}\n</ol>\n</nav>\n'
        f"<main>\n<h1>gainsweep: {name}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def summary(archive: Archive) -> str:
    """What was run, in one paragraph."""
    spec, scores = archive.spec, archive.scores
    solve = spec["solve"]
    sentences = [
        f"The model {archive.model} has {len(archive.ops)} quantizable ops in "
        f"{len(archive.subgraphs)} sequential sub-graphs "
        f"({len({s.cls for s in archive.subgraphs})} structural classes). It was scored in "
        f"{spec['sensitivity']['precision']} arithmetic on {len(scores.loss)} calibration samples "
        f"of {archive.targets} {'predictions' if archive.is_exported else 'predicted tokens'} "
        f"({quality(archive, scores.loss, 2)}, nothing rounded); ops may be lowered from "
        f"{archive.high} to {', '.join(archive.low)}."
    ]
    if archive.timings:
        blocks = sum(len(timing.seconds) for timing in archive.timings)
        sentences.append(
            f"Times are of a forward pass of {archive.workload} on "
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
        if archive.given:
            names = listed(plan.name for plan in archive.given)
            sentences.append(f"Plans of files were among them: {names}.")
    else:
        sentences.append("No plan was evaluated.")
    return " ".join(sentences)


def _anchored(archive: Archive, anchors: Anchors) -> str:
    """What the anchors found, in a sentence."""
    noise = archive.spec["solve"]["noise"]
    rate, fitted = anchors.bias_rate[noise], anchors.fitted[noise]
    sure = "over-confident" if anchors.gap > 0 else "under-confident"
    return (
        f"With every op in one low format, on {anchors.samples} samples, the loss changes by "
        f"{interval(rate)} nat for each nat² of summed loss errors (a well-fitted model has "
        f"{significant(fitted, 3)}); on this text the model is {sure} by "
        f"{significant(abs(anchors.gap), 2)} nat a token."
    )


def _answer(archive: Archive, plan_folder: str | None) -> Iterable[str]:
    """Of each objective the plan that the measurements speak for: what it saves, at what loss
    error, which ops."""
    for objective in archive.objectives:
        row = answer_row(archive, objective)
        if row is None:
            yield f"<p>{escape(why_nothing(archive, objective))}</p>"
            continue
        ops = "".join(
            f"<li><b>{escape(name)}</b>: {escape(which)}</li>"
            for name, which in lowered_ops(archive, row.assignment).items()
        )
        links = _links(row, plan_folder)
        yield (
            f"<div class=answer>\n<p>{escape(finding(archive, row))}</p>\n<ul>{ops}</ul>\n"
            f"<p class=note>{escape(_perplexities(archive, row))}{links}</p>\n</div>"
        )
    noisy = warning(archive)
    if noisy is not None:
        yield f"<p class=warning>{escape(noisy)}</p>"


def finding(archive: Archive, row: PlanRow) -> str:
    """What a plan does, in a sentence."""
    lowered = int((row.assignment > 0).sum())
    text = f"For {row.objective}: lower {lowered} of {len(archive.ops)} ops and save "
    text += _saved(archive, row)
    if row.measured_tau is None:
        text += (
            f" at a predicted loss error of {_percent(row.predicted_tau)}, which was not measured"
        )
    else:
        text += (
            f" at a measured loss error of {interval(row.measured_tau, 100)} % (allowed "
            f"{_percent(row.threshold)}, predicted {_percent(row.predicted_tau)}"
            + (", outside of what was measured)" if row.is_off else ")")
        )
    return text + "." + _on_precision(row)


def _saved(archive: Archive, row: PlanRow) -> str:
    about = archive.objective(row.objective)
    if about.of_times:
        return _time_saved(archive, row)
    if row.gain_share is not None:
        saved = f"{_percent(row.gain_share)} of the {about.title}"
    else:
        saved = f"{significant(row.gain)} {about.title}"
    return saved if row.time is None else f"{saved} and {_time_saved(archive, row)}"


def _time_saved(archive: Archive, row: PlanRow) -> str:
    """What a plan saves in time: as measured, never a prediction that measurements contradict."""
    predicted, measured = row.predicted_time, row.measured_time
    source = archive.time_source
    if source is not None:
        return f"{_interval(predicted)} of the time that is {source.name} of {source.device}"
    if measured is None:
        return f"a predicted {_interval(predicted)} of the time, not measured as a whole,"
    if measured.low <= 0 <= measured.high:
        said = f"no time that can be told from noise ({_interval(measured)} measured"
    elif measured.value < 0:
        said = f"no time: it costs some (it saves {_interval(measured)}, measured"
    else:
        said = f"{_interval(measured)} of the time (measured"
    if predicted is None:
        return said + ")"
    outside = ", outside of what was measured" if row.time_is_outside else ""
    return f"{said}; {_percent(predicted.value)} predicted{outside})"


def _perplexities(archive: Archive, row: PlanRow) -> str:
    if row.perplexity is None:
        return ""
    if archive.is_exported:
        high = significant(archive.baseline.loss.mean(), 4)
        text = f"Mean loss {significant(row.loss, 4)} nat; {high} {UNROUNDED}. "
    else:
        high = fixed(perplexity(archive.baseline.loss), 3)
        text = f"Perplexity {fixed(row.perplexity, 3)}; {high} {UNROUNDED}. "
    if row.divergence is not None:
        text += (
            f"KL divergence from its predictions: {interval(row.divergence, 1e3)} mnat a "
            f"{archive.predicted}. "
        )
    return text


def _links(row: PlanRow, plan_folder: str | None) -> str:
    """To the files of a plan."""
    if plan_folder is None:
        return ""
    path = escape(f"{plan_folder}/{file_stem(row)}", quote=True)
    return f'The plan: <a href="{path}.json">JSON</a>, <a href="{path}.csv">CSV</a>.'


def _on_precision(row: PlanRow) -> str:
    loose = row.time is not None and not (row.is_predicted_precisely and row.is_measured_precisely)
    return " Its times are less precise than latency.precision asks for." if loose else ""


def _interval(estimate: Estimate) -> str:
    return f"{interval(estimate, 100)} %"


def _percent(share: float) -> str:
    return f"{significant(share, 3, 100)} %"


def figure_html(drawing: Drawing) -> str:
    return (
        f"<figure>\n<div class=wide>{svg(drawing)}</div>\n<figcaption><b>"
        f"{escape(drawing.title)}.</b> {escape(drawing.caption)}</figcaption>\n</figure>"
    )


def _plans_of(archive: Archive, objective: str, plan_folder: str | None) -> Iterable[str]:
    note = objective_note(archive, objective)
    yield f"<h3>Plans for {escape(objective)}</h3>\n<p class=note>{escape(note)}</p>"
    shown = grid.merged(columns(archive, objective, wide=True))
    yield f"<div class=wide>{table_html(shown)}</div>"
    if given := given_columns(archive, objective, wide=True):
        yield f"<div class=wide>{table_html(given)}</div>"
    marked = [*shown, *given[1:]]  # names mark nothing
    if meaning := marks_legend([cell for column in marked for cell in column.cells]):
        yield f"<p class=note>{escape(meaning)}</p>"
    plans = distinct_plans(archive, objective)
    if plan_folder is not None and plans:
        yield f"<p class=note>{_all_links(plans, plan_folder)}</p>"


def _plans_within(archive: Archive, resource: str, plan_folder: str | None) -> Iterable[str]:
    yield f"<h3>Plans within budgets of {escape(resource)}</h3>"
    note = f"{budgets.note(archive, resource)}. {budgets.LEGEND}"
    yield f"<p class=note>{escape(note)}</p>"
    yield f"<div class=wide>{table_html(budgets.columns(archive, resource, wide=True))}</div>"
    plans = distinct(archive, archive.budgets[resource])
    if plan_folder is not None and plans:
        yield f"<p class=note>{_all_links(plans, plan_folder)}</p>"


def _plan_notes(archive: Archive) -> Iterable[str]:
    for text in (off_note(archive, archive.objectives), legend(archive, archive.objectives)):
        if text is not None:
            yield f"<p class=note>{escape(text)}</p>"


def _all_links(plans: list[Chosen], plan_folder: str) -> str:
    """The JSON files of the plans, by what is allowed; the CSV files have the same names."""
    links = []
    for row in (chosen.row for chosen in plans):
        path = escape(f"{plan_folder}/{file_stem(row)}.json", quote=True)
        shown = f"{row.budget:.6g}" if row.resource else _percent(row.threshold)
        links.append(f'<a href="{path}">{shown}</a>')
    allowed = escape(plans[0].plans.resource) or "τ"
    return (
        f"Files of the distinct plans, by allowed {allowed}: {', '.join(links)} (CSV beside them)."
    )


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


def _tasks(archive: Archive) -> Iterable[str]:
    found = task_rows.asked(archive)
    for group in found.groups:
        yield f"<h3>Tasks: {escape(group.name)}</h3>\n<p class=note>{escape(group.title)}</p>"
        yield f"<div class=wide>{table_html(task_table.columns(found, group))}</div>"
        for task in found.tasks:
            if shown := task_table.task_columns(archive, group, task):
                yield f"<p class=note>{escape(task.name)}:</p>"
                yield f"<div class=wide>{table_html(shown)}</div>"
    if found.groups:
        asked = "; ".join(map(task_table.describe, found.tasks))
        explained = f"{asked}. {task_table.legend(archive)} {task_table.CHANGES}"
        yield f"<p class=note>{escape(explained)}</p>"


def _strategies(archive: Archive) -> Iterable[str]:
    compared = strategies.compared(archive)
    for objective in compared:
        yield f"<h3>Strategies for {escape(objective)}</h3>"
        yield f"<div class=wide>{table_html(strategies.columns(archive, objective))}</div>"
    if compared and (square := strategies.agreement_columns(archive)):
        yield f"<div class=wide>{table_html(square)}</div>"
    if compared:
        yield f"<p class=note>{escape(strategies.LEGEND)}</p>"


def _stability(archive: Archive) -> Iterable[str]:
    for objective in archive.stability:
        yield f"<p>{escape(stability_finding(archive, objective))}</p>"


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
