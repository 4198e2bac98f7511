"""What the scenarios share: the executable, a tiny model with tokens, specs made from a good one.

The executable's path comes from the environment variable GAINSWEEP (CMake sets it).
"""

import atexit
import functools
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest

SOURCE = Path(__file__).resolve().parents[2]
VOCABULARY = 16
HEAD = "lm_head.weight"
EMBEDDING = "model.embed_tokens.weight"
POISON = 13  # a token


def load_checkpoint_maker():
    spec = importlib.util.spec_from_file_location("make", SOURCE / "tests/checkpoints/make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Program:
    """Runs the executable. Relative paths of specs are relative to the sources."""

    def __init__(self, path):
        self.path = path

    def command(self, *arguments, ranks=1):
        command = [self.path, *map(str, arguments)]
        if ranks > 1:
            root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
            flags = ["--bind-to", "none", "--oversubscribe", "-np", str(ranks)]
            command = ["mpirun", *root, *flags, *command]
        return command

    def __call__(self, *arguments, ranks=1, cwd=SOURCE, timeout=120):
        return subprocess.run(
            self.command(*arguments, ranks=ranks),
            check=False,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def start(self, *arguments, ranks=1):
        return subprocess.Popen(
            self.command(*arguments, ranks=ranks),
            cwd=SOURCE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def refuses(self, *arguments, code=2, **options):
        """Its message, one sentence or more after the program's name; asserts the exit code."""
        result = self(*arguments, **options)
        assert result.returncode == code, result.stderr
        assert result.stderr.startswith("gainsweep: "), result.stderr
        assert "terminate called" not in result.stderr
        return result.stderr.removeprefix("gainsweep: ")


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("GAINSWEEP")
    if not path:
        pytest.skip("the environment variable GAINSWEEP does not name the executable")
    return Program(path)


@pytest.fixture(scope="session")
def maker():
    return load_checkpoint_maker()


@pytest.fixture(scope="session")
def material(tmp_path_factory, maker):
    """Checkpoints (good and wrong) and a good token file."""
    folder = tmp_path_factory.mktemp("material")
    maker.main(folder / "checkpoints")
    write_tokens(folder / "tokens.h5", random_tokens(400))
    return folder


def random_tokens(count, vocabulary=VOCABULARY, seed=5):
    return np.random.default_rng(seed).integers(0, vocabulary, count, dtype=np.int32)


def write_tokens(path, tokens, name="tokens"):
    with h5py.File(path, "w") as file:
        file[name] = tokens
    return path


def tiny_spec(material):
    """A complete experiment on the tiny model: every stage but timing."""
    return {
        "schema": 2,
        "name": "tiny",
        "model": {"checkpoint": str(material / "checkpoints/good")},
        "calibration": {
            "tokens": str(material / "tokens.h5"),
            "samples": 6,
            "length": 12,
            "scale_samples": 3,
        },
        "formats": {"high": "bf16", "low": ["int8"]},
        "latency": {"length": 12},
        "solve": {
            "objectives": ["macs", "memory"],
            "thresholds": [1e-5, 1e-3, 1e-1],
            "strategies": ["ip", "prefix", "random"],
            "draws": 3,
        },
        "evaluate": {"samples": 3},
    }


def has_fast_int8():
    """Whether this processor has the kernels of bf16 and int8 that times are taken of."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return bool({"avx512_vnni", "avx_vnni", "amx_int8"} & set(flags))


@functools.cache
def shipped(name):
    """A spec of configs/; where its times cannot be taken, the same beside fp32, which every
    processor has fast kernels for."""
    path = SOURCE / "configs" / f"{name}.yaml"
    if has_fast_int8():
        return path.relative_to(SOURCE)
    folder = Path(tempfile.mkdtemp(prefix="gainsweep-specs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    text = path.read_text()
    assert "high: bf16" in text
    (folder / path.name).write_text(text.replace("high: bf16", "high: fp32"))
    return folder / path.name


def merged(spec, changes):
    result = dict(spec)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def write_checkpoint(folder, maker, change):
    """The good tiny model with a head of its own, after change(name → writable numbers)."""
    header, data = maker.tensors()
    begin, end = header[EMBEDDING]["data_offsets"]
    header[HEAD] = merged(header[EMBEDDING], {"data_offsets": [len(data), len(data) + end - begin]})
    data = bytearray(data + data[begin:end])

    def numbers(name):
        first, last = header[name]["data_offsets"]
        return np.frombuffer(data, dtype="<f4", count=(last - first) // 4, offset=first).reshape(
            header[name]["shape"]
        )

    change(numbers)
    folder.mkdir()
    text = json.dumps(header).encode()
    (folder / "config.json").write_bytes(maker.config(tie_word_embeddings=False))
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(data))
    return folder


def write_poisoned(folder, maker, samples):
    """A model whose embedding of one token is NaN, tokens with it in the samples given and in no
    other; the changes of the tiny spec that take both."""

    def poison(numbers):
        numbers(EMBEDDING)[POISON] = np.nan

    checkpoint = write_checkpoint(folder / "poisoned", maker, poison)
    tokens = random_tokens(400, vocabulary=POISON)
    for sample in samples:
        tokens[12 * sample + 4] = POISON
    write_tokens(folder / "poisoned.h5", tokens)
    return {
        "model": {"checkpoint": str(checkpoint)},
        "calibration": {"tokens": str(folder / "poisoned.h5")},
    }


@pytest.fixture
def write_spec(tmp_path, material):
    """Writes the tiny spec with changes; YAML takes JSON."""

    def write(name="spec.yaml", **changes):
        path = tmp_path / name
        path.write_text(json.dumps(merged(tiny_spec(material), changes), indent=1))
        return path

    return write


@pytest.fixture(scope="session")
def finished(tmp_path_factory, material, program):
    """A finished run of the tiny spec: a folder with spec.yaml and out/. Do not write into it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "spec.yaml").write_text(json.dumps(tiny_spec(material), indent=1))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "finished"))


def parts(folder):
    """Names and times of a run's parts."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "parts").glob("*.h5")}


def is_identical(program, a, b):
    result = program("diff", a / "archive.h5", b / "archive.h5")
    assert result.returncode in (0, 1), result.stderr
    return result.returncode == 0, result.stdout
