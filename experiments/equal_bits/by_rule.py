"""Plans that need no model: by hand, and by chance."""

import itertools
import random
from collections.abc import Sequence

from bits import Plan, layer_bits, mean_bits
from models import HEAD, Layer
from settings import HIGH, STORAGE

Groups = Sequence[list[Layer]]


def uniform(groups: Groups, menu: Sequence[str], budget: float) -> Plan | None:
    """The dearest format of the menu's least elements that fits for all layers, if any."""
    least = min(STORAGE[name].element for name in menu)
    fitting = [
        plan
        for name in menu
        if STORAGE[name].element == least
        and mean_bits(groups, plan := dict.fromkeys(_modules(groups), name)) <= budget
    ]
    return max(fitting, key=lambda plan: mean_bits(groups, plan), default=None)


def _modules(groups: Groups) -> list[str]:
    return [layer.module for group in groups for layer in group]


def by_hand(groups: Groups, menu: Sequence[str], budget: float, spared: str) -> Plan | None:
    """A uniform format but for what recipes usually spare, which stays in format `spared`: the
    head, then first and last layers from the outside in, each as a whole, as far as the budget
    goes."""
    plan = uniform(groups, menu, budget)
    if plan is None:
        return None
    for prefix in _ignore_list(plan):
        trial = plan | {module: spared for module in plan if module.startswith(prefix)}
        if mean_bits(groups, trial) <= budget:
            plan = trial
    return plan


def _ignore_list(plan: Plan) -> list[str]:
    layers = 1 + max(int(module.split(".")[2]) for module in plan if module != HEAD)
    inwards = itertools.chain(*zip(range(layers), reversed(range(layers)), strict=True))
    return [HEAD, *(f"model.layers.{place}." for place in dict.fromkeys(inwards))]


def by_chance(groups: Groups, menu: Sequence[str], budget: float, seed: int) -> Plan | None:
    """From the cheapest format up: groups in random order get a random dearer one while it fits."""
    draw = random.Random(seed)
    sample = groups[0][0]
    cheapest = min(menu, key=lambda name: layer_bits(sample, name))
    plan = dict.fromkeys(_modules(groups), cheapest)
    if mean_bits(groups, plan) > budget:
        return None
    dearer = [name for name in [*menu, HIGH] if name != cheapest]
    steps = list(itertools.product(range(len(groups)), dearer))
    draw.shuffle(steps)
    raised = set()
    for place, name in steps:
        trial = plan | {layer.module: name for layer in groups[place]}
        if place not in raised and mean_bits(groups, trial) <= budget:
            plan = trial
            raised.add(place)
    return plan
