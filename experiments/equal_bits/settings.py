"""What is compared: models, formats, budgets, samples, tools."""

import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SHARED = SOURCE.parent / "shared/data"
HERE = Path(__file__).resolve().parent
HIGH = "bf16"
HIGH_BITS = 16


@dataclass(frozen=True)
class Storage:
    """Bits that a weight takes: its own, a scale for each block of a row, and once a tensor."""

    element: int
    block: int
    scale: int
    tensor: int = 0


@dataclass(frozen=True)
class Source:
    model: Path
    tokens: Path


@dataclass(frozen=True)
class Tool:
    """A script of `tools` in an environment of its own. One that plans is asked for each budget
    times each of `factors`, for it may count bits otherwise; the dearest plan that keeps a budget
    is its plan for it."""

    title: str
    script: str
    environment: str | None  # a folder among those of `environments`; None for the project's own
    factors: tuple[float, ...] = (1.0,)
    evaluates: tuple[str, ...] = ()  # menus
    plans: bool = True


STORAGE = {
    "w4a16_g64": Storage(4, 64, 16),
    "w8a16_g64": Storage(8, 64, 16),
    "mxfp4": Storage(4, 32, 8),
    "nvfp4": Storage(4, 16, 8, 32),
    "mxfp8_e4m3": Storage(8, 32, 8),
}
# The low formats that plans of a menu are made of; all of them may leave a layer high.
MENUS = {
    "weights": ("w4a16_g64", "w8a16_g64"),
    "blocks": ("mxfp4", "nvfp4", "mxfp8_e4m3"),
}
BUDGETS = (4.5, 5.2, 5.9, 6.6, 7.3, 8.0)  # bits a weight
MODELS = {
    "embedded": Source(SOURCE / "configs/models/embedded", SOURCE / "configs/data/embedded.h5"),
    "stories260K": Source(SHARED / "stories260K/hf", SHARED / "stories260K/tokens_u16.npy"),
    "babyllama105": Source(SHARED / "babyllama105/hf", SHARED / "babyllama105/tokens_u16.npy"),
    # experiments/scale/write_model.py 152m out/scale/152m --tokens 20000: for cost alone
    "152m": Source(SOURCE / "out/scale/152m", SOURCE / "out/scale/152m/tokens.h5"),
}
LENGTH = 256  # tokens of a sample
CALIBRATION, EVALUATION = 64, 128  # samples; those that plans are evaluated on follow
EVALUATED_BY_TOOLS = 64  # the first of these

TOOLS = {
    "modelopt": Tool(
        "ModelOpt auto_quantize", "modelopt_tool.py", "modelopt", (1, 0.995), ("weights",)
    ),
    "autoround": Tool(
        "AutoRound AutoScheme",
        "autoround_tool.py",
        "autoround",
        (0.99, 0.995, 1, 1.005, 1.01, 1.015),
        ("weights", "blocks"),
    ),
    "fisher": Tool("after prismaquant", "fisher_tool.py", None),
    "reference": Tool(
        "transformers", "reference_tool.py", None, evaluates=tuple(MENUS), plans=False
    ),
}
OURS = "gainsweep"
# Models of the rounding error by what their plans are called; `empirical` is the default of specs.
NOISES = {
    OURS: "shrunken",
    "gainsweep_squares": "squares",
    "gainsweep_empirical": "empirical",
}
BY_TOOLS_TOO = (*NOISES, *TOOLS)  # whose plans tools evaluate as well
RULES = {  # plans that need no model: title, format of what is spared
    "hand_high": ("by hand, spared in bf16", HIGH),
    "hand_8": ("by hand, spared in 8 bit", None),
}
DRAWS = 3  # random plans at a budget
RANDOM = "random"
TITLES = {
    OURS: OURS,
    **{name: f"gainsweep, {noise}" for name, noise in NOISES.items() if name != OURS},
    **{name: tool.title for name, tool in TOOLS.items()},
    **{name: title for name, (title, _) in RULES.items()},
    RANDOM: f"random, {DRAWS} draws",
}


def interpreter(tool: Tool, environments: Path) -> Path:
    if tool.environment is None:
        return Path(sys.executable)
    return environments / tool.environment / "bin/python"
