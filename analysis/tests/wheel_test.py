"""The package as a wheel: whole, and installed where nothing else of the project is."""

import ast
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

pytest.importorskip("setuptools")
pytest.importorskip("pip")
FOLDER = Path(__file__).parents[1]
PACKAGE = FOLDER / "gainsweep_analysis"
NAMES = {"PIL": "pillow", "yaml": "pyyaml"}  # of modules whose package is named otherwise


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy: setuptools leaves folders beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = copytree(FOLDER, folder / "analysis", ignore=ignore_patterns("*.egg-info", "build"))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "-w", folder, copy], check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-index", "--target", folder]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, wheel], check=True)
    return folder


def sources() -> set[str]:
    return {
        str(path.relative_to(FOLDER))
        for path in PACKAGE.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_the_wheel_holds_every_source(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == sources()


def imported() -> set[str]:
    """Modules of others that the package imports."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names)


def test_it_asks_for_what_it_imports(installed):
    (information,) = installed.glob("*.dist-info")
    asked = Distribution.at(information).requires
    assert {text.partition(";")[0].strip() for text in asked} == {
        NAMES.get(name, name) for name in imported()
    }
    optional = {text.partition(";")[0].strip() for text in asked if "extra ==" in text}
    assert optional == {"tokenizers", "jinja2", "pyarrow", "pillow"}, (
        "what token and sample files are made with"
    )


def test_it_runs_where_nothing_of_the_project_is(installed, cases, tmp_path):
    program = installed / "bin" / "gainsweep-analysis"
    page = tmp_path / "report.html"
    for command in (
        [program, "table", cases("whole").path],
        [sys.executable, "-m", "gainsweep_analysis", "report", cases("whole").path, "--out", page],
    ):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert "<style>" in page.read_text()
    where = subprocess.run(
        [sys.executable, "-c", "import gainsweep_analysis; print(gainsweep_analysis.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert where.stdout.strip() == str(installed / "gainsweep_analysis" / "__init__.py")
