"""What every tool is asked for and answers, as files: a tool is a process in its own environment.

A task is a JSON file: `model` (a folder), `tokens` (an .npy file), `calibration` and `evaluation`
(numbers of samples), `length`, `formats`, `bits` (of each format), `groups` (lists of modules that
share a format), `asked` (the bits a weight that plans are asked for), `plans` (what is evaluated),
`rounding` (the file of this project's formats), `threads`.
"""

import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers

STARTED = time.perf_counter()
HIGH = "bf16"
RULES = {"mxfp4": "e8m0_floor", "mxfp8_e4m3": "e8m0_floor", "nvfp4": "e4m3"}
WEIGHTS = {"w4a16_g64": "int4_g64", "w8a16_g64": "int8_g64"}


def read(path: str) -> dict:
    task = json.loads(Path(path).read_text())
    specification = importlib.util.spec_from_file_location("rounding", task["rounding"])
    sys.modules["rounding"] = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(sys.modules["rounding"])
    torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    return task


def rounded(values: torch.Tensor, name: str) -> torch.Tensor:
    """What a format as this project defines it makes of values; blocks along the last axis."""
    matrix = values.detach().reshape(-1, values.shape[-1]).numpy()
    stored = sys.modules["rounding"].in_blocks(
        matrix, WEIGHTS.get(name, name), RULES.get(name, "bf16")
    )
    return torch.from_numpy(stored.values().astype("float32")).reshape(values.shape)


def load_model(task: dict) -> torch.nn.Module:
    """In fp32: no tool's plan depends on which kernels of bf16 a processor has."""
    return transformers.AutoModelForCausalLM.from_pretrained(
        task["model"], dtype=torch.float32, attn_implementation="eager"
    ).eval()


def samples(task: dict, first: int, count: int) -> list[torch.Tensor]:
    """Each of `length` tokens and the one that follows; they overlap by that one."""
    tokens = np.load(task["tokens"]).astype(np.int64)
    length = task["length"]
    starts = range(first * length, (first + count) * length, length)
    return [torch.from_numpy(tokens[start : start + length + 1])[None] for start in starts]


def calibration(task: dict) -> list[torch.Tensor]:
    return samples(task, 0, task["calibration"])


def loss(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """The mean cross entropy over all targets."""
    return torch.nn.functional.cross_entropy(logits.flatten(0, -2).float(), ids[0, 1:])


def outcomes(task: dict, model: torch.nn.Module, reference: list | None = None) -> dict:
    """Loss of each evaluation sample and the mean over its targets of KL(reference ‖ model);
    without a reference the log-probabilities that one is."""
    losses, divergences, predictions = [], [], []
    for place, ids in enumerate(samples(task, task["calibration"], task["evaluation"])):
        with torch.no_grad():
            logits = model(ids[:, :-1]).logits[0].float()
        losses.append(loss(logits, ids).item())
        now = torch.log_softmax(logits, -1)
        if reference is None:
            predictions.append(now)
        else:
            known = reference[place]
            divergences.append((known.exp() * (known - now)).sum(-1).mean().item())
    return {"losses": losses, "divergences": divergences, "predictions": predictions}


def answer(path: str, **facts: object) -> None:
    """Writes what was found, with the seconds since the start and the most memory held."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts |= {
        "seconds": time.perf_counter() - STARTED,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
    }
    Path(path).write_text(json.dumps(facts, indent=1))


def losses(task: dict, path: str, quantise: Callable[[torch.nn.Module, str], None]) -> None:
    """Answers with what a task's plans predict; `quantise` rounds a layer to a format."""
    reference = outcomes(task, load_model(task))
    found = {}
    for key, plan in task["plans"].items():
        model = load_model(task)
        for module, name in plan.items():
            if name != HIGH:
                quantise(model.get_submodule(module), name)
        found[key] = outcomes(task, model, reference["predictions"])
    answer(path, high=reference["losses"], plans=found)
