"""Two small nets for grey images of 28 × 28: the blocks of MobileNetV2 and of ResNet.

Shape letters: N images, C channels, H rows, W columns.
"""

import torch
from torch import nn

CLASSES = 10
# in, out, stride of the depthwise convolution, how many times as many channels it has
INVERTED = ((16, 24, 1, 2), (24, 24, 1, 3), (24, 40, 2, 3), (40, 40, 1, 3), (40, 40, 1, 3),
            (40, 64, 2, 3), (64, 64, 1, 3))  # fmt: skip
STAGES = ((16, 16, 1), (16, 32, 2), (32, 64, 2))  # in, out, stride of the first block


def normalized(size_in: int, size_out: int, kernel: int, stride: int = 1, groups: int = 1):
    """A convolution without bias and its batch norm, which inference folds into it."""
    return [
        nn.Conv2d(size_in, size_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(size_out),
    ]


class Inverted(nn.Module):
    """MobileNetV2's block: wider, depthwise, narrow again; with a shortcut where sizes agree."""

    def __init__(self, size_in: int, size_out: int, stride: int, widening: int):
        super().__init__()
        wide = size_in * widening
        self.has_shortcut = stride == 1 and size_in == size_out
        self.layers = nn.Sequential(
            *normalized(size_in, wide, 1),
            nn.ReLU6(inplace=True),
            *normalized(wide, wide, 3, stride, groups=wide),
            nn.ReLU6(inplace=True),
            *normalized(wide, size_out, 1),
        )

    def forward(self, x_NCHW):
        y_NCHW = self.layers(x_NCHW)
        return x_NCHW + y_NCHW if self.has_shortcut else y_NCHW


class Mobile(nn.Module):
    """Logits of a net of MobileNetV2's blocks."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            *normalized(1, INVERTED[0][0], 3, 2),
            nn.ReLU6(inplace=True),
            *(Inverted(*sizes) for sizes in INVERTED),
            *normalized(INVERTED[-1][1], 128, 1),
            nn.ReLU6(inplace=True),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(128, CLASSES))

    def forward(self, images):
        return self.classifier(self.pool(self.features(images)).flatten(1))


class Residual(nn.Module):
    """ResNet's basic block: two convolutions and a shortcut, projected where sizes differ."""

    def __init__(self, size_in: int, size_out: int, stride: int):
        super().__init__()
        self.layers = nn.Sequential(
            *normalized(size_in, size_out, 3, stride),
            nn.ReLU(inplace=True),
            *normalized(size_out, size_out, 3),
        )
        is_projected = stride > 1 or size_in != size_out
        self.shortcut = (
            nn.Sequential(*normalized(size_in, size_out, 1, stride)) if is_projected else None
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x_NCHW):
        y_NCHW = self.layers(x_NCHW)
        y_NCHW += x_NCHW if self.shortcut is None else self.shortcut(x_NCHW)
        return self.relu(y_NCHW)


class ResNet(nn.Module):
    """Logits of a ResNet of three stages with two basic blocks each."""

    def __init__(self):
        super().__init__()
        first = STAGES[0][0]
        self.stem = nn.Sequential(
            *normalized(1, first, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        )
        self.stages = nn.Sequential(
            *(
                nn.Sequential(Residual(size_in, out, stride), Residual(out, out, 1))
                for size_in, out, stride in STAGES
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(STAGES[-1][1], CLASSES)

    def forward(self, images):
        return self.classifier(self.pool(self.stages(self.stem(images))).flatten(1))


NETS = {"mobile": Mobile, "resnet": ResNet}


def parameters(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def logits(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Of many images, some at a time."""
    with torch.inference_mode():
        return torch.cat([net(some) for some in images.split(500)])
