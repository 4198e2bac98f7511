"""Compares loss, log-likelihoods and logits of print_logits with transformers on checkpoints.

transformers_test.py PRINT_LOGITS DEVELOPMENT_DATA MODELS: exits with 77 (skipped) where modules or
every model are absent.
"""

import pathlib
import subprocess
import sys

try:
    import numpy
    import torch
    import transformers
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

LENGTH = 64
TOLERANCES = {"fp64": 1e-10, "fp32": 2e-5}


def reference(folder, ids, dtype):
    """Loss, log-likelihoods and logits by transformers, in `dtype`, softmax included."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager"
    ).eval()
    with torch.no_grad():
        logits = model(ids[:, :-1]).logits
    loss = torch.nn.functional.cross_entropy(logits[0], ids[0, 1:])
    likelihoods = logits[0].log_softmax(-1).gather(-1, ids[0, 1:, None])[:, 0]
    return float(loss), likelihoods.double().numpy(), logits[0].double().numpy()


def printed(program, folder, ids, precision):
    text = " ".join(str(int(i)) for i in ids[0])
    run = subprocess.run(
        [program, folder, str(LENGTH), precision],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    numbers = numpy.array(run.stdout.split(), dtype=float)
    return numbers[0], numbers[1 : LENGTH + 1], numbers[LENGTH + 1 :].reshape(LENGTH, -1)


def tokens_of(folder, vocabulary):
    file = folder.parent / "tokens_u16.npy"
    if file.exists():
        return torch.tensor(numpy.load(file)[: LENGTH + 1].astype("int64"))[None]
    return torch.tensor(numpy.random.default_rng(0).integers(0, vocabulary, LENGTH + 1))[None]


def compare(program, folder):
    vocabulary = transformers.AutoConfig.from_pretrained(folder).vocab_size
    ids = tokens_of(folder, vocabulary)
    # transformers keeps RMSNorm and softmax in fp32 whatever the type: fp32 is its best.
    loss, likelihoods, logits = reference(folder, ids, torch.float32)
    for precision, tolerance in TOLERANCES.items():
        got_loss, got_likelihoods, got_logits = printed(program, folder, ids, precision)
        scale = numpy.abs(logits).max()
        worst = numpy.abs(got_logits - logits).max() / scale
        print(f"{folder} {precision}: loss {got_loss:.9f} against {loss:.9f}, logits {worst:.1e}")
        assert abs(got_loss - loss) < max(tolerance, 2e-6) * loss
        assert worst < max(tolerance, 2e-5)
        assert numpy.abs(got_likelihoods - likelihoods).max() < max(tolerance, 2e-5) * scale
        assert abs(got_likelihoods.mean() + got_loss) < max(tolerance, 2e-6) * loss


def main():
    program, *roots = sys.argv[1:]
    configs = (f for root in roots for f in pathlib.Path(root).glob("**/config.json"))
    folders = sorted(f.parent for f in configs if "wrong_inputs" not in f.parts)
    if not folders:
        print("skipped: no checkpoint")
        sys.exit(77)
    for folder in folders:
        compare(program, folder)


if __name__ == "__main__":
    main()
