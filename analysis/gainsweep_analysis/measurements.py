"""Reads anchors, times, evaluations and tasks."""

from collections.abc import Iterable

import numpy as np

from .contents import Anchors, Answers, Contest, Evaluation, Searched, Task, TimeSource, Timing
from .statistics import Estimate
from .tables import Table, Tables, both


def read_timings(tables: Tables) -> list[Timing]:
    if "timed_configurations" not in tables:
        return []
    rows = tables["timed_configurations"]
    timings = []
    for name in dict.fromkeys(rows["table"]):
        if f"measured/{name}" not in tables:
            continue  # its first round failed
        places = np.flatnonzero(rows["table"] == name)
        table = tables[f"measured/{name}"]
        seconds = table["seconds"]
        timings.append(
            Timing(
                table=name,
                subgraph=rows["subgraph"][places[0]],
                members=int(rows["members"][places[0]]),
                configurations=[tuple(rows["formats"][place].split(",")) for place in places],
                seconds=seconds.reshape(-1, seconds.shape[-1]),
                whole=table.columns.get("whole_seconds", seconds[..., 0]).ravel(),
                kernels=tuple(dict.fromkeys(table["kernels"].ravel())),
            )
        )
    return timings


def read_contests(tables: Tables) -> list[Contest]:
    if "measured/contests" not in tables:
        return []
    columns = [
        "table",
        "assignment_key",
        "label",
        "baseline",
        "blocks",
        "width",
        "is_precise",
        "is_quietest",
    ]
    table = tables["measured/contests"]
    held_back = table.columns.get("held_back", np.zeros(len(table["table"]), int))
    return [
        Contest(
            table=name,
            assignment_key=key,
            label=label,
            baseline=float(base),
            blocks=int(blocks),
            width=float(width),
            is_precise=bool(precise),
            is_quietest=bool(quiet),
            held_back=int(slow),
        )
        for (name, key, label, base, blocks, width, precise, quiet), slow in zip(
            table.rows(*columns), held_back, strict=True
        )
    ]


def read_savings(tables: Tables) -> dict[str, Estimate]:
    columns = ("assignment_key", "saved", "saved_low", "saved_high")
    return {
        key: Estimate(*map(float, numbers))
        for table in both(tables, "savings")
        for key, *numbers in table.rows(*columns)
    }


def read_time_source(tables: Tables) -> TimeSource | None:
    if "time_source" not in tables:
        return None
    columns = ("source", "device", "assumed", "baseline", "baseline_low", "baseline_high")
    (row,) = tables["time_source"].rows(*columns)
    return TimeSource(*row[:3], baseline=Estimate(*map(float, row[3:])))


def read_structures(tables: Tables) -> list[str]:
    return list(tables["structures"]["structure"]) if "structures" in tables else []


def read_saved(tables: Tables, num_subgraphs: int) -> list[dict[tuple[str, ...], Estimate]]:
    found: list[dict[tuple[str, ...], Estimate]] = [{} for _ in range(num_subgraphs)]
    columns = ("subgraph", "formats", "saved", "saved_low", "saved_high")
    tables_of_time = list(both(tables, "gains/time"))
    for table in tables_of_time:
        for subgraph, formats, *numbers in table.rows(*columns):
            found[subgraph][tuple(formats.split(","))] = Estimate(*map(float, numbers))
    return found if tables_of_time else []


def read_evaluations(tables: Tables) -> dict[str, Evaluation]:
    found: dict[str, dict] = {}
    for table in both(tables, "evaluations/losses"):
        for key, values in _evaluated(table):
            found.setdefault(key, {}).update(values)
    for table in both(tables, "evaluations/floor"):
        for key, values in _evaluated(table):
            found.setdefault(key, {})["next_loss"] = values["loss"]
    times = tables.get("measured/evaluations/times")
    if times is not None:
        keys = times["assignment_key"]
        for key in dict.fromkeys(keys):
            seconds = times["seconds"][np.flatnonzero(keys == key)]
            found.setdefault(key, {})["seconds"] = seconds.reshape(-1, seconds.shape[-1])
    return {key: Evaluation(key, **values) for key, values in found.items()}


def _evaluated(table: Table) -> Iterable[tuple[str, dict[str, np.ndarray]]]:
    """Key and, by name, what was found of each assignment whose chunks of samples are all there."""
    keys = table["assignment_key"]
    of_scores = ("entropy", "spread", "divergence", "tilt", "agreement", "top1", "top5")
    names = ("loss", *of_scores)
    of_samples = {name: table[name] for name in names if name in table.columns}
    first = table.columns.get("first_sample", np.zeros(len(keys), int))
    chunks = len(np.unique(first))
    for key in dict.fromkeys(keys):
        rows = np.flatnonzero(keys == key)
        if len(rows) == chunks:
            rows = rows[np.argsort(first[rows])]
            values = {name: column[rows].ravel() for name, column in of_samples.items()}
            yield key, {"assignment": table["assignment"][rows[0]], **values}


def read_tasks(tables: Tables) -> list[Task]:
    if "tasks" not in tables:
        return []
    texts, counts = ("name", "task", "variant", "kind", "bos"), ("length", "shots", "dropped")
    found = []
    for name, *row in tables["tasks"].rows(*texts, *counts):
        items, requests = tables[f"tasks/{name}/items"], tables[f"tasks/{name}/requests"]
        columns = {
            column: requests[column] for column in ("item", "bytes", "characters", "targets")
        }
        words = dict(zip(texts, (name, *row[: len(texts) - 1]), strict=True))
        numbers = zip(counts, map(int, row[len(texts) - 1 :]), strict=True)
        found.append(
            Task(
                **words,
                **dict(numbers),
                label=items["label"],
                item_bytes=items["bytes"],
                item_words=items["words"],
                **columns,
                answers=_read_answers(tables, name, len(requests["item"])),
            )
        )
    return found


def _read_answers(tables: Tables, name: str, num_requests: int) -> dict[str, Answers]:
    """Of the assignments that all requests were asked under."""
    rows: dict[str, list[tuple]] = {}
    for table in both(tables, f"evaluations/tasks/{name}"):
        columns = ("first_request", "num_requests", "loglikelihood", "greedy", "assignment")
        for key, *row in table.rows("assignment_key", *columns):
            rows.setdefault(key, []).append(tuple(row))
    found = {}
    for key, chunks in rows.items():
        chunks.sort(key=lambda chunk: chunk[0])
        likelihood, greedy = (
            np.concatenate([chunk[place][: chunk[1]] for chunk in chunks]) for place in (2, 3)
        )
        if len(likelihood) == num_requests:
            found[key] = Answers(chunks[0][4], likelihood, greedy == 1)
    return found


def read_anchors(tables: Tables) -> Anchors | None:
    if "mean_changes" not in tables:
        return None
    changes, rates = tables["mean_changes"], tables["bias_rates"]
    return Anchors(
        change=dict(zip(changes["format"], changes["change"], strict=True)),
        gap=float(changes["gap"][0]),
        flattening=dict(zip(changes["format"], changes["flattening"], strict=True)),
        bias_rate={
            noise: Estimate(*map(float, numbers))
            for noise, *numbers in rates.rows("noise", "bias_rate", "low", "high")
        },
        fitted=dict(zip(rates["noise"], rates["fitted"], strict=True)),
        samples=len(tables["anchors"]["sample"]),
    )


def read_searched(tables: Tables) -> dict[tuple[int, ...], Searched]:
    """By assignment; chunks of a plan's samples in their order. Plans without class scores are left
    out."""
    columns = ("assignment", "loss", "divergence", "noise")
    found: dict[tuple[int, ...], list[tuple]] = {}
    for table in both(tables, "evaluations/search"):
        if "noise" not in table.columns:
            continue
        for assignment, *own in table.rows(*columns):
            found.setdefault(tuple(map(int, assignment)), []).append(own)
    return {
        assignment: Searched(*map(np.concatenate, zip(*chunks, strict=True)))
        for assignment, chunks in found.items()
    }
