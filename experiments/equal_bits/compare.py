"""Makes and evaluates the plans of all tools for one model and menu of formats. See README.md.

    compare.py MODEL MENU FOLDER [--program build/gainsweep] [--environments FOLDER] [--threads 1]
               [--samples 64] [--only-plans] [--without TOOL …]

What FOLDER/MODEL has of an earlier call is not done again.
"""

import argparse
import json
from pathlib import Path

import program
from bits import mean_bits
from by_rule import Groups, by_chance, by_hand
from models import groups, layers, prepare
from plan_files import Named, distinct, write
from processes import measured
from settings import (
    BUDGETS,
    BY_TOOLS_TOO,
    CALIBRATION,
    DRAWS,
    EVALUATED_BY_TOOLS,
    EVALUATION,
    LENGTH,
    MENUS,
    MODELS,
    OURS,
    RANDOM,
    RULES,
    SOURCE,
    TOOLS,
    interpreter,
)


class Comparison:
    """One model, one menu."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.model = asked.folder / asked.model / "model"
        self.folder = asked.folder / asked.model / asked.menu
        self.menu = MENUS[asked.menu]
        self.tools = {name: tool for name, tool in TOOLS.items() if name not in asked.without}
        prepare(MODELS[asked.model], self.model)
        self.groups: Groups = groups(layers(self.model))

    def task(self, **facts: object) -> dict:
        modules = [layer.module for group in self.groups for layer in group]
        return {
            "model": str(self.model),
            "tokens": str(self.model / "tokens.npy"),
            "calibration": self.asked.samples,
            "evaluation": EVALUATION,
            "length": LENGTH,
            "formats": self.menu,
            "bits": {
                name: mean_bits(self.groups, dict.fromkeys(modules, name)) for name in self.menu
            },
            "groups": [[layer.module for layer in group] for group in self.groups],
            "rounding": str(SOURCE / "analysis/gainsweep_analysis/rounding.py"),
            "threads": self.asked.threads,
            **facts,
        }

    def call(self, name: str, work: str, **facts: object) -> dict:
        """What a tool answers to `plans` or `losses`, with what its process took."""
        path = self.folder / work / f"{name}.json"
        if not path.exists():
            print(f"{path}", flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            task = path.with_suffix(".task.json")
            task.write_text(json.dumps(self.task(**facts)))
            tool = TOOLS[name]
            script = Path(__file__).parent / "tools" / tool.script
            answer = path.with_suffix(".answer.json")
            command = [interpreter(tool, self.asked.environments), script, work, task, answer]
            took = measured(command, path.with_suffix(".log"), self.asked.threads)
            path.write_text(json.dumps(json.loads(answer.read_text()) | {"process": took}))
        return json.loads(path.read_text())

    def made_by_tools(self) -> list[Named]:
        found = []
        for name, tool in self.tools.items():
            if not tool.plans:
                continue
            factors = (1.0,) if self.asked.only_plans else tool.factors
            budgets = BUDGETS[:1] if self.asked.only_plans else BUDGETS
            asked = sorted({round(budget * factor, 4) for budget in budgets for factor in factors})
            plans = self.call(name, "plans", asked=asked)["plans"]
            for budget in budgets:
                of_budget = [plans[f"{round(budget * factor, 4)}"] for factor in factors]
                kept = [plan for plan in of_budget if mean_bits(self.groups, plan) <= budget]
                if kept:
                    best = max(kept, key=lambda plan: mean_bits(self.groups, plan))
                    found.append(Named(name, budget, 0, best))
        return found

    def made_by_rule(self) -> list[Named]:
        eight = self.menu[-1]
        found = []
        for budget in BUDGETS:
            for name, (_, spared) in RULES.items():
                plan = by_hand(self.groups, self.menu, budget, spared or eight)
                found.append(Named(name, budget, 0, plan))
            for draw in range(DRAWS):
                plan = by_chance(self.groups, self.menu, budget, draw)
                found.append(Named(RANDOM, budget, draw, plan))
        return [named for named in found if named.plan is not None]

    def made_by_program(self) -> list[Named]:
        folder = self.folder / "plans" / OURS
        if not (folder / "archive.h5").exists():
            print(f"{folder}", flush=True)
            described = program.spec(self.model, self.menu, self.asked.samples, self.asked.threads)
            took = program.run(self.asked.program, described, folder, self.asked.threads)
            folder.with_suffix(".json").write_text(json.dumps({"process": took}))
        return program.plans(folder, self.groups)

    def run(self) -> None:
        named = [*self.made_by_tools(), *self.made_by_program(), *self.made_by_rule()]
        same = distinct(named)
        facts = {
            one.stem: {
                "tool": one.tool,
                "budget": one.budget,
                "bits": mean_bits(self.groups, one.plan),
                "evaluated_as": same[one.stem].stem,
                "plan": dict(one.plan),
            }
            for one in named
        }
        (self.folder / "named.json").write_text(json.dumps(facts, indent=1))
        if self.asked.only_plans:
            return
        self.evaluate(list({one.stem: one for one in same.values()}.values()))

    def evaluate(self, named: list[Named]) -> None:
        """Every plan by this program, plans of tools also by the tools that can."""
        made = program.archive(self.folder / "plans" / OURS)
        paths = write(self.folder / "files", made, named)
        folder = self.folder / "losses" / OURS
        if not (folder / "archive.h5").exists():
            print(f"{folder}", flush=True)
            described = program.spec(
                self.model, self.menu, self.asked.samples, self.asked.threads, paths
            )
            program.run(self.asked.program, described, folder, self.asked.threads)
        plans = {one.stem: dict(one.plan) for one in named if one.tool in BY_TOOLS_TOO}
        for name, tool in self.tools.items():
            if self.asked.menu in tool.evaluates:
                self.call(name, "losses", plans=plans, evaluation=EVALUATED_BY_TOOLS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("menu", choices=MENUS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--program", type=Path, default=SOURCE / "build/gainsweep")
    parser.add_argument("--environments", type=Path, default=SOURCE / "out/equal_bits/environments")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=CALIBRATION, help="for calibration")
    parser.add_argument(
        "--only-plans", action="store_true", help="evaluate nothing, ask tools for one budget"
    )
    parser.add_argument("--without", nargs="*", default=[], choices=TOOLS, help="leave tools out")
    Comparison(parser.parse_args()).run()


if __name__ == "__main__":
    main()
