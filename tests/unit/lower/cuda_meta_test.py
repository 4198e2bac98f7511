"""Programs lowered for CUDA on tensors without memory that say they are on a card: what LibTorch's
meta functions check of shapes, strides and types is checked of every call, without a card.

cuda_meta_test.py PRINT_CUDA OPERATORS_CPP; skipped (77) without torch.
"""

import itertools
import logging
import re
import subprocess
import sys
import unittest
from pathlib import Path

try:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
except ImportError:
    sys.exit(77)

TYPES = {
    "fp32": torch.float32,
    "index": torch.int64,
    "int32": torch.int32,
    "fp8_e4m3": torch.float8_e4m3fn,
}
PROGRAM, OPERATORS = sys.argv[1:3]
TOKEN = re.compile(r'%\d+|"[^"]*"|\[[^\]]*\]|None|true|false|[-+\w.]+')
CASES = list(
    itertools.product(
        ("fp8_e4m3", "int8"), ("static", "dynamic"), ("tensor", "channel"), ("bf16", "fp32")
    )
)


def define_own_operators():
    """The project's operators by their schemas, with what they give where nothing is computed."""
    library = torch.library.Library("gainsweep", "DEF")
    for call in re.findall(r"m\.def\(([^;]*)\);", Path(OPERATORS).read_text()):
        library.define("".join(re.findall(r'"([^"]*)"', call)))

    def codes_and_scales(w, per_channel, dtype):
        scales = w.new_empty([w.shape[0] if per_channel else 1], dtype=torch.float32)
        return w.new_empty(w.shape, dtype=dtype), scales

    fakes = {
        "cast_to_fp8": lambda z, scale, format: z.new_empty(z.shape, dtype=torch.float8_e4m3fn),
        "cast_to_int8": lambda z, scale: z.new_empty(z.shape, dtype=torch.int8),
        "dynamic_scale": lambda z, format, backoff: z.new_empty([1], dtype=torch.float32),
        "scale_sums": lambda sums, scales, bias, type: (sums * scales).to(type),
        "encode_weight": lambda w, format, backoff, per_channel, grid, range: codes_and_scales(
            w, per_channel, torch.float8_e4m3fn
        ),
        "quantize_weight": lambda w, backoff, per_channel, grid, range: codes_and_scales(
            w, per_channel, torch.int8
        ),
    }
    for name, fake in fakes.items():
        torch.library.register_fake(f"gainsweep::{name}", fake, lib=library)
    return library


def operator(name):
    """What the dispatcher has under `aten::add.Tensor`, with its schema."""
    space, rest = name.split("::")
    base, _, overload = rest.partition(".")
    found = getattr(getattr(getattr(torch.ops, space), base), overload or "default")
    return found, found._schema


class Program:
    """The printed graph, run node by node on tensors of a card that is not there."""

    def __init__(self, *case):
        self.real = torch.float32 if case[3] == "fp32" else torch.bfloat16
        self.values = {}
        self.calls = []  # operator, its arguments
        text = subprocess.run([PROGRAM, *case], check=True, capture_output=True, text=True).stdout
        for line in text.splitlines():
            self.read(line.split("  # ")[0])

    def type(self, word):
        return self.real if word == "real" else TYPES[word]

    def tensor(self, text):
        word, shape = re.fullmatch(r"(\w+)(\[.*\])", text).groups()
        return torch.empty(eval(shape), dtype=self.type(word), device="cuda")

    def read(self, line):
        if line.startswith(("input ", "parameter ")):
            name, text = line.split(" ", 1)[1].split(" : ")
            self.values[name] = self.tensor(text)
        elif line.startswith("%"):
            outputs, call = line.split(" = ", 1)
            call, types = call.rsplit(" : ", 1)
            self.call(outputs.split(", "), call, re.findall(r"\w+\[[^\]]*\]", types))

    def argument(self, token, formal):
        kind = str(formal.type)
        if token in self.values:
            return self.values[token]
        if token.startswith('"'):
            return token[1:-1] if "str" in kind else self.type(token[1:-1])
        if "Tensor" in kind and token != "None":  # a constant, which is printed as its number
            return torch.empty([], dtype=torch.float32, device="cuda")
        words = {"None": None, "true": True, "false": False}
        return words[token] if token in words else eval(token)

    def call(self, outputs, text, types):
        name, inside = re.fullmatch(r"([\w:.]+)\((.*)\)", text).groups()
        found, schema = operator(name)
        tokens = TOKEN.findall(inside)
        arguments = [
            self.argument(token, formal)
            for token, formal in zip(tokens, schema.arguments, strict=False)
        ]
        assert len(tokens) <= len(schema.arguments), text
        names = {a.name: v for a, v in zip(schema.arguments, arguments, strict=False)}
        given = [v for a, v in zip(schema.arguments, arguments, strict=False) if not a.kwarg_only]
        keywords = {a.name: names[a.name] for a in schema.arguments
                    if a.kwarg_only and a.name in names}  # fmt: skip
        results = found(*given, **keywords)
        self.calls.append((name, arguments))
        results = results if isinstance(results, (tuple, list)) else [results]
        for output, result, written in zip(outputs, results, types, strict=True):
            self.values[output] = result
            word, shape = re.fullmatch(r"(\w+)(\[.*\])", written).groups()
            assert list(result.shape) == eval(shape), (text, result.shape)
            if word != "byte":  # codes of either sign
                assert result.dtype == self.type(word), (text, result.dtype)
            assert result.device.type == "cuda"

    def arguments_of(self, name):
        return next(list(arguments) for op, arguments in self.calls if op == name)


class LoweredForCuda(unittest.TestCase):
    def setUp(self):
        mode = FakeTensorMode()
        mode.__enter__()
        self.addCleanup(mode.__exit__, None, None, None)
        logging.disable(logging.ERROR)  # of meta functions that refuse, with their stacks
        self.addCleanup(logging.disable, logging.NOTSET)

    def test_every_call_passes_the_meta_functions(self):
        for case in CASES:
            with self.subTest(case=case):
                program = Program(*case)
                product = "aten::_int_mm" if case[0] == "int8" else "aten::_scaled_mm"
                self.assertEqual([op for op, _ in program.calls].count(product), 2)

    def test_scaled_products_are_refused_in_other_layouts(self):
        for granularity in ("tensor", "channel"):
            program = Program("fp8_e4m3", "dynamic", granularity, "bf16")

            def refused(part, program=program, **changed):
                names = ("self", "mat2", "scale_a", "scale_b", "bias")
                arguments = program.arguments_of("aten::_scaled_mm")
                for name, change in changed.items():
                    place = names.index(name)
                    arguments[place] = change(arguments[place])
                with self.assertRaisesRegex(RuntimeError, part):
                    torch.ops.aten._scaled_mm(*arguments)

            refused("mat2 must be col_major", mat2=lambda w: w.new_empty(w.shape))
            refused("self must be row_major", self=lambda x: x.new_empty(96, 40).t())
            refused("must be 2D", self=lambda x: x.view(2, 20, 96))
            refused(
                "divisible by 16",
                self=lambda x: x.new_empty(40, 88),
                mat2=lambda w: w.new_empty(160, 88).t(),
            )
            refused("divisible by 16", mat2=lambda w: w.new_empty(152, 96).t())
            refused("float", scale_a=lambda s: s.new_empty(s.shape, dtype=torch.bfloat16))
            if granularity == "channel":
                refused("contiguous", scale_a=lambda s: s.new_empty(1, 1).expand(40, 1))
                refused("scal", scale_a=lambda s: s.new_empty(1))

    def test_integer_products_are_refused_in_other_layouts(self):
        x, w = Program("int8", "static", "channel", "bf16").arguments_of("aten::_int_mm")
        real = x.new_empty(x.shape, dtype=torch.bfloat16)
        for changed in ((x.view(2, 20, 96), w), (x, w.t()), (real, w)):
            with self.assertRaises(RuntimeError):
                torch.ops.aten._int_mm(*changed)
        self.assertEqual(w.stride(), (1, 96), "column-major")

    def test_the_result_is_of_the_high_format(self):
        for high, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
            arguments = Program("fp8_e4m3", "static", "tensor", high).arguments_of(
                "aten::_scaled_mm"
            )
            self.assertEqual(arguments[6], dtype)
            self.assertEqual(arguments[4] is None, high == "fp32", "no bias of an fp32 product")


if __name__ == "__main__":
    LIBRARY = define_own_operators()
    unittest.main(argv=sys.argv[:1])
