"""The nearest plan that a file can say: what it is worth, by the archive's tables."""

import json
import math
from dataclasses import replace

import pytest
from gainsweep_analysis import exports, recipes
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.recipes import repair
from gainsweep_analysis.seal import ArchiveError

SPLIT = ("formats", "macs", 3e-2)  # several formats in the fused groups of its plan
TARGET = recipes.TARGETS["compressed-tensors"]


def chosen_of(cases, name, objective, tau):
    return exports.choose(cases(name).archive, objective, tau, None)


@pytest.mark.parametrize("name", ["formats", "no_time", "whole"])
@pytest.mark.parametrize("objective", ["macs", "memory"])
def test_it_knows_what_the_program_predicted(cases, name, objective):
    archive = cases(name).archive
    plans = archive.plans[objective, "ip"]
    for place in range(len(plans.threshold)):
        chosen = exports.Chosen(archive, plans, place)
        found = repair.worth(chosen, chosen.formats)
        assert found.gain == plans.gain[place, 0]
        assert found.loss_error == pytest.approx(plans.loss_error[place, 0], rel=1e-12)
        assert found.tau == pytest.approx(chosen.row.predicted_tau, rel=1e-9)


@pytest.mark.parametrize("name", ["formats", "no_time"])  # first_order and bias
def test_what_the_nearest_plan_is_worth_is_what_a_run_predicts_of_it(cases, name):
    run = cases(name).run
    chosen = chosen_of(cases, name, "macs", 3e-2)
    archive = chosen.archive
    made = recipes.recipe(chosen, TARGET, True)
    assignment = [archive.formats.index(format_) for format_ in made.formats]
    assert assignment != list(chosen.row.assignment)
    assert all(new in (0, old) for new, old in zip(assignment, chosen.row.assignment, strict=True))
    found = repair.worth(chosen, made.formats)
    total = run.loss_error(assignment)
    assert found.loss_error == pytest.approx(total, rel=1e-12)
    assert found.tau == pytest.approx(run.predicted_tau(total), rel=1e-9)
    assert found.gain == run.gain_of("macs", assignment)
    assert found.loss_error <= chosen.plans.budget[chosen.place]


def test_splits_are_rounded_up_and_nothing_else_changes(cases):
    chosen = chosen_of(cases, *SPLIT)
    archive = chosen.archive
    made = recipes.recipe(chosen, TARGET, True)
    by_path = {op.path: (old.name, new.name) for op, old, new in
               zip(archive.ops, chosen.formats, made.formats, strict=True)}  # fmt: skip
    groups = [[f"layers.{n}.{leaf}" for leaf in leaves] for n in range(2)
              for leaves in (("attention.q", "attention.k", "attention.v"),
                             ("mlp.gate", "mlp.up"))]  # fmt: skip
    unsaid = {format_.name for format_ in archive.formats if TARGET.abilities.obstacle(format_)}
    for path, (old, new) in by_path.items():
        group = next((g for g in groups if path in g), [path])
        is_split = len({by_path[each][0] for each in group}) > 1
        is_product = path.endswith((".qk", ".av"))
        stays = is_split or is_product or old in unsaid
        assert new == ("bf16" if stays else old), path


def test_a_refusal_names_ops_and_says_what_the_nearest_plan_is_worth(cases):
    chosen = chosen_of(cases, *SPLIT)
    with pytest.raises(ArchiveError) as refused:
        recipes.recipe(chosen, TARGET, False)
    lines = str(refused.value).splitlines()
    assert "products of two activations" in str(refused.value)
    (stays,) = [line for line in lines if "ops stay high: layers." in line]
    assert "layers.0.attention.qk" in stays
    (predicted,) = [line for line in lines if line.startswith("  predicted: loss error τ ")]
    assert " %, gain " in predicted and " MMAC, sum of loss errors " in predicted
    assert lines[-1].startswith("  its loss errors are ") and "within the budget of" in lines[-1]


def test_a_plan_within_a_budget_of_bits_says_when_it_takes_more(cases):
    archive = cases("budgets").archive
    chosen = exports.choose_within(archive, "bits", 10.0)
    made = recipes.recipe(chosen, TARGET, True)
    found = repair.worth(chosen, made.formats)
    weights = [op.weight_elements for op in archive.ops]
    bits = [number.weight.bits if size else 0 for number, size in
            zip(made.formats, weights, strict=True)]  # fmt: skip
    elements = math.fsum(b * size for b, size in zip(bits, weights, strict=True)) / sum(weights)
    assert found.taken == pytest.approx(elements, rel=0.05), "but for the scales"
    if made.changes:
        word = "within" if found.taken <= 10.0 * (1 + 1e-9) else "MORE than"
        assert f"{word} the budget of 10" in made.changes[-1]


def test_rates_of_bias_are_the_chosen_plans_own(cases):
    chosen = chosen_of(cases, "no_time", "macs", 3e-2)
    plans = replace(chosen.plans, predicted_mse=chosen.plans.loss_error.copy())
    first_order = exports.Chosen(chosen.archive, plans, chosen.place)
    found = repair.worth(first_order, chosen.formats)
    expected = math.sqrt(found.loss_error / chosen.archive.mean_square_loss)
    assert found.tau == pytest.approx(expected, rel=1e-12)


def test_the_command_says_before_and_after(cases, tmp_path, capsys):
    name, objective, tau = SPLIT
    call = ["export", str(cases(name).path), "--objective", objective, "--threshold", str(tau)]
    call += ["--to", "compressed-tensors"]
    out = tmp_path / "recipe.json"
    assert main([*call, "-o", str(out)]) == 2
    assert not out.exists()
    capsys.readouterr()
    assert main([*call, "--nearest", "-o", str(out)]) == 0
    lines = [line.removeprefix("gainsweep_analysis: ")
             for line in capsys.readouterr().err.splitlines()]  # fmt: skip
    assert lines[0].startswith("the optimal plan for macs at an allowed loss error τ of 3.00 %: ")
    assert " ops lowered, predicted loss error τ " in lines[0]
    assert " ops stay high: " in lines[1] and lines[2].startswith("predicted: loss error τ ")
    assert lines[-1].startswith("use: the quantization_config of config.json")
    assert json.loads(out.read_text())["quant_method"] == "compressed-tensors"
    assert main([*call[:-1], "plan", "--nearest"]) == 2
    assert "Leave --nearest and --flavour out" in capsys.readouterr().err
