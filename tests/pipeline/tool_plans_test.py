"""Plans go out as files of other tools and come back by evaluate.plans: the same assignments."""

import json

import gainsweep_analysis as analysis
import pytest
from conftest import merged, tiny_spec
from gainsweep_analysis import exports, recipes

LOW = ["int8", "fp8_e4m3"]
FILES = {"compressed-tensors": "theirs.json", "modelopt": "their.yaml"}


def spec_of(material, **changes):
    change = {
        "formats": {"low": LOW},
        "partition": {"fused": "all"},
        "solve": {"objectives": ["macs"], "strategies": ["ip"]},
        **changes,
    }
    return merged(tiny_spec(material), change)


def run(program, folder, spec):
    folder.mkdir(exist_ok=True)
    (folder / "spec.yaml").write_text(json.dumps(spec))
    done = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    return analysis.read(folder / "out")


@pytest.fixture(scope="module")
def solved(program, material, tmp_path_factory):
    return run(program, tmp_path_factory.mktemp("solved"), spec_of(material))


@pytest.fixture(scope="module")
def sent(solved, tmp_path_factory):
    """Files by tool, with the assignment that each says."""
    folder = tmp_path_factory.mktemp("sent")
    chosen = exports.choose(solved, "macs", 0.1, "ip")
    found = {}
    for tool, name in FILES.items():
        made = recipes.recipe(chosen, recipes.TARGETS[tool], True)  # its head is tied
        (folder / name).write_text(made.text)
        found[tool] = (folder / name, [solved.formats.index(format_) for format_ in made.formats])
    used = {solved.formats[place].name for place in found["modelopt"][1]}
    assert len(used) > 1, used
    return found


def test_they_come_back_as_they_went(program, material, sent, tmp_path):
    files = [str(path) for path, _ in sent.values()]
    spec = spec_of(material, evaluate={"plans": files, "strategies": []})
    given = {plan.name: plan for plan in run(program, tmp_path, spec).given}
    for path, assignment in sent.values():
        assert given[path.stem].assignment.tolist() == assignment


def test_a_whole_config_json_is_read(program, material, sent, tmp_path):
    path, _ = sent["compressed-tensors"]
    whole = {"model_type": "llama", "quantization_config": json.loads(path.read_text())}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    spec = spec_of(material, evaluate={"plans": [str(tmp_path / "config.json")]})
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    assert program("check", tmp_path / "spec.yaml").returncode == 0


def test_a_format_that_the_run_lacks_is_named(program, material, sent, tmp_path):
    path, assignment = sent["modelopt"]
    used = {LOW[place - 1] for place in assignment if place}
    others = [name for name in (*LOW, "fp8_e5m2") if name not in used] or ["fp8_e5m2"]
    spec = spec_of(material, evaluate={"plans": [str(path)]})
    spec["formats"] = {"high": "bf16", "low": others}
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    said = program.refuses("check", tmp_path / "spec.yaml")
    assert f"{path}: layers.0." in said and "which no format of this run is" in said


def test_a_plan_of_another_model_is_named(program, material, sent, tmp_path):
    text = sent["compressed-tensors"][0].read_text()
    (tmp_path / "deep.json").write_text(text.replace(".layers.0.", ".layers.7."))
    spec = spec_of(material, evaluate={"plans": [str(tmp_path / "deep.json")]})
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    said = program.refuses("check", tmp_path / "spec.yaml")
    assert "which is no module of this model's checkpoint" in said
