"""ModelOpt's `auto_quantize` by gradient on a folder's model: int8 and fp8, as gainsweep scores it.

auto_quantize.py FOLDER --samples 4 --length 512 [--precision bf16|fp32] [--threads 1]

A whole process, to be timed from outside: loads the model and the first samples of FOLDER's
tokens.h5, calibrates and scores both formats on all of them. Needs transformers and
nvidia-modelopt.
"""

import argparse
import pathlib

import h5py
import modelopt.torch.quantization as mtq
import torch
import transformers

TYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--precision", choices=TYPES, default="bf16")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        asked.folder, dtype=TYPES[asked.precision]
    )
    with h5py.File(asked.folder / "tokens.h5") as file:
        tokens = torch.from_numpy(file["tokens"][: asked.samples * asked.length].astype("int64"))
    batches = [{"input_ids": ids, "labels": ids} for ids in tokens.view(asked.samples, 1, -1)]
    _, state = mtq.auto_quantize(
        model,
        constraints={"effective_bits": 10.0},
        quantization_formats=[mtq.INT8_DEFAULT_CFG, mtq.FP8_DEFAULT_CFG],
        data_loader=batches,
        forward_step=lambda model, batch: model(**batch),
        loss_func=lambda output, _: output.loss,
        num_calib_steps=asked.samples,
        num_score_steps=asked.samples,
        method="gradient",
    )
    print(len(state["candidate_stats"]), "layers scored")


if __name__ == "__main__":
    main()
