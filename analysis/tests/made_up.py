"""Made-up runs: plausible numbers of a stack of Llama blocks, without the program."""

import hashlib
import itertools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recipe:
    layers: int = 2
    low: tuple[str, ...] = ("int8",)
    objectives: tuple[str, ...] = ("time", "macs", "memory")
    strategies: tuple[str, ...] = ("ip", "prefix", "random")
    thresholds: tuple[float, ...] = (1e-3, 3e-3, 1e-2, 3e-2)
    draws: int = 7
    samples: int = 12
    evaluated: int = 10
    every: int = 1
    evaluated_strategies: tuple[str, ...] = ()  # none: the first alone
    reliabilities: tuple[tuple[str, float], ...] = ()  # of strategies that score by searches
    blocks: int = 10
    rounds: int = 2
    frontier: bool = True
    failures: int = 0
    scope: str = "model"
    granularity: str = "tensor"
    loss_model: str = "bias"
    resamples: int = 0
    length: int = 64
    budgets: tuple[float, ...] = ()  # mean bits a weight, of objectives with memory
    noise: float = 0.002  # of times, relative to a run
    given: tuple[str, ...] = ()  # names of given plans
    tasks: tuple[str, ...] = ()  # of those of asked.py
    held_back: int | None = None  # blocks of the first class; none: nobody tells of a card
    seed: int = 0


FORMATS = {  # kind, bits, mantissa bits, max
    "bf16": ("floating", 16, 7, 3.39e38),
    "int8": ("integer", 8, 0, 127.0),
    "fp8_e4m3": ("floating", 8, 3, 448.0),
    "fp8_e5m2": ("floating", 8, 2, 57344.0),
}
BLOCK = {  # leaf: kind, MACs, weight elements
    "attention.q": ("linear", 4096, 4096),
    "attention.k": ("linear", 2048, 2048),
    "attention.v": ("linear", 2048, 2048),
    "attention.qk": ("matmul", 1024, 0),
    "attention.av": ("matmul", 1024, 0),
    "attention.o": ("linear", 4096, 4096),
    "mlp.gate": ("linear", 11264, 11264),
    "mlp.up": ("linear", 11264, 11264),
    "mlp.down": ("linear", 11264, 11264),
}
GROUPS = (("q", "k", "v", "qk", "av"), ("o",), ("gate", "up"), ("down",))


class Model:
    """Ops and sub-graphs of a stack of Llama blocks."""

    def __init__(self, recipe: Recipe):
        self.formats = ("bf16", *recipe.low)
        self.paths, self.kinds, self.macs, self.elements = [], [], [], []
        self.subgraph, self.tie, self.names, self.classes = [], [], [], []
        for layer in range(recipe.layers):
            for leaf, (kind, macs, elements) in BLOCK.items():
                group = next(g for g, ops in enumerate(GROUPS) if leaf.split(".")[1] in ops)
                self._add(f"layers.{layer}.{leaf}", kind, macs * 64, elements)
                self.subgraph.append(layer * len(GROUPS) + group)
                self.tie.append(GROUPS[group].index(leaf.split(".")[1]))
            for group, ops in enumerate(GROUPS):
                section = "attention" if group < 2 else "mlp"
                ending = ops[0] if len(ops) == 1 else "{" + ",".join(ops) + "}"
                self.names.append(f"layers.{layer}.{section}.{ending}")
                self.classes.append(group)
        self._add("lm_head", "linear", 32768 * 64, 32768)
        self.subgraph.append(recipe.layers * len(GROUPS))
        self.tie.append(0)
        self.names.append("lm_head")
        self.classes.append(len(GROUPS))
        self.members = [
            [op for op, owner in enumerate(self.subgraph) if owner == group]
            for group in range(len(self.names))
        ]
        self.operands = [(op, place) for op in range(len(self.paths)) for place in (0, 1)]

    def _add(self, path, kind, macs, elements):
        self.paths.append(path)
        self.kinds.append(kind)
        self.macs.append(macs)
        self.elements.append(elements)

    def modules(self):
        """Checkpoint names of the weights."""
        pairs = zip(self.paths, self.kinds, strict=True)
        return [f"model.{path}" if kind == "linear" else "" for path, kind in pairs]

    def operand_name(self, op, place):
        leaf = self.paths[op].rsplit(".", 1)[-1]
        names = {"qk": ("query", "key"), "av": ("weights", "value")}
        return names.get(leaf, ("input", "weight"))[place]

    def real(self, op):
        """Places of the formats with a real kernel: int8 in linear ops."""
        real = [0]
        if "int8" in self.formats and self.kinds[op] == "linear":
            real.append(self.formats.index("int8"))
        return real

    def configurations(self, group, allowed):
        return list(itertools.product(*(allowed(op) for op in self.members[group])))

    def key(self, assignment):
        text = "".join(self.formats[place] + "\n" for place in assignment)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Timed:
    """A class of sub-graphs whose configurations were timed together."""

    cls: int
    groups: list[int]
    members: int  # lowered together
    configurations: list[tuple[int, ...]]
    seconds: np.ndarray  # [block, configuration]
    whole: np.ndarray | None  # [block], where sub-graphs were timed alone

    @property
    def all_high(self):
        return self.seconds[:, 0] if self.whole is None else self.whole

    def saved(self, place):
        """Median and interval of what one member saves, as a part of a run."""
        parts = (self.seconds[:, 0] - self.seconds[:, place]) / self.all_high / self.members
        return np.quantile(parts, [0.5, 0.3, 0.7]) if place else np.zeros(3)

    def width(self):
        """Of the widest interval, over the contest's own all-high run."""
        own = (self.seconds[:, :1] - self.seconds) / self.seconds[:, :1]
        return float(np.max(np.diff(np.quantile(own, [0.3, 0.7], axis=0), axis=0)))


class Run:
    """One made-up run: the numbers behind the tables."""

    def __init__(self, recipe: Recipe):
        self.recipe, self.model = recipe, Model(recipe)
        self.random = np.random.default_rng(recipe.seed)
        self._score()
        self._time()
        self.gains = {objective: self._gains(objective) for objective in recipe.objectives}

    def _score(self):
        recipe, model, random = self.recipe, self.model, self.random
        n, k, lows = recipe.samples, len(model.operands), len(recipe.low)
        self.loss = random.normal(2.5, 0.3, n)
        scale = random.lognormal(-7, 1.3, k)
        self.sensitivity = scale * random.lognormal(0, 0.4, (n, k))
        spread = np.array([0.02 if name == "int8" else 0.04 for name in recipe.low])
        self.signed_error = (
            np.sqrt(self.sensitivity)[..., None] * spread * random.normal(size=(n, k, lows))
        )
        self.square_error = self.signed_error**2 / 2
        integer = np.array([FORMATS[name][0] == "integer" for name in recipe.low])
        self.step_norm = np.where(integer, 12 * 0.02**2 * self.sensitivity[..., None], 0.0)
        of_op = np.zeros((k, len(model.paths)))
        for place, (op, _) in enumerate(model.operands):
            of_op[place, op] = 1
        errors = np.einsum("rkl,ko->rol", self.signed_error, of_op) ** 2
        self.d = np.concatenate([np.zeros((len(model.paths), 1)), errors.mean(axis=0)], axis=1)
        self.mean_square = np.mean(self.loss**2)
        self.largest = 4 * scale
        ends = np.array([FORMATS[name][3] for name in recipe.low])
        self.scales = self.largest[:, None] / ends

    def _time(self):
        """Seconds that lowering one op saves, and timings of each class."""
        model, recipe = self.model, self.recipe
        self.saved = np.array([1e-9 * m**0.8 for m in model.macs])
        self.baseline = 6.0 * self.saved.sum()
        self.timings = []
        for cls in dict.fromkeys(model.classes):
            groups = [g for g, c in enumerate(model.classes) if c == cls]
            configurations = model.configurations(groups[0], model.real)
            if len(configurations) < 2:
                continue
            blocks = recipe.rounds * recipe.blocks
            alone = recipe.scope == "subgraph"
            drift = self.baseline * (1 + 0.01 * self.random.normal(size=(blocks, 1)))
            gains = np.array([self._saved(groups[0], c) for c in configurations])
            noise = self.random.gamma(
                2, self.recipe.noise * self.baseline, (blocks, len(configurations))
            )
            members = 1 if alone else len(groups)
            seconds = (0.4 if alone else 1) * drift - members * gains + noise
            self.timings.append(
                Timed(cls, groups, members, configurations, seconds, drift[:, 0] if alone else None)
            )

    def _saved(self, group, configuration):
        pairs = zip(self.model.members[group], configuration, strict=True)
        return sum(self.saved[op] for op, place in pairs if place > 0)

    def _gains(self, objective):
        """By sub-graph: configuration → gain."""
        model = self.model
        gains = [{} for _ in model.names]
        if objective == "time":
            gains = [{(0,) * len(ops): 0} for ops in model.members]
            for timed in self.timings:
                for place, configuration in enumerate(timed.configurations):
                    _, low, high = timed.saved(place)
                    for group in timed.groups:
                        covers = low <= 0 <= high
                        gains[group][configuration] = 0 if covers else round(1e9 * low)
            return gains
        everything = list(range(len(model.formats)))
        for group in range(len(model.names)):
            for configuration in model.configurations(group, lambda op: everything):
                gains[group][configuration] = sum(
                    self._op_gain(objective, op, place)
                    for op, place in zip(model.members[group], configuration, strict=True)
                )
        return gains

    def _op_gain(self, objective, op, place):
        if place == 0:
            return 0
        return self.model.macs[op] // 2 if objective == "macs" else self.model.elements[op]

    def time_saved(self, assignment):
        """Part of a run that an assignment saves, with an interval; None where something was not
        timed."""
        total = np.zeros(3)
        for group, ops in enumerate(self.model.members):
            configuration = tuple(assignment[op] for op in ops)
            timed = [timed for timed in self.timings if group in timed.groups]
            if timed and configuration in timed[0].configurations:
                total += timed[0].saved(timed[0].configurations.index(configuration))
            elif any(configuration):
                return None
        return total

    def gain_of(self, objective, assignment):
        return sum(
            gains[tuple(assignment[op] for op in ops)]
            for gains, ops in zip(self.gains[objective], self.model.members, strict=True)
        )

    def loss_error(self, assignment):
        return self.d[np.arange(len(assignment)), assignment].sum()

    def predicted_mse(self, total):
        bias = self.recipe.length / 2 * total if self.recipe.loss_model == "bias" else 0
        return total + bias**2

    def predicted_bias(self, total):
        return self.recipe.length / 2 * total * (self.recipe.loss_model == "bias")

    def predicted_tau(self, total):
        return np.sqrt(self.predicted_mse(total) / self.mean_square)

    def budget(self, threshold):
        allowed = threshold**2 * self.mean_square
        if self.recipe.loss_model == "first_order":
            return allowed
        squared = self.recipe.length**2
        return 2 * (np.sqrt(1 + squared * allowed) - 1) / squared

    def order(self, objective, strategy, draw):
        """Ops in the order that a strategy lowers them: the made-up `ip` goes by gain per error."""
        ops = [
            op
            for op in range(len(self.model.paths))
            if objective != "time" or len(self.model.real(op)) > 1
        ]
        if strategy == "random":
            return list(np.random.default_rng(draw).permutation(ops))
        if strategy == "prefix":
            return ops
        worth = {op: (self.model.macs[op] + 1) / self.low_of(op, objective)[1] for op in ops}
        return sorted(ops, key=lambda op: -worth[op])

    def low_of(self, op, objective):
        places = self.model.real(op)[1:] if objective == "time" else range(1, self.d.shape[1])
        place = min(places, key=lambda f: self.d[op, f])
        return place, self.d[op, place]

    def plan(self, objective, strategy, budget, draw=0):
        assignment = np.zeros(len(self.model.paths), int)
        spent = 0.0
        for op in self.order(objective, strategy, draw):
            place, error = self.low_of(op, objective)
            if spent + error <= budget:
                assignment[op], spent = place, spent + error
            elif strategy != "ip":
                break
        return assignment

    def plan_times(self, assignment):
        blocks = 2 * self.recipe.blocks
        baseline = self.baseline * (1 + 0.01 * self.random.normal(size=blocks))
        saved = 0.97 * sum(self.saved[op] for op in np.flatnonzero(assignment))
        noise = self.random.gamma(2, self.recipe.noise * self.baseline, (blocks, 2))
        return np.stack([baseline, baseline - saved], axis=1) + noise

    def plan_losses(self, assignment, base):
        total = self.loss_error(assignment)
        bias = self.recipe.length / 2 * total
        return base + bias * 0.8 + np.sqrt(total) * self.random.normal(size=len(base))

    def hits(self, assignment):
        """By sample whether a plan is right, or as all-high; 1,000 targets each."""
        count = self.recipe.evaluated
        drawn = np.random.default_rng([self.recipe.seed, *assignment]).binomial
        shown = 1 - min(self.loss_error(assignment), 0.3)
        top1 = drawn(1000, 0.8 * shown, count) / 1000
        top5 = top1 + drawn(100, 0.5, count) / 1000
        alike = drawn(1000, shown, count) / 1000 if np.any(assignment) else np.ones(count)
        return {"agreement": alike, "top1": top1, "top5": top5}
