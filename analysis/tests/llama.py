"""A made-up Llama's folder, and archives of plans for it."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gainsweep_analysis import exports, rounding
from gainsweep_analysis.checkpoint import safetensors
from gainsweep_analysis.checkpoint.safetensors import Tensor, bf16
from gainsweep_analysis.contents import Archive, Format, Number
from gainsweep_analysis.exports import Chosen

HIDDEN, KEYS, INNER, WORDS = 128, 64, 256, 96
SHAPES = {
    "attention.q": ("self_attn.q_proj", HIDDEN, HIDDEN),
    "attention.k": ("self_attn.k_proj", KEYS, HIDDEN),
    "attention.v": ("self_attn.v_proj", KEYS, HIDDEN),
    "attention.o": ("self_attn.o_proj", HIDDEN, HIDDEN),
    "mlp.gate": ("mlp.gate_proj", INNER, HIDDEN),
    "mlp.up": ("mlp.up_proj", INNER, HIDDEN),
    "mlp.down": ("mlp.down_proj", HIDDEN, INNER),
}
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "torch_dtype": "bfloat16",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": WORDS,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
}
BITS = {"mxfp4": 4, "nvfp4": 4, "mxfp6_e2m3": 6, "mxfp6_e3m2": 6}
GRIDS = {"mx": "e8m0_floor", "nv": "e4m3"}
BF16 = Number("bf16", "floating", 16, 16.0, 7, 3.39e38, "tensor", 0, "fixed", 1.0, "arbitrary")
HIGH = Format("bf16", 0.0, BF16, BF16)
WEIGHTS_ALONE = re.compile(r"w(\d)a16_(g\d+)|(nvfp4|mxfp4)a16")
MIXED = {"mxfp4_fp8": ("mxfp4", "fp8_e4m3"), "mxfp4_mxfp8": ("mxfp4", "mxfp8_e4m3")}
GROUPS = re.compile(r"w4a(fp)?8_(g\d+)")


def format_named(
    name: str,
    weight_granularity: str = "tensor",
    activation_scale: str | None = None,
    scale_grid: str | None = None,
    weight_range: str = "max",
) -> Format:
    weight, activation = (number and _number(number) for number in _composition(name))
    if not weight.block:
        weight = replace(weight, granularity=weight_granularity)
    if scale_grid:
        weight = replace(weight, scale_grid=scale_grid)
    weight = replace(weight, range=weight_range)
    if activation and activation_scale:
        activation = replace(activation, scale=activation_scale)
    return Format(name, 0.0, weight, activation)


def _number(name: str) -> Number:
    largest = {"int8": 127.0, "fp8_e4m3": 448.0}.get(name, 6.0)
    block = rounding.LAYOUTS[name].block
    bits = 4 if name.startswith("int4") else BITS.get(name, 8)
    grid = GRIDS.get(name[:2], "bf16" if block else "arbitrary")
    scale = "dynamic" if block and name != "nvfp4" else "static"
    granularity = "block" if block else "tensor"
    stored = bits + (8 if grid in GRIDS.values() else 16) / block if block else float(bits)
    return Number(name, "floating", bits, stored, 3, largest, granularity, block, scale, 1.0, grid)


def gaudi_format(
    name: str = "fp8_e4m3_gaudi2",
    grids: tuple[str, str] = ("gaudi2", "gaudi2"),
    granularity: str = "tensor",
    backoffs: tuple[float, float] = (0.25, 0.5),
) -> Format:
    """As Gaudis have it; grids and back-offs of activations and weights."""
    largest = {"fp8_e4m3_gaudi2": 240.0, "fp8_e4m3": 448.0, "fp8_e5m2": 57344.0}[name]
    shared = {"granularity": "tensor", "block": 0, "scale": "static"}
    numbers = [
        Number(name, "floating", 8, 8.0, 3, largest, backoff=backoff, scale_grid=grid, **shared)
        for grid, backoff in zip(grids, backoffs, strict=True)
    ]
    return Format(name, 0.0, replace(numbers[1], granularity=granularity), numbers[0])


def _composition(name: str) -> tuple[str, str | None]:
    if alone := WEIGHTS_ALONE.fullmatch(name):
        bits, size, block = alone.groups()
        return (block or f"int{bits}_{size}"), None
    if groups := GROUPS.fullmatch(name):
        return f"int4_{groups[2]}", "fp8_e4m3" if groups[1] else "int8"
    return MIXED.get(name, (name, name))


@dataclass(frozen=True)
class Model:
    folder: Path
    weights: dict[str, np.ndarray]  # by module, single precision that bf16 holds

    def maxima(self, module: str) -> np.ndarray:
        return np.abs(self.weights[module]).max(axis=1)


def write_model(folder: Path, layers: int = 2, shards: int = 1) -> Model:
    random = np.random.default_rng(7)
    weights = {"lm_head": (WORDS, HIDDEN), "model.embed_tokens": (WORDS, HIDDEN)}
    for layer in range(layers):
        shapes = {module: shape for module, *shape in SHAPES.values()}
        weights |= {f"model.layers.{layer}.{module}": shape for module, shape in shapes.items()}
    drawn = {}
    for module, shape in weights.items():
        scales = np.exp(random.normal(-3, 1.5, (shape[0], 1)))
        values = random.standard_t(4, shape) * scales
        values[0], values[1, :5] = 0, -0.0  # blocks of zeros, and zeros with a sign
        drawn[module] = bf16(values).single()
    tensors = {f"{module}.weight": bf16(values) for module, values in drawn.items()}
    norms = [f"model.layers.{n}.{kind}_layernorm.weight"
             for n in range(layers) for kind in ("input", "post_attention")]  # fmt: skip
    for name in [*norms, "model.norm.weight"]:
        tensors[name] = bf16(np.ones(HIDDEN, np.float32))
    _write_shards(folder, tensors, shards)
    (folder / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": layers}))
    (folder / "tokenizer.json").write_text("{}")
    return Model(folder, drawn)


def _write_shards(folder: Path, tensors: dict[str, Tensor], shards: int):
    folder.mkdir(parents=True, exist_ok=True)
    if shards == 1:
        safetensors.write(folder / safetensors.SINGLE, tensors)
        return
    places = {name: f"model-{n % shards + 1}.safetensors" for n, name in enumerate(tensors)}
    for shard in set(places.values()):
        part = {name: tensor for name, tensor in tensors.items() if places[name] == shard}
        safetensors.write(folder / shard, part)
    (folder / safetensors.INDEX).write_text(json.dumps({"weight_map": places}))


def plan(archive: Archive, model: Model, formats: dict[str, Format]) -> Chosen:
    """A plan on a made-up archive with the model's names: formats by ends of the ops' paths, the
    others high."""
    known = [HIGH, *dict.fromkeys(formats.values())]
    ops = [_named(op) for op in archive.ops]
    assignment = [
        next((known.index(f) for end, f in formats.items() if op.path.endswith(end)), 0)
        for op in ops
    ]
    random = np.random.default_rng(3)
    maxima, scales = {}, np.zeros((len(archive.operands), len(known) - 1))
    observed = np.exp(random.normal(0, 1, len(archive.operands)))
    for place, operand in enumerate(archive.operands):
        module = ops[operand.op].module
        if operand.role == "weight":
            maxima[place] = model.maxima(module).astype(float)
        for low, format_ in enumerate(known[1:]):
            is_weight = operand.role == "weight"
            largest = maxima[place].max() if is_weight else observed[place]
            number = format_.weight if is_weight else format_.activation
            scales[place, low] = _scale(number, largest)
    errors = np.arange(len(ops) * len(known)).reshape(len(ops), -1) * 1e-6
    errors[:, 0] = 0
    whole = replace(
        archive,
        ops=ops,
        formats=known,
        weight_maxima=maxima,
        maxima=observed,
        scales=scales,
        loss_errors={"empirical": errors},
        gains={},
    )
    made = exports.choose(archive, "macs", archive.spec_thresholds[0], None)
    total = errors[np.arange(len(ops)), assignment].sum()
    plans = replace(
        made.plans,
        assignment=np.array([[assignment]]),
        threshold=np.array([1e-3]),
        budget=np.array([2 * total]),
        loss_error=np.array([[total]]),
        predicted_mse=np.array([[total]]),
    )
    return Chosen(whole, plans, 0)


def _scale(number: Number | None, largest: float) -> float:
    if number is None or (number.block and number.name != "nvfp4"):
        return 0
    if number.block:
        return 1 / float(rounding.global_scale(largest))
    return np.float32(largest / number.largest)


def _named(op):
    if op.path == "lm_head":
        return replace(op, module="lm_head", weight_channels=WORDS, weight_elements=WORDS * HIDDEN)
    layer, leaf = op.path.removeprefix("layers.").split(".", 1)
    if leaf not in SHAPES:
        return op
    module, rows, columns = SHAPES[leaf]
    module = f"model.layers.{layer}.{module}"
    return replace(op, module=module, weight_channels=rows, weight_elements=rows * columns)


def fake_quantised(chosen: Chosen, model: Model, module: str) -> np.ndarray:
    """What rounding by hand makes of a weight with a scale a block."""
    archive = chosen.archive
    op = next(op for op in archive.ops if op.module == module)
    name = chosen.formats[archive.ops.index(op)].name
    rows = model.weights[module]
    return rounding.in_blocks(rows, name, GRIDS[name[:2]]).values()
