"""What an archive holds of one point, as dataclasses."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .planned import Frontier, GivenPlan, Plans, Stability
from .statistics import Estimate
from .tables import Point


@dataclass(frozen=True)
class Op:
    path: str
    kind: str
    macs: int
    weight_elements: int
    weight_channels: int  # output channels, 0 without a weight
    weight_line: int  # elements along the dimension that products sum over
    weight_shared: bool  # something that is not quantizable reads the weight too
    subgraph: int
    tie: int
    fused: int  # ops of a sub-graph with equal numbers are one matrix product; -1 for none
    real_formats: tuple[str, ...]
    module: str  # of its weight in the checkpoint; empty where no tensor is its weight

    @property
    def weight_columns(self) -> int:
        """Elements of an output channel of the weight, 0 without one."""
        return self.weight_elements // self.weight_channels if self.weight_channels else 0


@dataclass(frozen=True)
class Operand:
    op: int
    place: int
    role: str  # activation or weight
    name: str  # in its op: query, input, weight


@dataclass(frozen=True)
class Subgraph:
    name: str
    cls: int
    ops: tuple[int, ...]


@dataclass(frozen=True)
class Number:
    """How the numbers of one operand are stored."""

    name: str
    kind: str  # floating or integer
    bits: int
    stored_bits: float  # with an element's share of its block's scale
    mantissa_bits: int
    largest: float  # finite magnitude
    granularity: str  # tensor, channel or block: what shares a scale
    block: int  # elements of a block, 0 without blocks
    scale: str  # of activations: fixed, static or dynamic
    backoff: float  # part of the range that the largest magnitude is scaled to
    scale_grid: str  # which numbers are scales
    range: str = "max"  # which magnitudes scales cover

    @property
    def has_scale(self) -> bool:
        return self.scale != "fixed"


@dataclass(frozen=True)
class Format:
    name: str
    device_rate: float  # of products, published, relative to the high format's; 0: not known
    weight: Number
    activation: Number | None  # none: activations stay high


@dataclass(frozen=True)
class Scores:
    """Per calibration sample; `low` counts the formats from the second on."""

    sample: np.ndarray
    loss: np.ndarray  # [sample], nat
    targets: np.ndarray  # [sample]: how many count
    sensitivity: np.ndarray  # [sample, operand], nat²
    signed_error: np.ndarray  # [sample, operand, low], nat
    square_error: np.ndarray  # [sample, operand, low], nat²
    step_norm: np.ndarray  # [sample, operand, low], nat²


@dataclass(frozen=True)
class Objective:
    """What plans gain."""

    name: str
    title: str  # what is saved, in few words
    meaning: str  # the same in full
    units: str  # of gains
    of_times: bool  # gains follow from times
    whole: float  # what all-high takes, in those units


@dataclass(frozen=True)
class Resource:
    """What there are budgets of."""

    name: str
    meaning: str
    units: str
    objective: str  # whose gains save it
    whole: float  # what all-high takes
    least: float  # the least that any plan takes


@dataclass(frozen=True)
class Timing:
    """Raw times of the configurations of one class of sub-graphs."""

    table: str
    subgraph: str  # the first of the class
    members: int  # lowered together
    configurations: list[tuple[str, ...]]
    seconds: np.ndarray  # [block, configuration]
    whole: np.ndarray  # [block], s of the whole all-high model in the same block
    kernels: tuple[str, ...]


@dataclass(frozen=True)
class Contest:
    """Programs that were timed against each other: a class of sub-graphs, or a plan."""

    table: str  # of its rounds, without measured/
    assignment_key: str  # of the plan, empty for sub-graphs
    label: str  # first sub-graph of the class, or the plan
    baseline: float  # s, median time of the whole all-high model
    blocks: int
    width: float  # of the widest interval of what is saved, as a part of the all-high run beside it
    is_precise: bool  # as latency.precision asks
    is_quietest: bool  # seconds are parts of this baseline
    held_back: int = 0  # blocks around which the card was


@dataclass(frozen=True)
class TimeSource:
    """Where times come from that were not measured here."""

    name: str  # modelled
    device: str  # that they are of
    assumed: str  # keys of the file of times whose values nobody published, joined
    baseline: Estimate  # s, time of an all-high run


@dataclass(frozen=True)
class Evaluation:
    """What was measured of one assignment."""

    key: str
    assignment: np.ndarray | None = None  # [op]
    loss: np.ndarray | None = None  # [sample], nat
    next_loss: np.ndarray | None = None  # the same at the next larger static scales
    # Of predictions, [sample]; None where the model gives no class scores.
    entropy: np.ndarray | None = None  # nat
    spread: np.ndarray | None = None  # nat²
    divergence: np.ndarray | None = None  # nat, from all-high's
    tilt: np.ndarray | None = None  # nat²
    agreement: np.ndarray | None = None  # part of the targets whose likeliest class is all-high's
    top1: np.ndarray | None = None  # part that has the largest score; None without targets
    top5: np.ndarray | None = None  # part that is among the five largest
    seconds: np.ndarray | None = None  # [block, (all-high, plan)]


@dataclass(frozen=True)
class Searched:
    """What strategies measured of a plan on the samples of searches, [sample]."""

    loss: np.ndarray  # nat
    divergence: np.ndarray  # nat, from all-high
    noise: np.ndarray  # of class scores over those of all-high, squares


@dataclass(frozen=True)
class Answers:
    """What the model says of the requests of a task under one assignment."""

    assignment: np.ndarray  # [op]
    loglikelihood: np.ndarray  # [request], nat
    greedy: np.ndarray  # [request], bool: every target is the likeliest token


@dataclass(frozen=True)
class Task:
    """A task that was asked; docs/items_files.md."""

    name: str
    task: str  # what its file calls it
    variant: str
    kind: str  # choice, loglikelihood or rolling
    bos: str
    length: int
    shots: int
    dropped: int
    label: np.ndarray  # [item]: the right choice, -1 for none
    item_bytes: np.ndarray  # [item], of documents
    item_words: np.ndarray  # [item], of documents
    item: np.ndarray  # [request]: items follow one another
    bytes: np.ndarray  # [request], of choices
    characters: np.ndarray  # [request], of choices
    targets: np.ndarray  # [request]: tokens that are scored
    answers: dict[str, Answers]  # by assignment key, those that all requests were asked under

    @property
    def baseline(self) -> Answers | None:
        """The answers of the all-high model."""
        found = (answers for answers in self.answers.values() if not answers.assignment.any())
        return next(found, None)


@dataclass(frozen=True)
class Anchors:
    """What every op in one low format does to the loss on average."""

    change: dict[str, float]  # by format, nat
    gap: float  # mean of loss less entropy, nat: how over-confident the model is
    flattening: dict[str, float]  # by format: how much flatter predictions become
    bias_rate: dict[str, Estimate]  # by noise, 1/nat: mean change for each unit of loss errors
    fitted: dict[str, float]  # by noise, 1/nat: what a well-fitted model has
    samples: int


@dataclass(frozen=True)
class Failure:
    stage: str
    label: str
    reason: str


@dataclass(frozen=True)
class Archive:
    path: Path
    program: str
    point: Point
    provenance: dict[str, str]
    machine: dict[str, str]
    spec: dict
    ops: list[Op]
    operands: list[Operand]
    scales: np.ndarray | None  # [operand, low], 0 for dynamic ones; None where they are not known
    weight_maxima: dict[int, np.ndarray]  # by operand: of each output channel
    maxima: np.ndarray | None  # [operand], of activations over the calibration samples
    subgraphs: list[Subgraph]
    formats: list[Format]
    scores: Scores
    plans: dict[tuple[str, str], Plans]  # by objective and strategy
    frontiers: dict[str, Frontier]  # by objective
    stability: dict[str, Stability]  # by objective; empty without solve.resamples
    about: dict[str, Objective]  # by objective
    predictions: dict[tuple[str, str], dict[str, Estimate]]  # τ by noise and model, assignment key
    gains: dict[str, list[dict[tuple[str, ...], int]]]  # by objective, sub-graph, configuration
    loss_errors: dict[str, np.ndarray]  # by noise: [op, format], nat²
    timings: list[Timing]
    contests: list[Contest]
    savings: dict[str, Estimate]  # predicted part of an all-high run, by assignment key
    evaluations: dict[str, Evaluation]  # by assignment key
    given: list[GivenPlan] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)  # by name
    budgets: dict[str, Plans] = field(default_factory=dict)  # by resource
    tasks: list[Task] = field(default_factory=list)
    anchors: Anchors | None = None
    time_source: TimeSource | None = None  # None where times are measured
    structures: list[str] = field(default_factory=list)  # by class: what timing tables are keyed by
    # What configurations save of an all-high run, by sub-graph; empty without times.
    saved: list[dict[tuple[str, ...], Estimate]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    searched: dict[tuple[int, ...], Searched] = field(default_factory=dict)  # by assignment

    @property
    def model(self) -> str:
        """The folder or file of the model."""
        model = self.spec["model"]
        return model.get("exported") or model["checkpoint"]

    @property
    def is_exported(self) -> bool:
        return self.spec["model"].get("exported") is not None

    @property
    def predicted(self) -> str:
        """What a model predicts several of in a sample."""
        return "prediction" if self.is_exported else "token"

    @property
    def workload(self) -> str:
        """What is timed, `1 × 256 tokens`."""
        latency = self.spec["latency"]
        if self.is_exported:
            return f"{latency['batch']} {'row' if latency['batch'] == 1 else 'rows'}"
        return f"{latency['batch']} × {latency['length']} tokens"

    @property
    def targets(self) -> str:
        """T: predicted tokens of a calibration sample, `64` or `12 to 64`."""
        least, most = self.scores.targets.min(), self.scores.targets.max()
        return f"{most}" if least == most else f"{least} to {most}"

    @property
    def mean_square_loss(self) -> float:
        """E[g²] over the calibration samples, nat²."""
        return float(np.mean(self.scores.loss**2))

    @property
    def high(self) -> str:
        return self.formats[0].name

    @property
    def low(self) -> list[str]:
        return [format_.name for format_ in self.formats[1:]]

    @property
    def spec_thresholds(self) -> list[float]:
        return [float(threshold) for threshold in self.spec["solve"]["thresholds"]]

    def objective(self, name: str) -> Objective:
        return self.about[name]

    @property
    def objectives(self) -> list[str]:
        """Those with plans, in the spec's order."""
        found = {objective for objective, _ in self.plans}
        return [name for name in self.spec["solve"]["objectives"] if name in found]

    def strategies(self, objective: str) -> list[str]:
        known = self.spec["solve"]["strategies"]
        return [name for name in known if (objective, name) in self.plans]

    @property
    def baseline(self) -> Evaluation | None:
        """The evaluation of the all-high assignment."""
        for evaluation in self.evaluations.values():
            if evaluation.assignment is not None and not evaluation.assignment.any():
                return evaluation
        return None
