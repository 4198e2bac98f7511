"""The losses of plans by other means: transformers, with weights and inputs rounded in numpy.

    reference_tool.py losses TASK ANSWER

Weights are rounded once, inputs of linear layers at each call where the format says so. A check of
what this program measures. nvfp4's scale of a tensor is each layer's own, also of fused ones.
"""

import sys

import task as of_task
import torch
from task import WEIGHTS


def quantise(layer: torch.nn.Module, name: str) -> None:
    with torch.no_grad():
        layer.weight.copy_(of_task.rounded(layer.weight, name))
    if name not in WEIGHTS:
        layer.register_forward_pre_hook(lambda _, inputs: of_task.rounded(inputs[0], name))


def losses(task: dict, path: str) -> None:
    of_task.losses(task, path, quantise)


if __name__ == "__main__":
    {"losses": losses}[sys.argv[1]](of_task.read(sys.argv[2]), sys.argv[3])
