"""ModelOpt: plans of `auto_quantize` by gradient, and the losses of any plan under its quantizers.

    modelopt_tool.py plans TASK ANSWER
    modelopt_tool.py losses TASK ANSWER

Its quantizers of mxfp4, nvfp4 and mxfp8 need CUDA. For these formats its plans are made with a
backend of the kind that it lets users register, which rounds as this project defines the formats;
it evaluates no plan in them.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import modelopt.torch.quantization as mtq
import task as of_task
import torch
from modelopt.torch.quantization.nn.modules.tensor_quantizer import register_quant_backend
from task import HIGH

BLOCKS_OF_INTEGERS = {"w4a16_g64": 4, "w8a16_g64": 8}
EVERYTHING_OFF = {"quantizer_name": "*", "enable": False}


_weights: dict[int, torch.Tensor] = {}  # rounded ones by quantizer: no weight changes here


def round_in_blocks(values: torch.Tensor, quantizer: torch.nn.Module) -> torch.Tensor:
    name = quantizer.backend_extra_args["name"]
    if values.dim() != 2:
        return of_task.rounded(values, name)
    if id(quantizer) not in _weights:
        _weights[id(quantizer)] = of_task.rounded(values, name)
    return _weights[id(quantizer)]


def quantizers(name: str, of_weight: str, of_input: str) -> list[dict]:
    """Entries that turn a format on for quantizers whose names match."""
    if name in BLOCKS_OF_INTEGERS:
        numbers = {"num_bits": BLOCKS_OF_INTEGERS[name], "block_sizes": {-1: 64, "type": "static"}}
        return [{"quantizer_name": of_weight, "cfg": numbers}]
    backend = {"num_bits": 8, "backend": "blocks", "backend_extra_args": {"name": name}}
    return [{"quantizer_name": which, "cfg": dict(backend)} for which in (of_weight, of_input)]


def configuration(task: dict, name: str) -> dict:
    return {
        "quant_cfg": [EVERYTHING_OFF, *quantizers(name, "*weight_quantizer", "*input_quantizer")],
        "algorithm": "max",
        "effective_bits": task["bits"][name],
    }


def search(task: dict, bits: float, checkpoint: str) -> dict[str, str]:
    """The plan of one call; scores come from the checkpoint where an earlier call left them."""
    recipes = [configuration(task, name) for name in task["formats"]]
    _weights.clear()
    _, state = mtq.auto_quantize(
        of_task.load_model(task),
        constraints={"effective_bits": bits},
        quantization_formats=recipes,
        data_loader=of_task.calibration(task),
        forward_step=lambda model, ids: model(ids[:, :-1]).logits,
        loss_func=of_task.loss,
        num_calib_steps=task["calibration"],
        num_score_steps=task["calibration"],
        method="gradient",
        checkpoint=checkpoint,
    )
    plan = {}
    for group, recipe in state["best"]["recipe"].items():
        for module in state["candidate_stats"][group]["module_names"]:
            plan[module] = format_of(task, str(recipe))
    return plan


def format_of(task: dict, recipe: str) -> str:
    """A recipe is called NONE(…), or CUSTOM_2(…) by its place."""
    name = recipe.partition("(")[0]
    return HIGH if name == "NONE" else task["formats"][int(name.rpartition("_")[2])]


def plans(task: dict, path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = str(Path(folder) / "scores.pt")
        found = {str(bits): search(task, bits, checkpoint) for bits in task["asked"]}
    of_task.answer(path, plans=found)


def losses(task: dict, path: str) -> None:
    reference = of_task.outcomes(task, of_task.load_model(task))
    found = {}
    for key, plan in task["plans"].items():
        entries = [EVERYTHING_OFF]
        for module, name in plan.items():
            if name != HIGH:
                entries += quantizers(
                    name, f"{module}.weight_quantizer", f"{module}.input_quantizer"
                )
        model = mtq.quantize(  # without samples: only weights are rounded
            of_task.load_model(task), {"quant_cfg": entries, "algorithm": "max"}
        )
        mtq.fold_weight(model)  # rounds the weights once
        found[key] = of_task.outcomes(task, model, reference["predictions"])
    of_task.answer(path, high=reference["losses"], plans=found)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    register_quant_backend("blocks", round_in_blocks)
    {"plans": plans, "losses": losses}[sys.argv[1]](of_task.read(sys.argv[2]), sys.argv[3])
