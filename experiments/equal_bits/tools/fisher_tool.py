"""After prismaquant: a knapsack over the traces of the Fisher information and weight errors.

    fisher_tool.py plans TASK ANSWER

Its documentation states the loss of a layer in a format as ½ · H · MSE: H the sum over weights of
the mean over tokens of squared gradients of the cross entropy (a backward pass of the summed loss,
its squared gradient over the number of tokens), MSE the mean squared error of the rounded weights.
This is that formula in code of our own, with an exact solver.
"""

import sys
from pathlib import Path

import task as of_task
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from bits import group_bits
from knapsack import Choices, Solver
from models import groups, layers
from settings import HIGH


def traces(task: dict, model: torch.nn.Module, modules: list[str]) -> dict[str, float]:
    """H of each module's weight."""
    weights = [model.get_submodule(module).weight for module in modules]
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for weight in weights:
        weight.requires_grad_(True)
    sums = torch.zeros(len(weights), dtype=torch.float64)
    for ids in of_task.calibration(task):
        loss = of_task.loss(model(ids[:, :-1]).logits, ids) * task["length"]
        found = torch.autograd.grad(loss, weights)
        sums += torch.stack([gradient.double().square().sum() for gradient in found])
    tokens = task["calibration"] * task["length"]
    return dict(zip(modules, (sums / tokens).tolist(), strict=True))


def weight_error(weight: torch.Tensor, name: str) -> float:
    if name == HIGH:
        return 0.0
    return (of_task.rounded(weight, name) - weight).double().square().mean().item()


def plans(task: dict, path: str) -> None:
    model = of_task.load_model(task)
    grouped = groups(layers(Path(task["model"])))
    modules = [layer.module for group in grouped for layer in group]
    known = traces(task, model, modules)
    names = [*task["formats"], HIGH]
    losses = {
        module: [
            known[module] / 2 * weight_error(model.get_submodule(module).weight, name)
            for name in names
        ]
        for module in modules
    }
    solver = Solver(
        [
            Choices(
                [group_bits(group, name) for name in names],
                [
                    sum(losses[layer.module][place] for layer in group)
                    for place in range(len(names))
                ],
            )
            for group in grouped
        ]
    )
    elements = sum(layer.elements for group in grouped for layer in group)
    found = {}
    for budget in task["asked"]:
        chosen = solver.best(budget * elements)
        if chosen is not None:
            found[str(budget)] = {
                layer.module: names[place]
                for group, place in zip(grouped, chosen, strict=True)
                for layer in group
            }
    of_task.answer(path, plans=found)


if __name__ == "__main__":
    {"plans": plans}[sys.argv[1]](of_task.read(sys.argv[2]), sys.argv[3])
