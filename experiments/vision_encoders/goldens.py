"""What PyTorch computes of a subject, for comparison."""

from pathlib import Path

import torch
from encoders import candidates_loss
from safetensors.torch import save_file
from subject import Subject
from torch.nn import functional as F


def write_golden(subject: Subject, program, path: Path) -> None:
    """Of the first rows: `input.NAME`, `output` and `labels`. Of the first sample: its `loss` and
    `gradient.NAME` of every weight of a convolution or linear layer, of one that a batch norm
    follows also `factor.NAME` by output channel: the gradient of the weight with the batch norm
    folded into it, times the factor, is the weight's own."""
    model = subject.model
    tensors = subject.tensors(subject.golden)
    with torch.no_grad():
        output = model(**tensors)
    saved = {f"input.{name}": tensor for name, tensor in tensors.items()} | {"output": output}
    if subject.labels is not None:
        samples = subject.golden if subject.offset is None else 1
        saved["labels"] = torch.tensor(subject.labels[:samples]).long()
        saved |= gradients(subject, saved["labels"][:1]) | factors(program)
    save_file({name: tensor.contiguous() for name, tensor in saved.items()}, path)


def gradients(subject: Subject, label: torch.Tensor) -> dict[str, torch.Tensor]:
    model, grouped = subject.model, subject.offset is not None
    output = model(**subject.tensors(subject.golden if grouped else 1))
    loss = candidates_loss(output, label) if grouped else F.cross_entropy(output, label)
    loss.backward()
    layers = (torch.nn.Conv2d, torch.nn.Linear)
    found = {"loss": loss.detach()}
    for name, module in model.named_modules():
        if isinstance(module, layers):
            found[f"gradient.{name}.weight"] = module.weight.grad
    model.zero_grad(set_to_none=True)
    return found


def factors(program) -> dict[str, torch.Tensor]:
    """γ / √(σ² + ε) by the weight of the convolution before each batch norm."""
    signature = program.graph_signature
    names = signature.inputs_to_parameters | signature.inputs_to_buffers
    state = program.state_dict
    found = {}
    for node in program.graph.nodes:
        if node.op != "call_function" or "batch_norm" not in str(node.target):
            continue
        convolution, gamma, _, _, variance = node.args[:5]
        weight = names[convolution.args[1].name]
        deviation = (state[names[variance.name]].double() + node.args[7]).sqrt()
        found[f"factor.{weight}"] = (state[names[gamma.name]].double() / deviation).float().detach()
    return found
