"""What the faults share: jobs under mpirun that are hurt in a chosen way, on specs of seconds.

Environment: GAINSWEEP the executable, GAINSWEEP_FAULT_HOOK the library preloaded into a rank (CMake
 sets both), GAINSWEEP_FAULTS the number of kills (default 50).
"""

import contextlib
import importlib.util
import json
import os
import resource
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
# Ranks that die by SIGSEGV need not leave their memory behind.
resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def load_scenarios():
    path = SOURCE / "tests/pipeline/conftest.py"
    spec = importlib.util.spec_from_file_location("scenarios", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scenarios = load_scenarios()
maker, material, program = scenarios.maker, scenarios.material, scenarios.program


class Job:
    """`gainsweep run` with real ranks, also when it is one."""

    def __init__(self, program, spec, out, ranks, *options, fault=None, command=None):
        command = command or [program.path, "run", str(spec), "--out", str(out)]
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        flags = ["--bind-to", "none", "--oversubscribe", "-np", str(ranks)]
        environment = {"LD_PRELOAD": os.environ["GAINSWEEP_FAULT_HOOK"]} if fault else {}
        for name, value in (fault or {}).items():
            environment[f"FAULT_{name.upper()}"] = str(value)
        set_in_ranks = [f"{name}={value}" for name, value in environment.items()]
        self.process = subprocess.Popen(
            ["mpirun", *root, *flags, "env", *set_in_ranks, *command, *options],
            cwd=SOURCE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ranks(self):
        """Process numbers of the ranks that are there by now, in no order."""
        found = []
        for children in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(number) for number in children.read_text().split()]
        return found

    def end(self, timeout=120):
        """Exit code and messages."""
        _, messages = self.process.communicate(timeout=timeout)
        return self.process.returncode, messages


@pytest.fixture
def job(program):
    """Starts jobs; those still there at the end of a test are killed."""
    started = []

    def start(*arguments, **options):
        started.append(Job(program, *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


@pytest.fixture(scope="session")
def fault_material(tmp_path_factory, material):
    tokens = tmp_path_factory.mktemp("tokens") / "tokens.h5"
    scenarios.write_tokens(tokens, scenarios.random_tokens(4_000))
    return material, tokens


@pytest.fixture(scope="session")
def make_spec(tmp_path_factory, fault_material):
    """A spec on the tiny model, enough samples for several parts a rank."""
    folder, tokens = fault_material

    def make(samples=150, **changes):
        spec = scenarios.tiny_spec(folder)
        spec["calibration"] |= {"tokens": str(tokens), "samples": samples}
        path = tmp_path_factory.mktemp("spec") / "spec.yaml"
        path.write_text(json.dumps(scenarios.merged(spec, changes), indent=1))
        return path

    return make


@pytest.fixture(scope="session")
def undisturbed(program, make_spec, tmp_path_factory):
    """Spec and output folder of a run that nobody hurt."""
    spec, out = make_spec(), tmp_path_factory.mktemp("undisturbed") / "out"
    result = program("run", spec, "--out", out)
    assert result.returncode == 0, result.stderr
    return spec, out


def status(program, out):
    result = program("status", out, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def check_same(program, a, b):
    same, differences = scenarios.is_identical(program, a, b)
    assert same, differences
