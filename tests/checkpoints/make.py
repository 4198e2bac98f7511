"""Writes a folder of wrong Llama checkpoints, each made from one good tiny model by one change.

    python make.py FOLDER

makes FOLDER/good, which every command accepts, FOLDER/<case> for each wrong one, and
FOLDER/expected.json: {case: text that the error message holds}. All of them exit with code 2.
"""

import json
import struct
import sys
from pathlib import Path

CONFIG = {
    "model_type": "llama",
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 16,
    "max_position_embeddings": 32,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": True,
}
LAYER = "model.layers.0."
KEY = LAYER + "self_attn.k_proj.weight"
NORM = "model.norm.weight"
SHAPES = {
    "model.embed_tokens.weight": [16, 8], LAYER + "input_layernorm.weight": [8],
    LAYER + "self_attn.q_proj.weight": [8, 8], KEY: [4, 8],
    LAYER + "self_attn.v_proj.weight": [4, 8],
    LAYER + "self_attn.o_proj.weight": [8, 8], LAYER + "post_attention_layernorm.weight": [8],
    LAYER + "mlp.gate_proj.weight": [12, 8], LAYER + "mlp.up_proj.weight": [12, 8],
    LAYER + "mlp.down_proj.weight": [8, 12], NORM: [8],
}  # fmt: skip


def tensors(shapes=SHAPES):
    """Header entries and data of a model, the good one: F32 weights that vary a little."""
    header, data = {}, b""
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        begin = len(data)
        data += struct.pack(
            f"<{count}f",
            *((i * 37 % 17 - 8) / 40 + (len(shape) == 1) for i in range(count)),
        )
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [begin, len(data)],
        }
    return header, data


def packed(header, data: bytes) -> bytes:
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return struct.pack("<Q", len(text)) + text + data


def weights(change=None) -> bytes:
    header, data = tensors()
    if change:
        change(header)
    return packed(header, data)


def weights_with(further) -> bytes:
    """The good model's weights and further ones."""
    return packed(*tensors({**SHAPES, **further}))


def set_key(**entry):
    return lambda header: header[KEY].update(entry)


def shifted(by: int):
    """The key weight's offsets moved by some bytes: an overlap or a gap."""

    def change(header):
        header[KEY]["data_offsets"] = [offset + by for offset in header[KEY]["data_offsets"]]

    return change


def moved_out(left_out: str):
    """Header and data of the good model without one tensor."""
    header, data = tensors()
    begin, end = header.pop(left_out)["data_offsets"]
    for entry in header.values():
        if entry["data_offsets"][0] >= end:
            entry["data_offsets"] = [offset - (end - begin) for offset in entry["data_offsets"]]
    return header, data[:begin] + data[end:]


def doubled_key() -> bytes:
    header, data = tensors()
    text = json.dumps(header)
    return packed((text[:-1] + f', "{KEY}": ' + json.dumps(header[KEY]) + "}").encode(), data)


def config(**keys) -> bytes:
    return json.dumps(CONFIG | keys).encode()


def index(weight_map) -> bytes:
    return json.dumps({"metadata": {}, "weight_map": weight_map}).encode()


def cases():
    """name → (files unlike the good folder's, None to leave one out; text of the message)."""
    single, good = "model.safetensors", weights()
    table = "model.safetensors.index.json"
    shard = "model-00001-of-00001.safetensors"
    return {
        "no_config": ({"config.json": None}, "config.json cannot be read"),
        "pickled_only": (
            {single: None, "pytorch_model.bin": b"x"},
            "safe_serialization=True",
        ),
        "config_not_json": ({"config.json": b"{"}, "not valid JSON"),
        "config_doubled_key": (
            {"config.json": b'{"model_type": "llama", "model_type": "llama"}'},
            "given twice",
        ),
        "config_other_model": (
            {"config.json": config(model_type="bert")},
            "model_type 'bert' is not supported",
        ),
        "config_other_rope": (
            {"config.json": config(rope_scaling={"rope_type": "axial"})},
            "'axial' is not supported",
        ),
        "config_multiplier": (
            {"config.json": config(residual_multiplier=0.22)},
            "key 'residual_multiplier' multiplies values between layers",
        ),
        "config_heads": (
            {"config.json": config(num_attention_heads=3)},
            "not a multiple of 3",
        ),
        "empty": ({single: b""}, "truncated (0 bytes"),
        "truncated": ({single: good[:-100]}, "truncated (tensor"),
        "truncated_header": ({single: good[:50]}, "truncated (a header of"),
        "absurd_header_length": (
            {single: struct.pack("<Q", 1 << 60) + good[8:]},
            "is absurd",
        ),
        "header_not_json": ({single: packed(b"{nonsense}", b"")}, "not valid JSON"),
        "data_after_the_last_tensor": (
            {single: good + b"\0" * 3},
            "3 bytes after the last tensor",
        ),
        "overlapping_offsets": ({single: weights(shifted(-4))}, "overlapping"),
        "gap": ({single: weights(shifted(4))}, "leaving a gap"),
        "wrong_size": (
            {single: weights(set_key(shape=[4, 9]))},
            "do not hold the 144 bytes",
        ),
        "overflowing_shape": (
            {single: weights(set_key(shape=[2**40, 2**40]))},
            "overflows 64 bits",
        ),
        "unknown_dtype": (
            {single: weights(set_key(dtype="F8_E5M2"))},
            f"tensor '{KEY}' has dtype 'F8_E5M2', but the model needs",
        ),
        "wrong_dtype": ({single: weights(set_key(dtype="I32"))}, "holds integers"),
        "wrong_shape": (
            {single: weights(set_key(shape=[8, 4]))},
            "has shape [8, 4], but the model needs [4, 8]",
        ),
        "lfs_pointer": (
            {single: b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"},
            "it is a git-lfs pointer, not safetensors. Fetch what it points to",
        ),
        "html_page": ({single: b"<!DOCTYPE html><html></html>"}, "it is an HTML page"),
        "zip_archive": ({single: b"PK\x03\x04" + good}, "it is a zip archive"),
        "config_html_page": ({"config.json": b"<html></html>"}, "it is an HTML page, not JSON"),
        "config_utf_16": (
            {"config.json": json.dumps(CONFIG).encode("utf-16")},
            "it is a text in UTF-16, not JSON. Save it in UTF-8",
        ),
        "adapter": (
            {"config.json": None, single: None, "adapter_config.json": b"{}"},
            "an adapter (adapter_config.json), not a model. Merge it",
        ),
        "config_infinity": (
            {"config.json": config(time_step_limit=float("inf"))},
            "line 1 after key 'time_step_limit': Infinity, which Python writes",
        ),
        "bias_without_attention_bias": (
            {single: weights_with({LAYER + "self_attn.q_proj.bias": [8]})},
            "self_attn.q_proj.bias' is stored, but config.json has no bias there",
        ),
        "layer_beyond_the_config": (
            {single: weights_with({"model.layers.1.input_layernorm.weight": [8]})},
            "is of a layer that config.json does not have (num_hidden_layers is 1)",
        ),
        "norm_of_queries": (
            {single: weights_with({LAYER + "self_attn.q_norm.weight": [4]})},
            "self_attn.q_norm.weight' is part of the model, but a llama has nothing that reads it",
        ),
        "missing_tensor": ({single: packed(*moved_out(KEY))}, f"no tensor '{KEY}'"),
        "doubled_tensor": ({single: doubled_key()}, "given twice"),
        "index_missing_shard": (
            {single: None, table: index(dict.fromkeys(SHAPES, shard))},
            f"shard '{shard}' is not there",
        ),
        "index_missing_tensor": (
            {
                single: None,
                shard: packed(*moved_out(KEY)),
                table: index(dict.fromkeys(SHAPES, shard)),
            },
            f"tensor '{KEY}' is not in shard '{shard}'",
        ),
        "index_leaves_folder": (
            {single: None, table: index({NORM: "../" + shard})},
            "is not a file name",
        ),
    }


def main(folder: Path):
    good = {"config.json": json.dumps(CONFIG).encode(), "model.safetensors": weights()}
    wrong = cases()
    for name, changes in {
        "good": {},
        **{name: changes for name, (changes, _) in wrong.items()},
    }.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for file, content in {**good, **changes}.items():
            if content is not None:
                (folder / name / file).write_bytes(content)
    expected = {name: message for name, (_, message) in wrong.items()}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
