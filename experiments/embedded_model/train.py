"""Train the embedded model; write it in Hugging Face layout, with its token files.

Ctrl-C ends training early; the averaged weights so far are written all the same.

    python train.py --steps 2000 --model ../../configs/models/embedded \\
        --tokens ../../configs/data/embedded.h5
"""

import argparse
import json
import math
import time
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors.torch import save_file
from text import read_chapters, split
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F
from trigram import KneserNeyTrigram

from model import Llama, Shape

LENGTH = 256
BATCH = 32
MUON_RATE, ADAM_RATE = 0.02, 3e-3


def train_tokenizer(chapters: list[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|begin_of_chapter|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(chapters, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, chapters: list[str]) -> list[list[int]]:
    """Token ids of each chapter, each beginning with the chapter mark 0."""
    return [[0, *tokenizer.encode(chapter).ids] for chapter in chapters]


@torch.no_grad()
def held_out_perplexity(model: Llama, stream: torch.Tensor) -> float:
    """Perplexity in non-overlapping windows of LENGTH predicted tokens, fp32."""
    model.eval()
    count = (len(stream) - 1) // LENGTH
    inputs = stream[: count * LENGTH].view(count, LENGTH)
    targets = stream[1 : count * LENGTH + 1].view(count, LENGTH)
    losses = [
        F.cross_entropy(model(x).flatten(0, 1), y.flatten()) * len(x)
        for x, y in zip(inputs.split(16), targets.split(16), strict=True)
    ]
    model.train()
    return math.exp(sum(losses).item() / count)


class Average:
    """Exponential moving average of the parameters."""

    def __init__(self, model: Llama, decay: float):
        self.decay = decay
        self.state = {name: value.clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: Llama) -> None:
        for name, value in model.state_dict().items():
            self.state[name].lerp_(value, 1 - self.decay)


def optimizers(model: Llama, decay: float) -> list[torch.optim.Optimizer]:
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    return [
        torch.optim.Muon(matrices, lr=MUON_RATE, weight_decay=decay, momentum=0.95),
        torch.optim.AdamW(others, lr=ADAM_RATE, weight_decay=0.01, betas=(0.9, 0.95)),
    ]


def train(
    model: Llama, stream: torch.Tensor, held_out: torch.Tensor, steps: int, decay: float
) -> dict:
    """Train with a warm-up and a linear decay of the rates, until the end or an interrupt.

    The model ends with its averaged weights.
    """
    generator = torch.Generator().manual_seed(0)
    steppers, average = optimizers(model, decay), Average(model, 0.995)
    rates = [stepper.param_groups[0]["lr"] for stepper in steppers]
    started, done = time.monotonic(), 0
    try:
        for step in range(1, steps + 1):
            factor = min(1.0, step / 100, (1 - step / steps) / 0.7)
            starts = torch.randint(len(stream) - LENGTH - 1, (BATCH,), generator=generator)
            windows = torch.stack([stream[s : s + LENGTH + 1] for s in starts])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(windows[:, :-1])
            loss = F.cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for stepper, rate in zip(steppers, rates, strict=True):
                stepper.param_groups[0]["lr"] = rate * factor
                stepper.step()
                stepper.zero_grad(set_to_none=True)
            average.update(model)
            done = step
            if step % 100 == 0:
                perplexity = held_out_perplexity(model, held_out)
                elapsed = time.monotonic() - started
                print(
                    f"step {step} {elapsed:.0f} s loss {loss.item():.3f} "
                    f"held-out perplexity {perplexity:.2f}",
                    flush=True,
                )
    except KeyboardInterrupt:
        print(f"interrupted after step {done}", flush=True)
    model.load_state_dict(average.state)
    return {"steps": done, "planned_steps": steps, "epochs": done * BATCH * LENGTH / len(stream)}


def write_tokens(path: Path, tokens: list[int], vocabulary: int) -> None:
    """One stream of held-out tokens; calibration and evaluation take disjoint windows of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "tokens",
            data=np.asarray(tokens, np.int32),
            chunks=(8192,),
            fletcher32=True,
            compression="gzip",
        )
        data.attrs["vocabulary"] = vocabulary
        data.attrs["source"] = (
            "King James Bible, every 20th chapter, tokenised by "
            "configs/models/embedded/tokenizer.json"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--decay", type=float, default=0.1, help="weight decay of the matrices")
    parser.add_argument(
        "--model", type=Path, required=True, help="folder to write the Hugging Face checkpoint to"
    )
    parser.add_argument(
        "--tokens", type=Path, required=True, help="HDF5 file to write the held-out tokens to"
    )
    arguments = parser.parse_args()

    torch.manual_seed(0)
    shape = Shape()
    training, held_out = split(read_chapters())
    tokenizer = train_tokenizer(training, shape.vocab_size)
    training, held_out = encode(tokenizer, training), encode(tokenizer, held_out)
    # The yardstick first: it takes seconds and says what the model has to beat.
    trigram = KneserNeyTrigram(training, shape.vocab_size).perplexity(held_out)
    print(
        f"{sum(map(len, training))} training and {sum(map(len, held_out))} held-out tokens, "
        f"trigram perplexity {trigram:.2f}",
        flush=True,
    )

    model = Llama(shape, arguments.dropout)
    stream, held_out_stream = (torch.tensor(list(chain(*part))) for part in (training, held_out))
    record = train(model, stream, held_out_stream, arguments.steps, arguments.decay)
    state = model.hugging_face_state()
    model.load_state_dict(
        {name.removeprefix("model."): value.float() for name, value in state.items()}
    )
    perplexity = held_out_perplexity(model, held_out_stream)
    record |= {
        "parameters": sum(p.numel() for p in model.parameters()),
        "held_out_tokens": len(held_out_stream),
        "held_out_loss": math.log(perplexity),
        "held_out_perplexity": perplexity,
        "trigram_perplexity": trigram,
        "ratio": perplexity / trigram,
    }
    print(json.dumps(record, indent=2))

    arguments.model.mkdir(parents=True, exist_ok=True)
    save_file(state, arguments.model / "model.safetensors", metadata={"format": "pt"})
    tokenizer.save(str(arguments.model / "tokenizer.json"))
    (arguments.model / "config.json").write_text(
        json.dumps(model.hugging_face_config(), indent=2) + "\n"
    )
    (arguments.model / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    write_tokens(arguments.tokens, held_out_stream.tolist(), shape.vocab_size)


if __name__ == "__main__":
    main()
