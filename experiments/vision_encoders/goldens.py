"""What PyTorch computes of a subject, for comparison."""

from pathlib import Path

import torch
from encoders import candidates_loss
from safetensors.torch import save_file
from subject import Subject
from torch.nn import functional as F


def write_golden(subject: Subject, path: Path) -> None:
    """Of the first rows: `input.NAME`, `output` in fp32, `labels`. Of the first sample, where there
    are labels, for every weight w of a convolution or linear layer with gradient g: `gradient.NAME`
    computed in double, `score.NAME`: ‖g ⊙ w‖ computed in fp32; `loss` computed in double."""
    tensors = subject.tensors(subject.golden)
    with torch.no_grad():
        output = subject.model(**tensors)
    saved = {f"input.{name}": tensor for name, tensor in tensors.items()} | {"output": output}
    if subject.labels is not None:
        samples = subject.golden if subject.offset is None else 1
        saved["labels"] = torch.tensor(subject.labels[:samples]).long()
        _, weights = gradients(subject, saved["labels"][:1], torch.float32)
        saved |= {
            f"score.{name}": (weight.grad.double() * weight.double()).norm()
            for name, weight in weights.items()
        }
        saved["loss"], weights = gradients(subject, saved["labels"][:1], torch.float64)
        saved |= {f"gradient.{name}": weight.grad.float() for name, weight in weights.items()}
    save_file({name: tensor.detach().contiguous() for name, tensor in saved.items()}, path)


def gradients(
    subject: Subject, label: torch.Tensor, precision: torch.dtype
) -> tuple[torch.Tensor, dict[str, torch.nn.Parameter]]:
    """The loss of the first sample, and the weights with their gradients."""
    model, grouped = subject.model.to(precision), subject.offset is not None
    model.zero_grad()
    tensors = subject.tensors(subject.golden if grouped else 1)
    output = model(**{
        name: tensor.to(precision) if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    })  # fmt: skip
    loss = candidates_loss(output, label) if grouped else F.cross_entropy(output, label)
    loss.backward()
    layers = (torch.nn.Conv2d, torch.nn.Linear)
    return loss, {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, layers)
    }
