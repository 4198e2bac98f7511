"""Small nets as .pt2 files, and files of samples for them."""

import h5py
import torch

CLASSES = 5


class Net(torch.nn.Module):
    """A stem, a depthwise block beside a shortcut, a head: all that is folded or told apart."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(2, 6, 3, 2, 1, bias=False)
        self.stem_norm = torch.nn.BatchNorm2d(6)
        self.spread = torch.nn.Conv2d(6, 6, 3, 1, 1, groups=6)
        self.spread_norm = torch.nn.BatchNorm2d(6)
        self.mix = torch.nn.Conv2d(6, 6, 1)
        self.head = torch.nn.Linear(6, CLASSES)

    def forward(self, images):
        x = self.stem_norm(self.stem(images)).relu()
        y = self.mix(self.spread_norm(self.spread(x)).relu_())
        return self.head((x + y).mean((2, 3)))


class Encoder(torch.nn.Module):
    """One layer of masked attention over tokens."""

    def __init__(self, answers):
        super().__init__()
        self.embedding = torch.nn.Embedding(11, 8)
        self.query, self.key, self.value = (torch.nn.Linear(8, 8) for _ in range(3))
        self.out = torch.nn.Linear(8, answers)

    def forward(self, ids, mask):
        x = self.embedding(ids)
        heads = [
            f(x).unflatten(2, (2, 4)).transpose(1, 2) for f in (self.query, self.key, self.value)
        ]
        seen = mask.bool()[:, None, None, :]
        y = torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=seen)
        return self.out(x + y.transpose(1, 2).flatten(2))


class Embedder(Encoder):
    def forward(self, ids, mask):
        return super().forward(ids, mask).mean(1)


def export(model, path, *inputs):
    sizes = {0: torch.export.Dim("batch", min=1, max=64)}
    program = torch.export.export(model.eval(), inputs, dynamic_shapes=(sizes,) * len(inputs))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, path)


def randomised(model, seed=0):
    """Weights of a fixed seed, statistics of norms that are none of the defaults."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for buffer in model.buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return model


def write_samples(path, inputs, labels=None, offset=None):
    with h5py.File(path, "w") as file:
        file.attrs["kind"] = "samples"
        for name, values in inputs.items():
            file[f"inputs/{name}"] = values
        if labels is not None:
            file["labels"] = labels
        if offset is not None:
            file["offset"] = offset
