"""Train a small net on Fashion-MNIST; write it as .pt2, with golden logits beside it.

The same seed, steps and PyTorch give the same net: one thread, a fixed order.

    apt-get install dataset-fashion-mnist
    python train.py mobile --out ../../configs/exported
"""

import argparse
import gzip
import json
import time
from pathlib import Path

import numpy as np
import torch
from gainsweep_analysis import export_model
from nets import NETS, logits, parameters
from safetensors.torch import save_file
from torch.nn import functional as F

DATA = Path("/usr/share/datasets/fashion-mnist")
MEAN, DEVIATION = 0.286, 0.353  # of the training images' pixels, from 0 to 1
BATCH = 128
RATE = 4e-3
GOLDEN = 64


def read(path: Path, header: int) -> torch.Tensor:
    """The bytes of an IDX file behind its header."""
    with gzip.open(path) as file:
        return torch.tensor(np.frombuffer(file.read(), np.uint8, offset=header).copy())


def read_set(folder: Path, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised images [N, 1, 28, 28] and their classes [N]."""
    pixels = read(folder / f"{name}-images-idx3-ubyte.gz", 16).view(-1, 1, 28, 28).double()
    labels = read(folder / f"{name}-labels-idx1-ubyte.gz", 8).long()
    return ((pixels / 255 - MEAN) / DEVIATION).float(), labels


def train(net: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, steps: int) -> None:
    """AdamW with a linear decay of the rate; every other batch is mirrored. Ends in evaluation
    mode."""
    stepper = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-2)
    rates = torch.optim.lr_scheduler.LinearLR(stepper, 1.0, 0.01, total_iters=steps)
    started = time.monotonic()
    net.train().to(memory_format=torch.channels_last)  # a fifth faster
    for step in range(1, steps + 1):
        batch = torch.randint(len(images), (BATCH,))
        x_NCHW = images[batch].flip(3) if step % 2 else images[batch]
        loss = F.cross_entropy(net(x_NCHW), labels[batch])
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        rates.step()
        if step % 200 == 0:
            print(f"step {step} {time.monotonic() - started:.0f} s loss {loss.item():.3f}",
                  flush=True)  # fmt: skip
    net.eval().to(memory_format=torch.contiguous_format)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", choices=NETS)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=DATA, help=f"default: {DATA}")
    parser.add_argument("--out", type=Path, required=True, help="folder to write both files to")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(options.seed)
    images, labels = read_set(options.data, "train")
    net = NETS[options.net]()
    train(net, images, labels, options.steps)

    images, labels = read_set(options.data, "t10k")
    found = logits(net, images)
    print(json.dumps({
        "parameters": parameters(net),
        "steps": options.steps,
        "test_accuracy": (found.argmax(1) == labels).double().mean().item(),
        "test_loss": F.cross_entropy(found.double(), labels).item(),
    }))  # fmt: skip
    wanted = export_model.Input("images", (1, 28, 28))
    program = export_model.export(torch, net, [wanted], most=1024, functional=False)
    export_model.save(torch, program, options.out / f"fashion_{options.net}.pt2")
    golden = {"input": images[:GOLDEN], "logits": found[:GOLDEN], "labels": labels[:GOLDEN]}
    save_file({name: tensor.clone() for name, tensor in golden.items()},
              options.out / f"fashion_{options.net}.golden.safetensors")  # fmt: skip


if __name__ == "__main__":
    main()
