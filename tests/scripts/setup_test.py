"""scripts/setup after interruptions, twice at a time, and from anywhere."""

import signal
import subprocess

import pytest

EVERYTHING = ["venv", "pip scripts/requirements.txt", "pip analysis", "configure --fresh", "build"]


def set_up(project, *arguments, **named):
    return project.run(str(project.folder / "scripts" / "setup"), *arguments, **named)


def whole(project) -> bool:
    """Whether the environment's torch is the whole file, as a later step finds it."""
    python = project.folder / ".venv" / "bin" / "python"
    return subprocess.run([python, "-c", "import torch; assert torch.whole"]).returncode == 0


def test_a_second_set_up_only_builds(project):
    assert set_up(project)[0] == 0
    assert project.did() == EVERYTHING
    assert set_up(project)[0] == 0
    assert project.did() == ["build"]


def test_tests_are_added_to_a_set_up_without(project):
    assert set_up(project)[0] == 0
    project.did()
    assert set_up(project, "--tests")[0] == 0
    assert project.did() == ["pip scripts/requirements-test.txt", "configure", "build"]


@pytest.mark.parametrize(
    ("point", "again"),
    [
        ("venv", EVERYTHING),
        ("record", EVERYTHING),
        ("file", EVERYTHING),
        ("stamp scripts/requirements.txt", EVERYTHING[1:]),
        ("configure", ["configure --fresh", "build"]),
        ("build", ["build"]),
    ],
)
def test_a_set_up_goes_on_wherever_it_was_killed(project, point, again):
    assert set_up(project, INTERRUPT=point)[0] == -signal.SIGKILL
    project.did()
    code, output = set_up(project)
    assert code == 0, output
    assert project.did() == again
    assert whole(project)
    assert ("not whole" in output) == (again == EVERYTHING)


def test_packages_that_did_not_come_make_nothing_anew(project):
    assert set_up(project)[0] == 0
    project.did()
    assert set_up(project, "--tests", INTERRUPT="offline")[0] != 0
    project.did()
    assert set_up(project, "--tests")[0] == 0
    assert project.did() == ["pip scripts/requirements-test.txt", "configure", "build"]


def test_an_environment_of_a_python_that_is_gone_is_made_anew(project):
    assert set_up(project)[0] == 0
    project.did()
    python = project.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert set_up(project)[0] == 0
    assert project.did() == [*EVERYTHING[:3], "build"]


def test_two_at_a_time_wait_for_each_other(project):
    both = [project.start(str(project.folder / "scripts" / "setup"), SLOW="1") for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert project.did() == [*EVERYTHING, "build"]
    assert sum("waiting" in output for output in outputs) == 1


def test_a_file_system_without_locks_is_no_obstacle(project):
    project.tool("flock", "exit 1")
    code, output = set_up(project)
    assert code == 0
    assert "no locks" in output


def test_it_is_started_from_anywhere_by_any_name(project, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(project.folder / "scripts" / "setup")
    code, output = project.run(str(link), cwd="/")
    assert code == 0, output
    assert project.did() == EVERYTHING
    assert (project.folder / "build" / "gainsweep").exists()


def test_a_moved_folder_is_configured_anew(project):
    assert set_up(project)[0] == 0
    project.did()
    project.folder = project.folder.rename(project.folder.with_name("moved"))
    code, output = set_up(project)
    assert code == 0, output
    assert project.did() == ["configure --fresh", "build"]


def test_the_cpu_build_is_named_before_a_download(project):
    wheels = "https://download.pytorch.org/whl/cpu"
    assert wheels in set_up(project)[1]
    assert wheels not in set_up(project)[1]


def test_other_arguments_are_refused(project):
    code, output = set_up(project, "--test")
    assert (code, project.did()) == (2, [])
    assert "usage" in output
