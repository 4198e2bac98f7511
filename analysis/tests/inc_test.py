"""Plans as INC's files for Gaudi: by the rules that INC decides by, each op as the plan has it."""

import json
import re
from dataclasses import replace

import llama
import pytest
from gainsweep_analysis import recipes
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.recipes import inc
from gainsweep_analysis.seal import ArchiveError

GAUDI2 = llama.gaudi_format()
QKV = ("attention.q", "attention.k", "attention.v")
VLLM_TYPES = {"qkv_proj": "QKVParallelLinear", "gate_up_proj": "MergedColumnParallelLinear",
              "lm_head": "ParallelLMHead"}  # fmt: skip
# Whole groups, but for q, k and v of layer 1; layers 10 and 11 begin with the number of layer 1.
PLAN = {
    **{f"layers.{n}.{op}": GAUDI2 for n in (0, 2, 10, 11) for op in QKV},
    "attention.o": GAUDI2,
    "4.attention.qk": GAUDI2,
    "4.attention.av": GAUDI2,
    **{f"layers.{n}.mlp.{op}": GAUDI2 for n in (1, 3) for op in ("gate", "up")},
    "10.mlp.down": GAUDI2,
    "11.mlp.down": GAUDI2,
}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return llama.write_model(tmp_path_factory.mktemp("model") / "llama", layers=12)


@pytest.fixture
def plan(cases, model):
    return lambda formats: llama.plan(cases("twelve").archive, model, formats)


def said(chosen, flavour, nearest=False):
    return recipes.recipe(chosen, recipes.named("inc", flavour), nearest)


def module(op, flavour):
    """By hand: the type and the name of an op's module."""
    section, _, leaf = op.path.rpartition(".")
    section = section.replace("attention", "self_attn")
    if op.kind == "matmul":
        between = "attn.impl." if flavour == "vllm" else ""
        return "Matmul", f"model.{section}.{between}matmul_{leaf}"
    if op.path == "lm_head":
        return ("ParallelLMHead" if flavour == "vllm" else "Linear"), "lm_head"
    if flavour == "optimum":
        return "Linear", f"model.{section}.{leaf}_proj"
    name = {"q": "qkv", "k": "qkv", "v": "qkv", "gate": "gate_up", "up": "gate_up"}.get(leaf, leaf)
    return VLLM_TYPES.get(f"{name}_proj", "RowParallelLinear"), f"model.{section}.{name}_proj"


def quantises(config, kind, name):
    """INC's own decision."""

    def hit(entry):
        return kind in entry["types"] or any(re.search(each, name) for each in entry["names"])

    allowed = config["allowlist"]
    return (hit(allowed) or not (allowed["types"] or allowed["names"])) and not hit(
        config["blocklist"]
    )


@pytest.mark.parametrize("flavour", ["optimum", "vllm"])
def test_every_op_is_quantised_as_the_plan_says(plan, flavour):
    chosen = plan(PLAN)
    config = json.loads(said(chosen, flavour).text)
    for op, format_ in zip(chosen.archive.ops, chosen.formats, strict=True):
        kind, name = module(op, flavour)
        for prefix in ("", "model."):
            assert quantises(config, kind, prefix + name) == (format_ == GAUDI2), op.path
    assert len(set(config["blocklist"]["names"])) == len(config["blocklist"]["names"])
    assert not quantises(config, "Linear", "model.layers.1.mlp.router"), "what is no op stays high"
    for kind in ("KVCache", "VLLMKVCache", "Softmax", "ModuleFusedSDPA"):
        assert not quantises(config, kind, "model.layers.4.self_attn.k_cache")


def test_names_of_layer_1_do_not_name_layer_10(plan):
    config = json.loads(said(plan(PLAN), "vllm").text)
    names = [f"model.layers.{n}.mlp.down_proj" for n in (1, 10, 11)]
    assert [quantises(config, "RowParallelLinear", name) for name in names] == [False, True, True]
    assert r"^(.*\.)?model\.layers\.1\.mlp\.down_proj$" in config["blocklist"]["names"]


def test_the_files_have_these_keys(plan):
    made = said(plan(PLAN), "vllm")
    quantize, measure = json.loads(made.text), json.loads(made.files[inc.MEASURE])
    lists = {key: quantize.pop(key) for key in ("allowlist", "blocklist")}
    assert set(lists["allowlist"]) == set(lists["blocklist"]) == {"types", "names"}
    stats = {"dump_stats_path": "./stats/" + "m" * 12}
    common = {"observer": "maxabs", "fp8_config": "E4M3", "hp_dtype": "bf16",
              "measure_exclude": "OUTPUT", **stats}  # fmt: skip
    assert quantize == common | {
        "mode": "QUANTIZE", "scale_method": "maxabs_hw", "scale_format": "const",
        "scale_params": {"input_backoff": 0.25, "weight_backoff": 0.5},
        "device_for_scales": "GAUDI2",
    }  # fmt: skip
    empty = {"types": [], "names": []}
    assert measure == common | {"mode": "MEASURE", "allowlist": empty, "blocklist": empty}


def test_products_are_a_blocked_type_where_all_stay_high(plan):
    for formats, blocked in (({"attention.o": GAUDI2}, True), (PLAN, False)):
        types = json.loads(said(plan(formats), "vllm").text)["blocklist"]["types"]
        assert ("Matmul" in types) == blocked
        assert {"VLLMKVCache", "Softmax", "ModuleFusedSDPA", "B2BMatmul"} <= set(types)


@pytest.mark.parametrize(("format_", "method", "fp8", "device"), [
    (llama.gaudi_format(), "maxabs_hw", "E4M3", "GAUDI2"),
    (llama.gaudi_format("fp8_e4m3", ("gaudi3", "gaudi3")), "maxabs_hw", "E4M3", "GAUDI3"),
    (llama.gaudi_format(grids=("power_of_two", "power_of_two")), "maxabs_pow2", "E4M3", "GAUDI2"),
    (llama.gaudi_format("fp8_e5m2", ("arbitrary", "arbitrary")), "maxabs_arbitrary", "E5M2", None),
    (llama.gaudi_format(grids=("gaudi2", "power_of_two"), granularity="channel"),
     "act_maxabs_hw_weights_pcs_maxabs_pow2", "E4M3", "GAUDI2"),
    (llama.gaudi_format(grids=("power_of_two", "power_of_two"), granularity="channel"),
     "act_maxabs_pow2_weights_pcs_maxabs_pow2", "E4M3", "GAUDI2"),
])  # fmt: skip
def test_the_scale_method_is_the_plans_rule(plan, format_, method, fp8, device):
    config = json.loads(said(plan({"attention.o": format_}), "optimum").text)
    assert config["scale_method"] == method
    assert config["fp8_config"] == fp8
    assert config.get("device_for_scales") == device


DYNAMIC = replace(GAUDI2, activation=replace(GAUDI2.activation, scale="dynamic"))


@pytest.mark.parametrize(("formats", "flavour", "message"), [
    ({"attention.o": llama.format_named("int8")}, "optimum", "int8: a Gaudi runs no int8"),
    ({"attention.o": llama.format_named("w4a16_g64")}, "vllm", "weights alone are low"),
    ({"attention.o": llama.gaudi_format(backoffs=(1.0, 1.0))}, "vllm",
     "solve with backoff: {activation: 0.25, weight: 0.5}"),
    ({"attention.o": llama.gaudi_format(grids=("arbitrary", "gaudi2"))}, "vllm",
     "no scale_method that makes scales of activations by arbitrary and of weights by gaudi2"),
    ({"attention.o": llama.gaudi_format("fp8_e5m2", ("gaudi3", "gaudi3"))}, "vllm",
     "no scale_method that makes"),
    ({"attention.o": DYNAMIC}, "vllm", "solve with scale: static"),
    ({"attention.o": GAUDI2, "mlp.down": llama.gaudi_format("fp8_e5m2", ("arbitrary",) * 2)},
     "vllm", "one fp8 format and one rule of scales, and the plan has fp8_e4m3_gaudi2 beside "
     "fp8_e5m2: layers.0.attention.o"),
    ({"3.attention.q": GAUDI2, "3.attention.k": GAUDI2}, "vllm",
     "this plan gives them fp8_e4m3_gaudi2, bf16: layers.3.attention.q, layers.3.attention.k, "
     "layers.3.attention.v. Solve again with partition.fused"),
    ({"lm_head": GAUDI2, "x": GAUDI2}, "vllm", ""),
    ({}, "vllm", "the plan lowers nothing"),
])  # fmt: skip
def test_what_it_cannot_say_is_refused(plan, formats, flavour, message):
    if not message:
        assert said(plan(formats), flavour)
        return
    with pytest.raises(ArchiveError) as refused:
        said(plan(formats), flavour)
    assert message in str(refused.value)


def test_optimum_runs_q_k_and_v_apart(plan):
    formats = {"3.attention.q": GAUDI2, "3.attention.k": GAUDI2}
    config = json.loads(said(plan(formats), "optimum").text)
    names = [f"model.layers.3.self_attn.{leaf}_proj" for leaf in "qkv"]
    assert [quantises(config, "Linear", name) for name in names] == [True, True, False]


def test_int8_stays_high_in_the_nearest_plan(plan):
    formats = {"attention.o": GAUDI2, "mlp.down": llama.format_named("int8")}
    made = said(plan(formats), "vllm", nearest=True)
    config = json.loads(made.text)
    assert made.changes[0].startswith("12 ops stay high: layers.0.mlp.down, ")
    assert not quantises(config, "RowParallelLinear", "model.layers.0.mlp.down_proj")
    assert quantises(config, "RowParallelLinear", "model.layers.0.self_attn.o_proj")


def test_a_tied_head_stays_high(plan):
    chosen = plan({"lm_head": GAUDI2, "attention.o": GAUDI2})
    ops = [replace(op, weight_shared=op.path == "lm_head") for op in chosen.archive.ops]
    chosen = replace(chosen, archive=replace(chosen.archive, ops=ops))
    with pytest.raises(ArchiveError, match=r"a tied embedding\): lm_head"):
        said(chosen, "vllm")
    config = json.loads(said(chosen, "vllm", nearest=True).text)
    assert not quantises(config, "ParallelLMHead", "lm_head")


def test_an_op_without_a_name_cannot_be_kept_high(plan):
    chosen = plan({"attention.o": GAUDI2})
    ops = [replace(op, module="" if op.path == "lm_head" else op.module)
           for op in chosen.archive.ops]  # fmt: skip
    with pytest.raises(ArchiveError, match="lm_head: INC quantises what no name keeps high"):
        said(replace(chosen, archive=replace(chosen.archive, ops=ops)), "vllm")


def test_the_command(cases, tmp_path, capsys):
    call = ["export", str(cases("twelve").path), "--threshold", "0.03", "--to", "inc"]
    out = tmp_path / "gaudi.json"
    assert main([*call, "-o", str(out)]) == 2
    assert "Name one by --flavour (optimum, vllm)" in capsys.readouterr().err
    assert main([*call, "--flavour", "vllm", "-o", str(out)]) == 2
    assert "a Gaudi runs no int8" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    other = ["export", str(cases("twelve").path), "--threshold", "0.03", "--flavour", "vllm"]
    assert main([*other, "--to", "modelopt"]) == 2
    assert "has no flavours" in capsys.readouterr().err
    assert main([*other, "--to", "plan"]) == 2


def test_the_command_writes_two_files_or_none(cases, plan, tmp_path, capsys, monkeypatch):
    chosen = plan(PLAN)
    monkeypatch.setattr("gainsweep_analysis.__main__.chosen_plan", lambda *_: chosen)
    call = ["export", str(cases("twelve").path), "--threshold", "0.03"]
    call += ["--to", "inc", "--flavour", "vllm"]
    out, measure = tmp_path / "gaudi.json", tmp_path / "gaudi.measure.json"
    assert main(call) == 2
    assert "writes 2 files" in capsys.readouterr().err
    measure.write_text("mine")
    assert main([*call, "-o", str(out)]) == 2
    assert not out.exists() and measure.read_text() == "mine"
    measure.unlink()
    assert main([*call, "-o", str(out)]) == 0
    assert json.loads(out.read_text())["mode"] == "QUANTIZE"
    assert json.loads(measure.read_text())["mode"] == "MEASURE"
    said_of_it = capsys.readouterr().err
    assert f"use: QUANT_CONFIG={measure} vllm serve" in said_of_it
    assert f"then QUANT_CONFIG={out} vllm serve" in said_of_it
