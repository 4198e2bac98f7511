"""Plans as the files of runtimes: what is said, what is refused, and checkpoints bit for bit."""

import json
import re
from dataclasses import replace

import llama
import numpy as np
import pytest
import yaml
from gainsweep_analysis import checkpoint, recipes, rounding
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.checkpoint import packing, safetensors
from gainsweep_analysis.seal import ArchiveError

QKV = ("attention.q", "attention.k", "attention.v")
MIXED = {
    **dict.fromkeys(QKV, llama.format_named("nvfp4")),
    "attention.o": llama.format_named("mxfp8_e4m3"),
    "0.mlp.down": llama.format_named("w4a16_g64"),
    "1.mlp.down": llama.format_named("mxfp4"),
    "1.mlp.gate": llama.format_named("int8", weight_granularity="channel"),
    "1.mlp.up": llama.format_named("int8", weight_granularity="channel"),
}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return llama.write_model(tmp_path_factory.mktemp("model") / "llama", shards=3)


@pytest.fixture
def plan(cases, model):
    return lambda formats: llama.plan(cases("no_time").archive, model, formats)


def said(chosen, target, nearest=False):
    return recipes.recipe(chosen, recipes.TARGETS[target], nearest)


def test_every_layer_is_in_a_group_with_a_format_or_ignored(plan):
    config = json.loads(said(plan(MIXED), "compressed-tensors").text)
    assert config["format"] == "mixed-precision"
    groups = config["config_groups"].values()
    assert {group["format"] for group in groups} == {
        "nvfp4-pack-quantized", "mxfp8-quantized", "pack-quantized", "mxfp4-pack-quantized",
        "int-quantized",
    }  # fmt: skip
    targets = [name for group in groups for name in group["targets"]]
    assert sorted(config["ignore"]) == [
        "lm_head", "model.layers.0.mlp.gate_proj", "model.layers.0.mlp.up_proj",
    ]  # fmt: skip
    assert len(targets) == len(set(targets)) == 15 - 3
    (nvfp4,) = (g for g in groups if g["format"].startswith("nvfp4"))
    assert nvfp4["weights"]["group_size"] == 16
    assert nvfp4["input_activations"]["dynamic"] == "local"
    (w4a16,) = (g for g in groups if g["format"] == "pack-quantized")
    assert w4a16["weights"]["group_size"] == 64
    assert w4a16["input_activations"] is None


def test_one_group_has_its_format_on_top(plan):
    chosen = plan({"mlp.down": llama.format_named("mxfp4")})
    assert json.loads(said(chosen, "compressed-tensors").text)["format"] == "mxfp4-pack-quantized"


@pytest.mark.parametrize("formats, message", [
    ({"0.attention.v": "mxfp4"}, "one matrix product, in one format; this plan gives them bf16, "
     "mxfp4: layers.0.attention.q, layers.0.attention.k, layers.0.attention.v. Solve again with "
     "partition.fused"),
    ({"1.mlp.up": "nvfp4"}, "layers.1.mlp.gate, layers.1.mlp.up"),
    ({"0.attention.qk": "fp8_e4m3"}, "products of two activations have no format of their own"),
    ({"attention.o": "mxfp8_e5m2"}, "mxfp8_e5m2: it stores no weights in mxfp8_e5m2"),
    ({"attention.o": "int4_g32"}, "int4_g32: it has no activations in int4_g32"),
])  # fmt: skip
def test_what_compressed_tensors_cannot_say_is_refused_by_name(plan, formats, message):
    made = {end: llama.format_named(name) for end, name in formats.items()}
    with pytest.raises(ArchiveError) as refused:
        said(plan(made), "compressed-tensors")
    assert message in str(refused.value)
    assert re.search(r"may gain more:\n  \d ops stay high: layers", str(refused.value))


def test_other_rules_are_refused_with_the_way_out(plan):
    dynamic = llama.format_named("nvfp4", activation_scale="dynamic")
    with pytest.raises(ArchiveError, match="solve with scale: static"):
        said(plan({"attention.o": dynamic}), "compressed-tensors")
    arbitrary = llama.format_named("w4a16_g32", scale_grid="arbitrary")
    with pytest.raises(ArchiveError, match="solve with scale_grid: bf16"):
        said(plan({"attention.o": arbitrary}), "compressed-tensors")
    cut_off = llama.format_named("int8", weight_range="mse")
    for runtime in ("compressed-tensors", "modelopt", "autoround"):
        with pytest.raises(ArchiveError, match="solve with range: max"):
            said(plan({"attention.o": cut_off}), runtime)


def test_rows_that_are_not_whole_blocks_are_refused(plan):
    chosen = plan({"attention.o": llama.format_named("w4a16_g128")})
    ops = list(chosen.archive.ops)
    place = next(n for n, op in enumerate(ops) if op.path.endswith(".o"))
    ops[place] = replace(ops[place], weight_elements=128 * 96)
    chosen = replace(chosen, archive=replace(chosen.archive, ops=ops))
    with pytest.raises(ArchiveError, match="not whole blocks of 128"):
        said(chosen, "compressed-tensors")


def test_a_shared_weight_stays_high(plan):
    chosen = plan({"lm_head": llama.format_named("mxfp4")})
    ops = [replace(op, weight_shared=op.path == "lm_head") for op in chosen.archive.ops]
    with pytest.raises(ArchiveError, match=r"a tied embedding\): lm_head"):
        said(replace(chosen, archive=replace(chosen.archive, ops=ops)), "compressed-tensors")


def test_the_nearest_plan_keeps_whole_groups_high_and_says_the_price(plan):
    formats = {
        "1.attention.v": llama.format_named("mxfp4"),
        "0.mlp.down": llama.format_named("mxfp4"),
    }
    made = said(plan(formats), "compressed-tensors", nearest=True)
    config = json.loads(made.text)
    assert config["config_groups"]["group_0"]["targets"] == ["model.layers.0.mlp.down_proj"]
    assert made.changes[0] == "1 ops stay high: layers.1.attention.v"
    assert "sum of loss errors " in made.changes[1]


def test_weights_alone_leave_products_of_activations_as_they_are(plan):
    chosen = plan(
        {
            "attention.qk": llama.format_named("w4a16_g64"),
            "attention.o": llama.format_named("w4a16_g64"),
        }
    )
    assert json.loads(said(chosen, "compressed-tensors").text)["format"] == "pack-quantized"


def test_a_checkpoint_holds_what_fake_quantisation_makes(plan, model, tmp_path):
    chosen = plan(MIXED)
    out = tmp_path / "out"
    done = checkpoint.write(chosen.archive, chosen.formats, model.folder, out)
    assert done.layers == 12
    tensors = {}
    for shard in safetensors.shards(out):
        tensors |= dict(safetensors.read(out / shard))
    assert json.loads((out / "config.json").read_text())["quantization_config"]["config_groups"]
    assert (out / "tokenizer.json").exists() and not (tmp_path / "out.tmp").exists()
    assert set(json.loads((out / safetensors.INDEX).read_text())["weight_map"]) == set(tensors)
    for op, format_ in zip(chosen.archive.ops, chosen.formats, strict=True):
        if format_.name in rounding.LAYOUTS and rounding.LAYOUTS[format_.name].block:
            expected = llama.fake_quantised(chosen, model, op.module)
            assert_same(unpacked(tensors, op.module, format_.name), expected)
    same = "model.layers.0.mlp.gate_proj.weight"
    assert_same(tensors[same].single(), model.weights[same.removesuffix(".weight")])
    assert chosen.archive.ops[0].path == "layers.0.attention.q"
    assert (chosen.archive.operands[0].op, chosen.archive.operands[0].role) == (0, "activation")
    got = tensors["model.layers.0.self_attn.q_proj.input_global_scale"].values
    assert got == np.float32(2688) / np.float32(chosen.archive.maxima[0])
    assert tensors["model.layers.1.mlp.gate_proj.input_scale"].values.shape == (1,)
    assert tensors["model.layers.1.mlp.gate_proj.weight_scale"].values.shape == (llama.INNER, 1)


def assert_same(got, expected):
    assert got.dtype == expected.dtype == np.float32
    assert (got.view(np.uint32) == expected.view(np.uint32)).all()


def unpacked(tensors, module, name):
    """The weight by the definition of its format, one number after the other."""
    grid = rounding.LAYOUTS[name].element.values
    signed = np.concatenate([grid, -grid]).astype(np.float32)
    if name == "mxfp8_e4m3":
        codes = tensors[f"{module}.weight"].values
        signed = np.concatenate([grid, [np.nan], -grid, [np.nan]]).astype(np.float32)
    else:
        packed = tensors[f"{module}.weight_packed"].values
        codes = np.stack([packed & 15, packed >> 4], axis=2).reshape(len(packed), -1)
    scales = tensors[f"{module}.weight_scale"].values
    if name == "nvfp4":
        whole = tensors[f"{module}.weight_global_scale"].values[0]
        scales = rounding.E4M3.values.astype(np.float32)[scales] / whole
    else:
        scales = np.ldexp(np.float32(1), scales.astype(int) - 127)
    return signed[codes] * np.repeat(scales, rounding.LAYOUTS[name].block, axis=1)


def test_words_of_integers_are_offset_codes():
    values = np.array([[-7, 7, 0, 1, 2, 3, 4, 5, -1]], np.float32)
    low, high = packing.offset_words(values, 4).view(np.uint32)[0]
    assert (low, high) == (0xDCBA98F1, 0x7)


def test_codes_of_six_bits_fill_three_bytes():
    values = np.array([[0.125, -0.125, 7.5, 0]], np.float32)
    word = 1 | (33 << 6) | (31 << 12)
    assert packing.sixes(values).tolist() == [[word & 255, (word >> 8) & 255, word >> 16]]


def test_ops_that_share_a_scale_have_one_global_scale(plan, model, tmp_path):
    chosen = plan(dict.fromkeys(QKV, llama.format_named("nvfp4")))
    ops = [replace(op, fused=0 if op.path.endswith(QKV) else -1) for op in chosen.archive.ops]
    checkpoint.write(
        replace(chosen.archive, ops=ops), chosen.formats, model.folder, tmp_path / "out"
    )
    scales = set()
    for shard in safetensors.shards(tmp_path / "out"):
        for name, tensor in safetensors.read(tmp_path / "out" / shard):
            if name.startswith("model.layers.0") and name.endswith("weight_global_scale"):
                scales.add(float(tensor.values[0]))
    largest = max(model.maxima(f"model.layers.0.self_attn.{leaf}_proj").max() for leaf in "qkv")
    assert scales == {float(np.float32(2688) / largest)}


def test_nothing_half_written_stays(plan, model, tmp_path):
    chosen = plan(MIXED)
    other = llama.write_model(tmp_path / "other", layers=1)
    maxima = {place: found * 2 for place, found in chosen.archive.weight_maxima.items()}
    wrong = replace(chosen.archive, weight_maxima=maxima)
    for archive, folder, message in (
        (chosen.archive, other.folder, "it has no weights of model.layers.1"),
        (wrong, model.folder, "are not those of the archive"),
        (chosen.archive, tmp_path, "no readable config.json"),
    ):
        with pytest.raises(ArchiveError, match=message):
            checkpoint.write(archive, chosen.formats, folder, tmp_path / "out")
        assert {path.name for path in tmp_path.iterdir()} == {"other"}
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError, match="is there already"):
        checkpoint.write(chosen.archive, chosen.formats, model.folder, tmp_path / "out")


def test_modelopt_names_every_quantizer_and_nothing_else(plan):
    formats = MIXED | {"0.attention.qk": llama.format_named("fp8_e4m3")}
    text = said(plan(formats), "modelopt").text
    assert "&" not in text
    read = yaml.safe_load(text)
    assert read["quant_cfg"][0] == {"quantizer_name": "*", "enable": False}
    cfg = {entry["quantizer_name"]: entry["cfg"] for entry in read["quant_cfg"][1:]}
    assert cfg["model.layers.0.self_attn.q_proj.weight_quantizer"] == {
        "num_bits": [2, 1], "block_sizes": {-1: 16, "type": "dynamic", "scale_bits": [4, 3]},
    }  # fmt: skip
    assert cfg["model.layers.0.mlp.down_proj.weight_quantizer"] == {
        "num_bits": 4, "block_sizes": {-1: 64, "type": "static"},
    }  # fmt: skip
    assert "model.layers.0.mlp.down_proj.input_quantizer" not in cfg
    assert cfg["model.layers.0.self_attn.q_bmm_quantizer"] == {"num_bits": [4, 3], "axis": None}
    assert "model.layers.0.self_attn.k_bmm_quantizer" in cfg
    assert not [name for name in cfg if "lm_head" in name]


def test_autoround_has_all_layers(plan):
    read = json.loads(said(plan(MIXED), "autoround").text)
    assert len(read) == 15
    assert read["lm_head"]["bits"] == read["lm_head"]["act_bits"] == 16
    assert read["model.layers.1.self_attn.k_proj"] == {
        "bits": 4, "group_size": 16, "sym": True, "data_type": "nv_fp", "act_bits": 4,
        "act_group_size": 16, "act_sym": True, "act_data_type": "nv_fp4_with_static_gs",
        "act_dynamic": True,
    }  # fmt: skip


def test_the_command(cases, tmp_path, capsys):
    path = cases("no_time").path
    call = ["export", str(path), "--objective", "macs", "--threshold", "0.03"]
    assert main([*call, "--to", "plan"]) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "gainsweep plan"
    out = tmp_path / "recipe.json"
    assert main([*call, "--to", "compressed-tensors", "-o", str(out)]) == 2
    assert "compressed-tensors cannot say this plan" in capsys.readouterr().err
    assert not out.exists()
    assert main([*call, "--to", "compressed-tensors", "--nearest", "-o", str(out)]) == 0
    assert "ops stay high" in capsys.readouterr().err
    assert json.loads(out.read_text())["quant_method"] == "compressed-tensors"
    assert main([*call, "--to", "csv", "-o", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    within = ["export", str(cases("budgets").path), "--budget", "bits=10", "--to", "plan"]
    assert main(within) == 0
    assert json.loads(capsys.readouterr().out)["schema"] == "gainsweep plan"
    assert main([*within, "--objective", "macs"]) == 2
    assert "--budget names the plan alone" in capsys.readouterr().err
    assert main([*call, "--to", "modelopt", "--checkpoint", str(tmp_path / "x")]) == 2
