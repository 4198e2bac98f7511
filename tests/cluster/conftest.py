"""Where the program is, and how CTest hears that everything was skipped."""

import importlib.util
import os
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]


def load_scenarios():
    path = SOURCE / "tests/pipeline/conftest.py"
    spec = importlib.util.spec_from_file_location("scenarios", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shipped = load_scenarios().shipped
ALL_SKIPPED = 77  # SKIP_RETURN_CODE in CMakeLists.txt


@pytest.fixture(scope="session")
def program() -> Path:
    """The built gainsweep: GAINSWEEP, which CTest sets, or that of scripts/setup."""
    path = Path(os.environ.get("GAINSWEEP", SOURCE / "build" / "gainsweep"))
    if not path.exists():
        pytest.skip(f"{path} is not built")
    return path


def pytest_sessionfinish(session, exitstatus):
    reports = session.config.pluginmanager.get_plugin("terminalreporter").stats
    ran = any(reports.get(kind) for kind in ("passed", "failed", "error"))
    if reports.get("skipped") and not ran and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = ALL_SKIPPED
