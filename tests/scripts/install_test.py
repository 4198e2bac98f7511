"""`cmake --install`: a program that starts from anywhere, and what belongs beside it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
PROGRAM = Path(os.environ.get("GAINSWEEP", SOURCE / "build" / "gainsweep"))


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built")
    folder = tmp_path_factory.mktemp("a prefix")
    subprocess.run(
        ["cmake", "--install", PROGRAM.parent, "--prefix", folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder


def run(prefix: Path, *arguments, cwd: Path) -> subprocess.CompletedProcess:
    """The installed program, which knows nothing of the build."""
    environment = {k: os.environ[k] for k in ("HOME", "XDG_CACHE_HOME") if k in os.environ}
    return subprocess.run(
        [prefix / "bin" / "gainsweep", *arguments],
        cwd=cwd,
        env=environment | {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def commands(prefix) -> list[str]:
    usage = run(prefix, "--help", cwd=Path("/")).stdout
    return re.findall(r"^  gainsweep ([a-z]+)", usage, re.M)


def options(prefix: Path, command: str) -> set[str]:
    text = run(prefix, command, "--help", cwd=Path("/")).stdout
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_the_program_starts_and_runs_an_installed_spec(prefix, tmp_path):
    version = run(prefix, "--version", cwd=tmp_path)
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("gainsweep ")
    out = tmp_path / "out"
    done = run(
        prefix, "run", "configs/smoke.yaml", "--out", out, cwd=prefix / "share" / "gainsweep"
    )
    assert done.returncode in (0, 3), done.stderr  # 3: processors without the kernels
    assert (out / "archive.h5").exists()


def test_its_run_path_is_of_the_libraries_and_not_of_the_build(prefix):
    headers = subprocess.run(
        ["readelf", "-d", prefix / "bin" / "gainsweep"], capture_output=True, text=True, check=True
    ).stdout
    (path,) = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", headers)
    folders = [Path(folder) for folder in path.split(":")]
    assert any((folder / "libtorch_cpu.so").exists() for folder in folders)
    assert not any(folder.is_relative_to(PROGRAM.parent) for folder in folders)


def test_specs_and_their_schema_are_the_projects(prefix):
    installed = prefix / "share" / "gainsweep"
    for path in (SOURCE / "configs").rglob("*"):
        if path.is_file():
            copy = installed / path.relative_to(SOURCE)
            assert copy.read_bytes() == path.read_bytes(), path
    schema = installed / "spec.schema.json"
    assert schema.read_text() == run(prefix, "show", "--schema", cwd=Path("/")).stdout


def test_licences_and_documents_are_there(prefix):
    folder = prefix / "share" / "doc" / "gainsweep"
    for name in ("LICENSE", "licences.md", "CITATION.cff", "spec.md", "reproducibility.md"):
        assert (folder / name).stat().st_size > 0


def test_the_man_page_tells_every_command_and_option(prefix, commands):
    page = prefix / "share" / "man" / "man1" / "gainsweep.1"
    text = page.read_text().replace("\\-", "-")
    assert len(commands) >= 7
    for command in commands:
        assert f'.SS "gainsweep {command}' in text
        section = text.split(f'.SS "gainsweep {command}')[1].split("\n.SS")[0]
        for option in options(prefix, command):
            assert option in section, (command, option)
    if shutil.which("groff"):
        said = subprocess.run(
            ["groff", "-man", "-ww", "-z", page], capture_output=True, text=True, check=True
        )
        assert said.stderr == ""


def completed(prefix: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    script = prefix / "share" / "bash-completion" / "completions" / "gainsweep"
    done = subprocess.run(
        ["bash", "-c", 'source "$1"; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); _gainsweep; '
         'printf "%s\\n" "${COMPREPLY[@]}"', "bash", script, *words],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_words(prefix, commands):
    assert set(commands) <= set(completed(prefix, "gainsweep", ""))
    assert completed(prefix, "gainsweep", "ru") == ["run"]
    for command in commands:
        assert options(prefix, command) <= set(completed(prefix, "gainsweep", command, "--"))
    assert completed(prefix, "gainsweep", "show", "--graph", "pro") == ["probed"]
    assert completed(prefix, "gainsweep", "run", "configs/") == []  # files, which bash does itself


def test_zsh_completes_every_option(prefix, commands):
    function = prefix / "share" / "zsh" / "site-functions" / "_gainsweep"
    text = function.read_text()
    assert text.startswith("#compdef gainsweep\n")
    for command in commands:
        part = text.split(f"\n    {command}) _arguments")[1].split(";;")[0]
        for option in options(prefix, command):
            assert f"'{option}[" in part, (command, option)
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed: its syntax was not read")
    subprocess.run(["zsh", "-f", "-n", function], check=True)
