"""Plans of files beside the run's own: evaluate.plans."""

import json

import h5py
import numpy as np
import pytest
from conftest import SOURCE, is_identical, merged, parts, tiny_spec
from gainsweep_analysis import archive as analysis
from gainsweep_analysis import exports
from points import point_differences

LAYER = "model.layers.0."
OPS = {  # module by path; none for products of activations
    "layers.0.attention.q": LAYER + "self_attn.q_proj",
    "layers.0.attention.k": LAYER + "self_attn.k_proj",
    "layers.0.attention.v": LAYER + "self_attn.v_proj",
    "layers.0.attention.qk": None,
    "layers.0.attention.av": None,
    "layers.0.attention.o": LAYER + "self_attn.o_proj",
    "layers.0.mlp.gate": LAYER + "mlp.gate_proj",
    "layers.0.mlp.up": LAYER + "mlp.up_proj",
    "layers.0.mlp.down": LAYER + "mlp.down_proj",
    "lm_head": None,
}


def formats(low, high="bf16"):
    """Of all ops by path: those whose last name is in `low` in int8."""
    return {path: "int8" if path.split(".")[-1] in low else high for path in OPS}


def write_plan(path, assignment, **keys):
    plan = {"schema": "gainsweep plan", "schema_version": 1, **keys, "assignment": assignment}
    path.write_text(json.dumps(plan))
    return path


@pytest.fixture(scope="module")
def plans(tmp_path_factory, finished):
    """Files by what they are; `exported` is the run's own plan of the largest threshold."""
    folder = tmp_path_factory.mktemp("plans")
    found = analysis.read(finished / "out/archive.h5")
    chosen = exports.choose(found, "macs", 0.1, "ip")
    assert chosen.row.assignment.any()
    (folder / "exported.json").write_text(exports.json_text(chosen))
    by_module = {OPS[path] or path: name for path, name in formats({"gate", "down", "q"}).items()}
    write_plan(folder / "others.json", by_module, name="of others, 4 bits")
    write_plan(folder / "again.json", formats({"gate", "down", "q"}))
    write_plan(folder / "high.json", formats({}))
    return folder


def changes(plans, *names, **evaluate):
    files = [str(plans / f"{name}.json") for name in names]
    return {"evaluate": {"plans": files, **evaluate}}


def run(program, material, folder, change, ranks=1):
    folder.mkdir(exist_ok=True)
    spec = folder / "spec.yaml"
    spec.write_text(json.dumps(merged(tiny_spec(material), change)))
    done = program("run", spec, "--out", folder / "out", ranks=ranks)
    assert done.returncode == 0, done.stderr
    return done


ALL = ("exported", "others", "again", "high")


@pytest.fixture(scope="module")
def given(program, material, plans, tmp_path_factory):
    """A run that evaluates plans of files alone."""
    folder = tmp_path_factory.mktemp("given")
    run(program, material, folder, changes(plans, *ALL, strategies=[]))
    return folder


def table(file, path):
    columns = {name: values for name, values in file[path].items() if name != "points"}
    return {
        name: values.asstr()[()] if h5py.check_string_dtype(values.dtype) else values[()]
        for name, values in columns.items()
    }


def test_the_archive_has_them_by_name(given, plans):
    with h5py.File(given / "out/archive.h5") as file:
        rows = table(file, "given_plans")
        names = file["formats/name"].asstr()[()]
    assert rows["name"].tolist() == ["exported", "of others, 4 bits", "again", "high"]
    assert rows["file"].tolist() == [str(plans / f"{name}.json") for name in ALL]
    others, again, high = rows["assignment"][1:]
    wanted = list(formats({"gate", "down", "q"}).values())
    assert names[others].tolist() == names[again].tolist() == wanted
    assert rows["assignment_key"][1] == rows["assignment_key"][2]
    assert not high.any()


def test_equal_assignments_are_evaluated_once(given):
    with h5py.File(given / "out/archive.h5") as file:
        rows = table(file, "evaluations/losses")
        keys = table(file, "given_plans")["assignment_key"]
    assert len(rows["assignment_key"]) == 3, "all-high, exported, others"
    assert set(rows["assignment_key"]) == set(keys)
    assert not rows["assignment"][0].any()


def test_an_exported_plan_is_measured_as_the_run_itself_did(given, finished):
    with (
        h5py.File(given / "out/archive.h5") as file,
        h5py.File(finished / "out/archive.h5") as own,
    ):
        key = table(file, "given_plans")["assignment_key"][0]
        sides = [table(side, "evaluations/losses") for side in (file, own)]
        rows = [list(side["assignment_key"]).index(key) for side in sides]
        for name in ("loss", "entropy", "spread", "divergence", "tilt"):
            values = [side[name][row] for side, row in zip(sides, rows, strict=True)]
            assert np.array_equal(*values), name
        made = table(own, "plans/macs/ip")
        place = list(made["threshold"]).index(0.1)
        predicted = table(file, "given_plans")
        for name in ("loss_error", "predicted_mse", "predicted_bias"):
            assert predicted[name][0] == pytest.approx(made[name][place, 0], rel=1e-12)
        for name in ("predicted_low", "predicted_high"):
            assert predicted[name][0] == made[name][place, 0]
        assert table(file, "given_gains/macs")["gain"][0] == made["gain"][place, 0]


def test_predictions_and_gains_are_sums(given):
    with h5py.File(given / "out/archive.h5") as file:
        rows = table(file, "given_plans")
        errors = file["loss_errors/empirical"][()]
        for assignment, found in zip(rows["assignment"], rows["loss_error"], strict=True):
            total = errors[np.arange(len(assignment)), assignment].sum()
            assert found == pytest.approx(total, rel=1e-12)
        macs = file["ops/macs"][()]
        gains = table(file, "given_gains/macs")
        assert gains["name"].tolist() == rows["name"].tolist()
        for assignment, gain in zip(rows["assignment"], gains["gain"], strict=True):
            assert gain == (macs * (assignment > 0) // 2).sum()


@pytest.mark.parametrize("ranks", [2, 4])
def test_any_number_of_ranks_gives_the_same_archive(
    program, material, plans, given, ranks, tmp_path
):
    run(program, material, tmp_path, changes(plans, *ALL, strategies=[]), ranks)
    same, differences = is_identical(program, given / "out", tmp_path / "out")
    assert same, differences


def test_a_plan_of_another_name_is_not_evaluated_again(program, material, plans, tmp_path):
    run(program, material, tmp_path, changes(plans, "others"))
    before = parts(tmp_path / "out")
    done = run(program, material, tmp_path, changes(plans, "again"))
    assert "units/s" not in done.stderr and parts(tmp_path / "out") == before
    with h5py.File(tmp_path / "out/archive.h5") as file:
        assert table(file, "given_plans")["name"].tolist() == ["again"]


def test_sweeps_vary_them(program, material, plans, tmp_path):
    lists = [[str(plans / f"{name}.json")] for name in ("others", "exported")]
    change = {"sweep": {"product": {"evaluate.plans": [[], *lists]}}}
    run(program, material, tmp_path / "swept", change)
    path = tmp_path / "swept/out/archive.h5"
    with h5py.File(path) as file:
        assert len(file["scores/unit_key"]) == 6, "points share them"
    sweep = analysis.read_sweep(path)
    run(program, material, tmp_path / "alone", changes(plans, "exported"))
    assert not point_differences(path, 2, tmp_path / "alone/out/archive.h5")
    assert len(sweep.points) == 3


def test_planning_counts_them(program, material, plans, tmp_path):
    spec = tmp_path / "spec.yaml"

    def most_units(change):
        spec.write_text(json.dumps(merged(tiny_spec(material), change)))
        stages = json.loads(program("plan", spec, "--json").stdout)["stages"]
        return next(stage["may_come"] for stage in stages if stage["stage"] == "planning")

    none = most_units({"evaluate": {"strategies": []}})
    assert most_units(changes(plans, strategies=[])) == none
    # All-high and two plans, both of them at the next scales too.
    assert most_units(changes(plans, *ALL, strategies=[])) == none + 5
    assert most_units(changes(plans, *ALL, strategies=[], chunk=1)) == none + 15


def test_solving_keeps_them(program, given, tmp_path):
    path, new = given / "out/archive.h5", tmp_path / "new.h5"
    done = program("solve", path, given / "spec.yaml", "--out", new)
    assert done.returncode == 0, done.stderr
    assert program("diff", path, new).returncode == 0
    spec = json.loads((given / "spec.yaml").read_text())
    spec["evaluate"]["plans"] = [spec["evaluate"]["plans"][1]]
    spec["solve"]["noise"] = "paper"
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    done = program("solve", path, tmp_path / "spec.yaml", "--out", tmp_path / "paper.h5")
    assert done.returncode == 0, done.stderr
    with h5py.File(path) as before, h5py.File(tmp_path / "paper.h5") as after:
        assert table(after, "given_plans")["name"].tolist() == ["of others, 4 bits"]
        errors = [table(file, "given_plans")["loss_error"] for file in (before, after)]
        assert errors[1][0] != errors[0][1], "of the noise that was asked for"


def test_solving_reads_no_files(program, given, plans, tmp_path):
    spec = json.loads((given / "spec.yaml").read_text())
    other = write_plan(tmp_path / "other.json", formats({"o"}))
    spec["evaluate"]["plans"] = [str(other)]
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    path = given / "out/archive.h5"
    said = program.refuses("solve", path, tmp_path / "spec.yaml", "--out", tmp_path / "new.h5")
    assert f"evaluate.plans names {other}, which the archive's run did not read" in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3}, "wrong.json: schema_version is not 1"),
        ({"default": "bf16"}, "wrong.json: unknown key 'default'"),
        ({"assignment": formats({"x"}) | {"lm_heads": "int8"}}, "Did you mean 'lm_head'?"),
        ({"assignment": formats({"q"}, high="fp16")}, "is 'fp16', which is no format of this run "
         "(formats.high and formats.low have bf16, int8)"),
        ({"assignment": {"lm_head": "int8"}}, "wrong.json: assignment lacks layers.0.attention.q, "
         "layers.0.attention.k, layers.0.attention.v, layers.0.attention.qk and 5 more of the "
         "model's 10 ops (an absent op never means a default)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_wrong_files_are_refused(program, material, tmp_path, command, change, message):
    path = write_plan(tmp_path / "wrong.json", formats({"q"}))
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(merged(tiny_spec(material), {"evaluate": {"plans": [str(path)]}})))
    arguments = [command, spec] + (["--out", tmp_path / "out"] if command == "run" else [])
    assert message in program.refuses(*arguments)


def test_plans_are_told_apart_by_name(program, material, plans, tmp_path):
    twin = write_plan(tmp_path / "others.json", formats({"o"}), name="again")
    spec = tmp_path / "spec.yaml"
    change = {"evaluate": {"plans": [str(plans / "again.json"), str(twin)]}}
    spec.write_text(json.dumps(merged(tiny_spec(material), change)))
    said = program.refuses("check", spec)
    assert f"{plans / 'again.json'} and {twin} are both called 'again'" in said


def test_a_plan_of_another_model_is_refused(program, material, tmp_path):
    path = write_plan(tmp_path / "wrong.json", formats({"q"}), model_digest="a" * 64)
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(merged(tiny_spec(material), {"evaluate": {"plans": [str(path)]}})))
    assert program("check", spec).returncode == 0, "it reads no weights"
    for ranks in (1, 2):
        done = program("run", spec, "--out", tmp_path / "out", ranks=ranks)
        assert done.returncode == 2, done.stderr
        assert f"{path}: model_digest is 'aaaaaaaa'" in done.stderr
        assert "the plan was made for another model" in done.stderr


def test_ties_hold_for_them_too(program, material, tmp_path):
    path = write_plan(tmp_path / "split.json", formats({"q", "k"}))
    change = {"evaluate": {"plans": [str(path)]}, "partition": {"fused": "qkv"}}
    spec = tmp_path / "spec.yaml"
    spec.write_text(json.dumps(merged(tiny_spec(material), change)))
    said = program.refuses("check", spec)
    assert (
        "assignment.layers.0.attention.q is int8 and assignment.layers.0.attention.v is bf16"
        in said
    )
    assert "partition.tie or partition.fused" in said


LENGTH, CALIBRATED, EVALUATED = 32, 2, 4


def fp8(values, torch):
    """Rounded to fp8_e4m3 at the scale of their largest magnitude."""
    scale = values.abs().max() / 448
    return (values / scale).clamp(-448, 448).to(torch.float8_e4m3fn).float() * scale


def round_linear(model, torch, lowered):
    """Rounds the weights of the named layers and, from now on, what they read."""
    for name, module in model.named_modules():
        if name in lowered:
            module.weight.data = fp8(module.weight.data, torch)
            module.register_forward_pre_hook(lambda _, args: (fp8(args[0], torch),))


def test_divergence_is_that_of_transformers(program, tmp_path):
    """The plan by module names, its KL against torch's own on the same model and tokens."""
    torch, transformers = (pytest.importorskip(name) for name in ("torch", "transformers"))
    folder = SOURCE / "configs/models/embedded"
    spec = {
        "schema": 2,
        "name": "kl",
        "model": {"checkpoint": str(folder)},
        "calibration": {
            "tokens": str(SOURCE / "configs/data/embedded.h5"),
            "samples": CALIBRATED,
            "length": LENGTH,
        },
        "formats": {"high": "fp32", "low": ["fp8_e4m3"], "fp8_e4m3": {"scale": "dynamic"}},
        "sensitivity": {"anchor_samples": 0},
        "solve": {"objectives": ["macs"], "thresholds": [1e-3], "strategies": ["ip"]},
        "evaluate": {
            "samples": EVALUATED,
            "strategies": [],
            "plans": [str(tmp_path / "plan.json")],
        },
    }
    with torch.no_grad():
        model = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        linear = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
        # Of the last layer alone: the last bits of what enters it decide few roundings.
        last = f"model.layers.{model.config.num_hidden_layers - 1}."
        lowered = [name for name in linear if name.startswith(last)]
        assignment = {name: "fp8_e4m3" if name in lowered else "fp32" for name in linear}
        for layer in range(model.config.num_hidden_layers):
            for product in ("qk", "av"):
                assignment[f"layers.{layer}.attention.{product}"] = "fp32"
        write_plan(tmp_path / "plan.json", assignment)
        (tmp_path / "spec.yaml").write_text(json.dumps(spec))
        done = program("run", tmp_path / "spec.yaml", "--out", tmp_path / "out")
        assert done.returncode == 0, done.stderr

        with h5py.File(SOURCE / "configs/data/embedded.h5") as file:
            tokens = file["tokens"][()].astype(np.int64)
        samples = [
            torch.from_numpy(tokens[first : first + LENGTH + 1])
            for first in LENGTH * np.arange(CALIBRATED, CALIBRATED + EVALUATED)
        ]

        def predictions():
            return [model(s[None, :-1]).logits[0].double().log_softmax(-1) for s in samples]

        high = predictions()
        round_linear(model, torch, lowered)
        low = predictions()
    wanted = [(p.exp() * (p - q)).sum(-1).mean().item() for p, q in zip(high, low, strict=True)]
    losses = [
        -q[torch.arange(LENGTH), s[1:]].mean().item() for q, s in zip(low, samples, strict=True)
    ]
    found = analysis.read(tmp_path / "out/archive.h5")
    with h5py.File(tmp_path / "out/archive.h5") as file:
        key = table(file, "given_plans")["assignment_key"][0]
    evaluation = found.evaluations[key]
    assert evaluation.divergence == pytest.approx(wanted, rel=1e-2)
    assert evaluation.loss == pytest.approx(losses, abs=1e-3)
