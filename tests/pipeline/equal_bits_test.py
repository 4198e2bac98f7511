"""experiments/equal_bits: what plans take, the exact knapsack, plans by hand and by chance."""

import itertools
import sys

import numpy as np
import pytest
from conftest import SOURCE

sys.path.insert(0, str(SOURCE / "experiments/equal_bits"))
pytest.importorskip("torch")
pytest.importorskip("safetensors")

from bits import layer_bits, mean_bits
from by_rule import by_chance, by_hand
from knapsack import Choices, Solver
from models import Layer, groups
from settings import BUDGETS, HIGH, MENUS


def block(place):
    name = f"model.layers.{place}"
    sizes = {"q": (64, 64), "k": (32, 64), "v": (32, 64), "o": (64, 64)}
    attention = [Layer(f"{name}.self_attn.{part}_proj", *size) for part, size in sizes.items()]
    sizes = {"gate": (172, 64), "up": (172, 64), "down": (64, 172)}
    return attention + [Layer(f"{name}.mlp.{part}_proj", *size) for part, size in sizes.items()]


LAYERS = [Layer("lm_head", 512, 64), *itertools.chain(*map(block, range(3)))]
GROUPS = groups(LAYERS)


def test_layers_that_run_as_one_product_share_a_format():
    sizes = [len(group) for group in GROUPS]
    assert sizes == [1, *[3, 1, 2, 1] * 3]


@pytest.mark.parametrize(
    ("name", "columns", "bits"),
    [
        ("w4a16_g64", 128, 4 * 128 + 2 * 16),
        ("w4a16_g64", 172, 4 * 172 + 3 * 16),  # the last group is shorter, its scale is not
        ("w8a16_g64", 64, 8 * 64 + 16),
        ("mxfp4", 172, 4 * 172 + 6 * 8),
        ("mxfp8_e4m3", 64, 8 * 64 + 2 * 8),
        (HIGH, 64, 16 * 64),
    ],
)
def test_scales_count(name, columns, bits):
    assert layer_bits(Layer("a", 5, columns), name) == 5 * bits


def test_every_tensor_has_a_scale_of_its_own():
    plan = {layer.module: "nvfp4" for layer in LAYERS}
    elements = sum(layer.elements for layer in LAYERS)
    blocks = sum(layer.rows * -(-layer.columns // 16) for layer in LAYERS)
    expected = 4 + (8 * blocks + 32 * len(LAYERS)) / elements
    assert mean_bits(GROUPS, plan) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_the_knapsack_is_exact(seed):
    draw = np.random.default_rng(seed)
    problem = [
        Choices(draw.integers(1, 9, 3).tolist(), draw.integers(0, 30, 3).astype(float).tolist())
        for _ in range(6)
    ]
    solver = Solver(problem)
    every = list(itertools.product(range(3), repeat=6))
    taken = [sum(g.bits[c] for g, c in zip(problem, one, strict=True)) for one in every]
    lost = [sum(g.losses[c] for g, c in zip(problem, one, strict=True)) for one in every]
    for budget in range(0, 60, 3):
        fitting = [loss for loss, bits in zip(lost, taken, strict=True) if bits <= budget]
        best = solver.best(budget)
        assert (best is None) == (not fitting)
        if best is not None:
            place = every.index(tuple(best))
            assert (lost[place], taken[place] <= budget) == (min(fitting), True)


@pytest.mark.parametrize("menu", MENUS.values())
@pytest.mark.parametrize("budget", BUDGETS)
def test_plans_by_rule_keep_the_budget_and_groups(menu, budget):
    made = [by_hand(GROUPS, menu, budget, HIGH), by_hand(GROUPS, menu, budget, menu[-1])]
    made += [by_chance(GROUPS, menu, budget, draw) for draw in range(3)]
    for plan in made:
        assert set(plan) == {layer.module for layer in LAYERS}
        assert mean_bits(GROUPS, plan) <= budget
        assert all(len({plan[layer.module] for layer in group}) == 1 for group in GROUPS)


def test_hands_spare_the_head_first():
    menu = MENUS["weights"]
    head = LAYERS[0].module
    least = by_hand(GROUPS, menu, 16, menu[-1])
    assert set(least.values()) == {menu[-1]}
    for budget in BUDGETS[1:]:
        plan = by_hand(GROUPS, menu, budget, menu[-1])
        spared = {module for module, name in plan.items() if name == menu[-1]}
        assert not spared or head in spared
