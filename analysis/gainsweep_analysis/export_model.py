"""The command `export-model`: a PyTorch module to the `.pt2` file that the program reads."""

import argparse
import importlib
import operator
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
         "bool")  # fmt: skip
EXAMPLE_BATCH = 2  # a batch of 1 would be taken for a constant
# What run_decompositions() makes of operators; run_decompositions({}) leaves these alone.
DECOMPOSED = {
    "addmm": "linear",
    "convolution": "conv2d",
    "native_layer_norm": "layer_norm",
    "_softmax": "softmax",
    "max_pool2d_with_indices": "max_pool2d",
}


class ModelError(Exception):
    """A sentence or two: what is wrong, why, and what to do."""


@dataclass(frozen=True)
class Input:
    """An argument of `forward`, of one sample."""

    name: str
    sizes: tuple[int, ...]
    type: str = "float32"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="package.module:function that returns an "
                        "nn.Module (or that module itself), or a file of torch.save(module), "
                        "which is unpickled: only one that you trust")  # fmt: skip
    parser.add_argument("--input", type=input_of, action="append", required=True,
                        metavar="NAME=SIZES[:TYPE]", help="an argument of forward without the "
                        "batch: x=3,224,224 or input_ids=128:int64; once for each")  # fmt: skip
    parser.add_argument("--most", type=int, default=1024, metavar="N", help="largest batch that "
                        "the program takes; default: 1024")  # fmt: skip
    parser.add_argument("--functional", action="store_true", help="without operators that work "
                        "in place: run_decompositions({})")  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.pt2")


def input_of(text: str) -> Input:
    found = re.fullmatch(r"(\w+)=(\d+(?:,\d+)*)?(?::(\w+))?", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not NAME=SIZES[:TYPE], such as x=3,224,224 or input_ids=128:int64"
        )
    name, sizes, type_name = found.groups()
    if type_name is not None and type_name not in TYPES:
        raise argparse.ArgumentTypeError(f"'{type_name}' is none of {', '.join(TYPES)}")
    return Input(name, tuple(int(size) for size in (sizes or "").split(",") if size),
                 type_name or "float32")  # fmt: skip


def run(options: argparse.Namespace) -> None:
    if options.out.suffix != ".pt2":
        raise ModelError(f"{options.out}: no name of a program. End it with .pt2.")
    if options.out.exists():
        raise ModelError(f"{options.out} is there already. Give another --out.")
    if options.most < EXAMPLE_BATCH:
        raise ModelError(f"--most: {options.most} is no batch that varies. Give at least "
                         f"{EXAMPLE_BATCH}.")  # fmt: skip
    torch = torch_or_refuse()
    model = load(torch, options.model)
    program = export(torch, model, options.input, options.most, options.functional)
    save(torch, program, options.out)
    parameters = list(model.parameters())
    print(f"{options.out}: {len(calls(program))} nodes, {sum(p.numel() for p in parameters):,} "
          f"parameters in {len(parameters)} tensors")  # fmt: skip


def torch_or_refuse():
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ModelError(
            f"export-model needs PyTorch, which does not load here ({error}). Install it where the "
            "model is: pip install torch."
        ) from None


def load(torch, where: str):
    """The nn.Module that MODEL names, in evaluation mode."""
    found = load_file(torch, Path(where)) if Path(where).is_file() else load_object(where)
    if callable(found) and not isinstance(found, torch.nn.Module):
        found = found()
    if not isinstance(found, torch.nn.Module):
        advice = "Save the module itself (torch.save(model, FILE)), not its state_dict." if (
            isinstance(found, dict)) else "Name a function that returns one."  # fmt: skip
        raise ModelError(f"{where}: a {type(found).__name__}, no torch.nn.Module. {advice}")
    return found.eval()


def load_file(torch, path: Path):
    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # whatever a pickle's classes raise
        raise ModelError(
            f"{path}: torch.load fails ({first_line(error)}). Run where the model's classes can be "
            "imported, or name a function: package.module:function."
        ) from error


def load_object(where: str):
    module, colon, name = where.partition(":")
    if not colon or not module or not name:
        raise ModelError(f"{where}: neither a file nor package.module:function.")
    sys.path.insert(0, os.getcwd())  # as python -m has it
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"{where}: {error}. Run where the module can be imported.") from error
    finally:
        sys.path.pop(0)


def export(torch, model, inputs: list[Input], most: int, functional: bool):
    """The exported program, checked, with a dynamic batch and without paths of this machine."""
    names = [wanted.name for wanted in inputs]
    if len(set(names)) < len(names):
        raise ModelError("--input names an argument twice. Name each once.")
    check_tensors(torch, model)
    # fresh tensors: a view would be stored with all that it is a view of
    examples = {
        wanted.name: torch.zeros((EXAMPLE_BATCH, *wanted.sizes), dtype=getattr(torch, wanted.type))
        for wanted in inputs
    }
    batch = torch.export.Dim("batch", min=1, max=most)
    try:
        with torch.no_grad():
            program = torch.export.export(
                model, (), examples, dynamic_shapes={name: {0: batch} for name in names}
            )
            if functional:
                program = program.run_decompositions({})
    except Exception as error:  # the model's own code runs here
        raise ModelError(
            f"torch.export.export fails: {first_line(error)}. Compare --input with the model's "
            "forward; a batch that the model takes for a constant cannot be exported."
        ) from error
    for graph in program.graph_module.modules():
        for node in graph.graph.nodes:
            node.meta.pop("stack_trace", None)  # they have this machine's paths
    check(torch, program)
    return program


def check_tensors(torch, model) -> None:
    """Refuses weights and buffers that the program would not read."""
    plain = (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if type(tensor) not in plain:
            raise ModelError(
                f"{name}: a {type(tensor).__name__}, which would be pickled. Export the model with "
                "plain tensors, before it is quantised or wrapped."
            )
        if tensor.layout != torch.strided:
            raise ModelError(f"{name}: its layout is {tensor.layout}. Make it dense.")
        if type_name(tensor.dtype) not in TYPES:
            raise ModelError(f"{name}: its type is {type_name(tensor.dtype)}, none of "
                             f"{', '.join(TYPES)}. Convert it.")  # fmt: skip
        size = tensor.untyped_storage().nbytes() // tensor.element_size()
        if tensor.numel() > size:
            raise ModelError(f"{name}: expanded, with {tensor.numel()} elements in a storage of "
                             f"{size}. Store it as .contiguous() in the model.")  # fmt: skip


def check(torch, program) -> None:
    """Refuses programs that the program would not read."""
    signature = program.graph_signature
    for spec in signature.input_specs:
        if spec.kind.name in ("CUSTOM_OBJ", "TOKEN"):
            raise ModelError(f"{spec.arg.name}: a custom object or effect, which is not read. "
                             "Write this part with plain tensor operators.")  # fmt: skip
    for spec in signature.output_specs:
        if spec.kind.name != "USER_OUTPUT":
            raise ModelError(f"{spec.target}: changed by the forward pass ({spec.kind.name}). "
                             "Let forward change neither buffers nor inputs.")  # fmt: skip
    held = {node.name for node in program.graph.nodes if node.op == "placeholder"}
    for node in program.graph.nodes:
        if node.op == "get_attr":
            raise ModelError(f"{node.name}: control flow (torch.cond, map, while_loop), which is "
                             "not read. Write this part without it.")  # fmt: skip
    for node in calls(program):
        check_call(torch, node, held, program.dialect == "ATEN")


def check_call(torch, node, held: set[str], is_functional: bool) -> None:
    if not isinstance(node.target, torch._ops.OpOverload):
        return
    name = node.target.name().partition("::")[2].partition(".")[0]
    if is_functional and name in DECOMPOSED:
        raise ModelError(f"{node.name}: what run_decompositions() makes of {DECOMPOSED[name]}. "
                         "Give run_decompositions({}) an empty table.")  # fmt: skip
    schema = node.target._schema
    given = {a.name: value for a, value in zip(schema.arguments, node.args, strict=False)}
    given |= node.kwargs
    if given.get("training") is True or given.get("train") is True:
        raise ModelError(f"{node.name} ({node.target}): in training mode in spite of model.eval(). "
                         "Give it self.training, or train=False.")  # fmt: skip
    written = node.args[0] if node.args else None
    is_in_place = name.endswith("_") and not name.endswith("__")
    if is_in_place and getattr(written, "name", None) in held:
        raise ModelError(f"{node.name} ({node.target}): writes into {written.name}, an input, a "
                         "weight or a buffer. Work on a copy in forward.")  # fmt: skip


def calls(program) -> list:
    """The nodes that the file has: results of several are part of their node there."""
    return [
        node
        for node in program.graph.nodes
        if node.op == "call_function" and node.target is not operator.getitem
    ]


def save(torch, program, out: Path) -> None:
    """The whole file or none; the archive's root folder is named after it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        partial = Path(folder) / out.name
        torch.export.save(program, partial)
        os.replace(partial, out)


def type_name(dtype) -> str:
    return str(dtype).removeprefix("torch.")


def first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
