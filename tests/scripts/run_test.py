"""scripts/run: paths count from where the user stands, and exit codes are the program's."""

import os

import pytest

# The environment's Python, once the set-up is done: what `run` asks of the analysis package.
ANALYSIS = """#!/bin/sh
[ "$2" = gainsweep_analysis ] && echo analysis "$3" "$4" >>{log}
exit 0
"""


@pytest.fixture
def ready(project):
    """A project that is set up."""
    assert project.run(str(project.folder / "scripts" / "setup"))[0] == 0
    python = project.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text(ANALYSIS.format(log=project.log))
    python.chmod(0o755)
    project.did()
    return project


def run(project, *arguments, **named):
    return project.run(str(project.folder / "scripts" / "run"), *arguments, **named)


def test_without_a_spec_it_runs_the_embedded_one_in_the_projects_folder(ready):
    assert run(ready, cwd="/")[0] == 0
    assert ready.did() == [
        "build",
        f"program {ready.folder} run configs/embedded.yaml --out out/embedded",
        "analysis table out/embedded/archive.h5",
        "analysis report out/embedded/archive.h5",
    ]


def test_a_specs_path_counts_from_where_the_user_stands(ready, tmp_path):
    mine = tmp_path / "my specs"
    mine.mkdir()
    (mine / "a.yaml").touch()
    assert run(ready, "my specs/a.yaml", cwd=tmp_path)[0] == 0
    assert ready.did()[1] == f"program {tmp_path} run my specs/a.yaml --out out/a"
    assert run(ready, "a.yaml", "there", cwd=mine)[0] == 0
    assert ready.did()[1] == f"program {mine} run a.yaml --out there"


def test_a_spec_that_is_not_there_is_told_before_the_set_up(ready, tmp_path):
    code, output = run(ready, "configs/embedded.yaml", cwd=tmp_path)
    assert (code, ready.did()) == (2, [])
    assert f"there is no configs/embedded.yaml. Paths count from {tmp_path}" in output


@pytest.mark.parametrize("code", [0, 3])
def test_what_finished_is_reported_and_the_code_kept(ready, code):
    assert run(ready, CODE=str(code))[0] == code
    assert len([line for line in ready.did() if line.startswith("analysis")]) == 2


@pytest.mark.parametrize("code", [1, 2, 75])
def test_other_codes_end_it(ready, code):
    assert run(ready, CODE=str(code))[0] == code
    assert not [line for line in ready.did() if line.startswith("analysis")]


def test_ranks_are_started_by_mpirun(ready):
    assert run(ready, GAINSWEEP_RANKS="3")[0] == 0
    words = ready.did()[1].split()
    assert words[0] == "mpirun"
    assert words[words.index("-np") + 1] == "3"
    assert words[words.index("--bind-to") + 1] == "none"
    assert "--oversubscribe" in words
    assert ("--allow-run-as-root" in words) == (os.geteuid() == 0)
    assert words[-5:] == [
        str(ready.folder / "build" / "gainsweep"),
        "run",
        "configs/embedded.yaml",
        "--out",
        "out/embedded",
    ]


@pytest.mark.parametrize("ranks", ["0", "two", "-1", "1.5"])
def test_what_is_no_number_of_ranks_is_refused(ready, ranks):
    code, output = run(ready, GAINSWEEP_RANKS=ranks)
    assert (code, ready.did()) == (2, [])
    assert f"GAINSWEEP_RANKS is '{ranks}'" in output


def test_more_ranks_than_processors_are_told(ready):
    assert "ranks share" in run(ready, GAINSWEEP_RANKS="9999")[1]


def test_a_spec_may_come_from_standard_input(ready, tmp_path):
    assert run(ready, "-", cwd=tmp_path)[0] == 0
    assert ready.did()[1] == f"program {tmp_path} run - --out out/stdin"
