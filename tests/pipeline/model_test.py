"""What opening a model says and keeps, and commands that work from config.json alone."""

import json
import shutil

import h5py
import pytest


@pytest.fixture
def config_alone(material, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    shutil.copy(material / "checkpoints/good/config.json", folder)
    return folder


def units(program, spec):
    result = program("plan", spec, "--json")
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    stages = [(stage["stage"], stage["units"]) for stage in plan["stages"]]
    return {**{key: plan[key] for key in ("ops", "classes", "parameter_bytes")}, "stages": stages}


def test_check_and_plan_need_no_weights(program, write_spec, config_alone, tmp_path):
    spec = write_spec(model={"checkpoint": str(config_alone)})
    result = program("check", spec)
    assert result.returncode == 0, result.stderr
    assert f"{config_alone} has no weights: sizes are those of config.json" in result.stderr
    assert "10 ops" in result.stdout, result.stdout
    assert units(program, spec) == units(program, write_spec("good.yaml"))
    assert program("show", spec, "--graph", "model").returncode == 0
    message = program.refuses("run", spec, "--out", tmp_path / "out")
    assert f"{config_alone}: no weights" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_link_that_leads_nowhere(program, material, write_spec, tmp_path, name):
    folder = shutil.copytree(material / "checkpoints/good", tmp_path / "model")
    (folder / name).unlink()
    (folder / name).symlink_to("../../blobs/4f0c")
    message = program.refuses("check", write_spec(model={"checkpoint": str(folder)}))
    assert f"{folder / name} cannot be read (it is a link to ../../blobs/4f0c, which is" in message


def test_what_the_model_does_not_use_is_listed_once_and_kept(
    program, maker, write_spec, material, tmp_path
):
    folder = shutil.copytree(material / "checkpoints/good", tmp_path / "model")
    (folder / "config.json").write_bytes(maker.config(trained_by="us", bos_token_id=1))
    (folder / "model.safetensors").write_bytes(
        maker.weights_with({f"statistics.{i}": [2] for i in range(7)})
    )
    spec = write_spec(
        model={"checkpoint": str(folder)},
        sweep={"product": {"calibration.samples": [3, 4]}},
    )
    result = program("run", spec, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("1 key of config.json says nothing to a llama: 'trained_by'") == 1
    assert result.stderr.count("7 tensors are stored that the model does not read: ") == 1
    assert "'statistics.4' and 2 more" in result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as archive:
        about = archive["notes/about"].asstr()[()].tolist()
        texts = archive["notes/text"].asstr()[()].tolist()
        assert set(archive["notes/points"].asstr()[()]) == {"0-1"}
    assert about == ["trained_by", *(f"statistics.{i}" for i in range(7))]
    assert texts[0] == "1 key of config.json says nothing to a llama"
    new = tmp_path / "new.h5"
    solved = program("solve", tmp_path / "out/archive.h5", spec, "--out", new)
    assert solved.returncode == 0, solved.stderr
    with h5py.File(new) as archive:
        assert archive["notes/about"].asstr()[()].tolist() == about


def test_nothing_to_say_is_no_table(finished):
    with h5py.File(finished / "out/archive.h5") as archive:
        assert "notes" not in archive


@pytest.mark.parametrize(
    "scaling",
    [{"type": "linear", "factor": 2.0}, {"rope_type": "yarn", "factor": 2.0}],
)
def test_stretched_models_take_longer_texts(
    program, maker, write_spec, material, tmp_path, scaling
):
    folder = shutil.copytree(material / "checkpoints/good", tmp_path / "model")
    (folder / "config.json").write_bytes(maker.config(rope_scaling=scaling))
    spec = write_spec(
        model={"checkpoint": str(folder)}, calibration={"length": 40, "samples": 3},
        latency={"length": 64},
    )  # fmt: skip
    result = program("run", spec, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    longer = write_spec(
        "long.yaml", model={"checkpoint": str(folder)}, calibration={"length": 65, "samples": 3}
    )
    message = program.refuses("check", longer)
    assert "length 65 tokens exceeds the model's 64" in message
