"""Tables of tasks that made-up runs were asked."""

import numpy as np

TASKS = {  # name: kind, items, requests of an item
    "hellaswag": ("choice", 40, 4),
    "piqa": ("choice", 150, 2),
    "lambada": ("loglikelihood", 60, 1),
    "wikitext": ("rolling", 6, 5),
}
CHUNK = 64  # items of a unit


class Made:
    """One made-up task: its requests, and what the all-high model says of them."""

    def __init__(self, name, random):
        self.name = name
        self.kind, count, each = TASKS[name]
        self.item = np.repeat(np.arange(count), each)
        self.choice = (
            np.zeros_like(self.item) if self.kind == "rolling" else np.tile(np.arange(each), count)
        )
        self.label = (
            random.integers(each, size=count) if self.kind == "choice" else np.zeros(count, int)
        )
        if self.kind == "rolling":
            self.label -= 1
        total = len(self.item)
        self.targets = random.integers(1, 12, size=total)
        of_choice = self.kind != "rolling"
        self.characters = random.integers(1, 50, size=total) * of_choice
        self.bytes = self.characters + random.integers(3, size=total) * of_choice
        self.item_bytes = 500 * np.ones(count, int) * (not of_choice)
        self.item_words = 90 * np.ones(count, int) * (not of_choice)
        self.base = -self.targets * random.gamma(2, 1, total)
        self.base_greedy = random.random(total) < 0.4

    def answers(self, run, assignment):
        """Noise of the size that a plan's loss error has by token, and a few other words."""
        random = np.random.default_rng(int(run.model.key(assignment)[:8], 16))
        error = np.sqrt(run.loss_error(assignment))
        change = 3 * error * self.targets * random.normal(size=len(self.base))
        flip = random.random(len(self.base)) < min(0.5, 4 * error)
        return self.base + change, np.where(flip, ~self.base_greedy, self.base_greedy)


def write(writer, run, plans):
    """`plans` are pairs of an objective and an assignment; the all-high one comes first."""
    random = np.random.default_rng(7)
    made = [Made(name, random) for name in run.recipe.tasks]
    axis = ["task"]
    texts = {"name": [t.name for t in made], "task": [t.name for t in made]}
    texts |= {"variant": ["json-lines"] * len(made), "kind": [t.kind for t in made]}
    texts |= {"file": [f"{t.name}.h5" for t in made], "items_digest": ["i" * 64] * len(made)}
    texts |= {"tokenizer_sha256": ["t" * 64] * len(made), "raw_sha256": ["r" * 64] * len(made)}
    texts["bos"] = ["auto"] * len(made)
    numbers = {"length": [64] * len(made), "shots": [0] * len(made), "dropped": [0] * len(made)}
    numbers |= {"items": [len(t.label) for t in made], "requests": [len(t.item) for t in made]}
    writer.table(
        "tasks",
        [(name, values, "", axis) for name, values in texts.items()]
        + [(name, values, "1", axis) for name, values in numbers.items()],
    )
    for task in made:
        _write_task(writer, task)
        _write_answers(writer, run, task, plans)


def _write_task(writer, task):
    counts = np.bincount(task.item)
    items = {"label": task.label, "requests": counts}
    items |= {"bytes": task.item_bytes, "words": task.item_words}
    requests = {"item": task.item, "choice": task.choice, "bytes": task.bytes}
    requests |= {"characters": task.characters, "targets": task.targets}
    for name, axis, columns in (("items", "item", items), ("requests", "request", requests)):
        fields = [(column, values, "1", [axis]) for column, values in columns.items()]
        writer.table(f"tasks/{task.name}/{name}", fields)


def _write_answers(writer, run, task, plans):
    high = np.zeros(len(run.model.paths), int)
    ends = np.flatnonzero(np.diff(task.item // CHUNK)) + 1
    spans = np.split(np.arange(len(task.item)), ends)
    longest = max(map(len, spans))
    rows, seen = {False: [], True: []}, set()
    for measured, assignment in [(False, high), *((o == "time", a) for o, a in plans)]:
        key = run.model.key(assignment)
        if key in seen:
            continue
        seen.add(key)
        lowered = np.any(assignment)
        likelihood, greedy = (
            task.answers(run, assignment) if lowered else (task.base, task.base_greedy)
        )
        for span in spans:
            pad = (0, longest - len(span))
            rows[measured].append(
                (key, assignment, span[0], len(span),
                 np.pad(likelihood[span], pad, constant_values=np.nan),
                 np.pad(greedy[span].astype(int), pad, constant_values=-1))
            )  # fmt: skip
    names = ("assignment_key", "assignment", "first_request", "num_requests", "loglikelihood")
    axes = ([], ["op"], [], [], ["request"], ["request"])
    for measured, listed in rows.items():
        if listed:
            fields = zip((*names, "greedy"), zip(*listed, strict=True), axes, strict=True)
            writer.units(
                f"evaluations/tasks/{task.name}",
                [(name, list(values), "1", axis) for name, values, axis in fields],
                len(listed),
                measured,
            )
