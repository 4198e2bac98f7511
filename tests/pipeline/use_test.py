"""How people call the program: settings, streams, paths, full outputs, archives of other specs."""

import json
import os
import re
import subprocess
from pathlib import Path

import h5py
import pytest
from conftest import merged, parts, tiny_spec

SETTINGS = ("--set", "calibration.samples=2", "--set", "solve.strategies=[prefix]")


def resolved(program, *arguments, **options):
    result = program("show", *arguments, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_settings_change_what_is_written(program, write_spec):
    changed = write_spec(
        "changed.yaml", calibration={"samples": 2}, solve={"strategies": ["prefix"]}
    )
    spec = json.loads(changed.read_text())
    del spec["calibration"]["scale_samples"]
    changed.write_text(json.dumps(spec))
    with_scales = resolved(program, write_spec(), *SETTINGS, "--set", "calibration.scale_samples=2")
    assert with_scales == resolved(program, changed), "a default fits the samples that are set"
    assert "  samples: 2\n" in with_scales and "  strategies: [prefix]\n" in with_scales


def test_a_wrong_setting_is_named_like_a_line(program, write_spec):
    spec = write_spec()
    message = program.refuses("check", spec, "--set", "calibration.smaples=2")
    assert message.startswith("--set calibration.smaples=2: calibration.smaples: an unknown key")
    assert "Did you mean 'samples'?" in message
    message = program.refuses("check", spec, "--set", "solve.thresholds=[0.1%]")
    assert message.startswith("--set solve.thresholds=[0.1%]: solve.thresholds[0]: '0.1%' ")
    assert "is a percentage, which stands for 0.001" in message
    assert "no '='" in program.refuses("plan", spec, "--set", "calibration.samples")
    assert "Did you mean 'cuda'?" in program.refuses("check", spec, "--set", "device=gpu")


def test_runs_keep_their_settings(program, write_spec, tmp_path):
    out = tmp_path / "out"
    command = ("run", write_spec(), "--out", out, "--set", "solve.thresholds=[1.0e-3]")
    result = program(*command)
    assert result.returncode == 0, result.stderr
    with h5py.File(out / "archive.h5") as archive:
        written = archive["provenance/spec_written"].asstr()[()]
        assert written.endswith("\n# --set solve.thresholds=[1.0e-3]\n")
        assert archive["plans/macs/ip/threshold"][()].tolist() == [1e-3]
    assert "nothing to do" in program(*command).stderr


def test_paths_start_from_the_spec_or_the_home(program, material, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "model").symlink_to(material / "checkpoints/good")
    (tmp_path / "tokens.h5").symlink_to(material / "tokens.h5")
    spec = merged(
        tiny_spec(material),
        {"model": {"checkpoint": "./model"}, "calibration": {"tokens": "../tokens.h5"}},
    )
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec))
    assert program("check", path).returncode == 0
    for cwd, name in ((folder, "spec.yaml"), (tmp_path, "elsewhere/spec.yaml")):
        text = resolved(program, name, cwd=cwd)
        (tmp_path / "resolved.yaml").write_text(text)
        again = program("check", tmp_path / "resolved.yaml", cwd=cwd)
        assert again.returncode == 0, again.stderr
    message = program.refuses("check", path, "--set", "model.checkpoint=./model", cwd=tmp_path)
    assert "model" in message and "elsewhere" not in message, "a setting starts where the user is"
    home = tmp_path / "home"
    home.mkdir()
    (home / "model").symlink_to(material / "checkpoints/good")
    spec["model"]["checkpoint"] = "~/model"
    path.write_text(json.dumps(spec))
    environment = os.environ | {"HOME": str(home)}
    result = subprocess.run(
        [program.path, "check", path], check=False, capture_output=True, text=True, env=environment
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_spec_can_come_from_standard_input(program, write_spec, finished, tmp_path, ranks):
    for name in ("-", "/dev/stdin"):
        out = tmp_path / name.replace("/", "_")
        result = subprocess.run(
            program.command("run", name, "--out", out, ranks=ranks),
            check=False,
            capture_output=True,
            input=(finished / "spec.yaml").read_text(),
            text=True,
            timeout=120,
        )
        assert result.returncode == 0, result.stderr
        assert "run tiny of standard input" in result.stderr
        same = program("diff", out / "archive.h5", finished / "out/archive.h5")
        assert same.returncode == 0, same.stdout


def test_a_spec_can_come_from_the_shell(program, finished):
    spec = finished / "spec.yaml"
    command = f"{program.path} check <(cat {spec}) --set calibration.samples=none"
    result = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert result.returncode == 2
    assert "--set calibration.samples=none: calibration.samples: 'none' is not" in result.stderr
    broken = f"{program.path} check <(sed s/objectives/objectivs/ {spec})"
    result = subprocess.run(["bash", "-c", broken], check=False, capture_output=True, text=True)
    assert result.returncode == 2
    assert re.search(r"/dev/fd/\d+:\d+: solve.objectivs: an unknown key", result.stderr)


def test_an_endless_stream_is_no_spec(program):
    with Path("/dev/zero").open("rb") as zeros:
        result = subprocess.run(
            [program.path, "check", "-"], check=False, stdin=zeros, capture_output=True, timeout=60
        )
    assert result.returncode == 2
    assert b"standard input:1: more than 1048576 bytes" in result.stderr


COMMANDS = [
    ("--help",),
    ("--version",),
    ("help", "run"),
    ("check", "SPEC"),
    ("show", "SPEC"),
    ("show", "SPEC", "--graph", "model"),
    ("show", "--reference"),
    ("plan", "SPEC"),
    ("plan", "SPEC", "--json"),
    ("status", "OUT"),
    ("status", "OUT", "--json"),
    ("status", "OUT", "--follow"),
    ("diff", "OUT/archive.h5", "OUT/archive.h5"),
    ("solve", "OUT/archive.h5", "SPEC", "--out", "NEW"),
]


@pytest.mark.parametrize("how", ["full", "closed", "unread"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_output_that_takes_nothing_is_an_error(program, finished, tmp_path, command, how):
    names = {"SPEC": finished / "spec.yaml", "OUT": finished / "out", "NEW": tmp_path / "new.h5"}
    arguments = [str(names.get(word, word)) for word in command]
    arguments = [word.replace("OUT/", f"{finished}/out/") for word in arguments]
    ends = {"full": ">/dev/full", "closed": ">&-", "unread": "| true"}
    pause = "sleep 0.2; " if how == "unread" else ""
    line = f'({pause}"$@"; echo "code $?" >&2) {ends[how]}'
    result = subprocess.run(
        ["bash", "-c", line, "bash", program.path, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.stderr.endswith("code 1\n"), result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("gainsweep: ")]
    assert len(lines) == 1 and "standard output cannot be written (" in lines[0], result.stderr
    reason = {"full": "No space left", "closed": "Bad file", "unread": "Broken pipe"}[how]
    assert reason in lines[0]


def test_a_closed_output_is_no_error_of_a_run(program, finished, tmp_path):
    line = f'exec "$@" >&- 2>{tmp_path}/log <&-'
    command = [program.path, "run", str(finished / "spec.yaml"), "--out", str(tmp_path / "out")]
    result = subprocess.run(["bash", "-c", line, "bash", *command], check=False, timeout=120)
    assert result.returncode == 0, (tmp_path / "log").read_text()
    same = program("diff", tmp_path / "out/archive.h5", finished / "out/archive.h5")
    assert same.returncode == 0, same.stdout


def test_names_that_are_not_utf_8(program, finished, tmp_path):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    spec = folder + b"/spec\xff.yaml"
    Path(os.fsdecode(spec)).write_bytes((finished / "spec.yaml").read_bytes())
    out = folder + b"/out\xfe"

    def call(*arguments):
        result = subprocess.run(
            [program.path, *arguments], check=False, capture_output=True, timeout=120
        )
        assert b"terminate" not in result.stderr and b"json.exception" not in result.stderr
        return result

    for command in (["check", spec], ["plan", spec, "--json"], ["run", spec, "--out", out]):
        result = call(*command)
        assert result.returncode == 0, result.stderr
    assert call("run", spec, "--out", out + b"2", "--log-format", "json").returncode == 0
    status = call("status", out, "--json")
    assert json.loads(status.stdout)["state"] == "finished"
    assert call("diff", out + b"/archive.h5", out + b"2/archive.h5").returncode == 0
    assert call("diff", out + b"/absent.h5", out).returncode == 2
    relative = json.loads((finished / "spec.yaml").read_text())
    relative["model"]["checkpoint"] = "./model"
    Path(os.fsdecode(spec)).write_text(json.dumps(relative))
    refused = call("check", spec)
    assert refused.returncode == 2 and b"a folder whose name is no UTF-8" in refused.stderr


def kept(out):
    return sorted(path.name for path in out.glob("archive-*.h5"))


def test_the_archive_of_another_spec_is_kept(program, copy_of_finished, write_spec):
    out = copy_of_finished / "out"
    before = (out / "archive.h5").read_bytes()
    spec = write_spec(solve={"thresholds": [2e-4]})
    result = program("run", spec, "--out", out)
    assert result.returncode == 0, result.stderr
    (name,) = kept(out)
    assert (out / name).read_bytes() == before
    digest = subprocess.run(["sha256sum", out / name], check=True, capture_output=True, text=True)
    assert name == f"archive-{digest.stdout[:8]}.h5"
    assert f"is of another spec and is kept as {out / name}" in result.stderr
    assert program("status", out).returncode == 0
    # The same spec again, other words for it, or units that are tried again: nothing to keep.
    for change in ("\n", "\n# a word\n"):
        spec.write_text(spec.read_text() + change)
        result = program("run", spec, "--out", out)
        assert result.returncode == 0 and "kept" not in result.stderr
    assert kept(out) == [name]
    # Back again: the second one is kept, too.
    result = program("run", copy_of_finished / "spec.yaml", "--out", out)
    assert result.returncode == 0, result.stderr
    assert len(kept(out)) == 2 and name in kept(out)


def test_replace_keeps_nothing(program, copy_of_finished, write_spec):
    out = copy_of_finished / "out"
    spec = write_spec(solve={"thresholds": [2e-4]})
    result = program("run", spec, "--out", out, "--replace")
    assert result.returncode == 0, result.stderr
    assert kept(out) == []


def test_an_archive_that_cannot_be_read_is_kept(program, copy_of_finished):
    out = copy_of_finished / "out"
    (out / "archive.h5").write_bytes(b"something of mine")
    result = program("run", copy_of_finished / "spec.yaml", "--out", out)
    assert result.returncode == 0, result.stderr
    (name,) = kept(out)
    assert (out / name).read_bytes() == b"something of mine"


def test_a_name_that_is_taken_is_not_written_over(program, copy_of_finished, write_spec):
    out = copy_of_finished / "out"
    digest = subprocess.run(
        ["sha256sum", out / "archive.h5"], check=True, capture_output=True, text=True
    ).stdout[:64]
    (out / f"archive-{digest[:8]}.h5").write_bytes(b"another file")
    spec = write_spec(solve={"thresholds": [2e-4]})
    assert program("run", spec, "--out", out).returncode == 0
    assert (out / f"archive-{digest[:8]}.h5").read_bytes() == b"another file"
    assert (out / f"archive-{digest}.h5").exists()


def test_a_run_says_what_it_does_and_what_comes_next(program, write_spec, tmp_path):
    out = tmp_path / "out"
    result = program("run", write_spec(), "--out", out)
    assert result.returncode == 0, result.stderr
    lines = result.stderr.splitlines()
    assert lines[0].startswith("gainsweep: run tiny of ") and f"results in {out}" in lines[0]
    assert "1 rank of 1 thread on cpu" in lines[0]
    units = next(line for line in lines if "units: " in line)
    assert "units: observe 4, score 6, anchor 6, " in units and "planning 20" in units
    assert re.fullmatch(rf"gainsweep: done in .*: {out}/archive.h5", lines[-2])
    assert f"gainsweep_analysis table {out}/archive.h5" in lines[-1]


def test_a_quiet_run_says_nothing(program, write_spec, tmp_path):
    result = program("run", write_spec(), "--out", tmp_path / "out", "--quiet")
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "")
    result = program("run", tmp_path / "absent.yaml", "--out", tmp_path / "out", "-q")
    assert result.returncode == 2 and "no such file" in result.stderr


def test_log_lines_can_be_json(program, write_spec, tmp_path):
    result = program(
        "run", write_spec(), "--out", tmp_path / "out", "--log-format", "json", ranks=2
    )
    assert result.returncode == 0, result.stderr
    entries = [json.loads(line) for line in result.stderr.splitlines()]
    for entry in entries:
        assert set(entry) == {"time", "level", "rank", "stage", "unit", "message"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
        assert not entry["message"].startswith(("gainsweep", "["))
    assert {entry["stage"] for entry in entries} >= {None, "score", "planning"}
    assert {entry["level"] for entry in entries} == {"info"}
    wrong = program("run", write_spec(), "--out", tmp_path / "o", "--log-format", "jsn", ranks=1)
    assert wrong.returncode == 2 and "Did you mean 'json'?" in wrong.stderr


def test_json_lines_name_the_unit_that_failed(program, maker, tmp_path, write_spec):
    from conftest import write_poisoned

    spec = write_spec(**write_poisoned(tmp_path, maker, samples=[4]))
    result = program("run", spec, "--out", tmp_path / "out", "--log-format", "json", "--quiet")
    assert result.returncode == 3, result.stderr
    entries = [json.loads(line) for line in result.stderr.splitlines()]
    failed = [entry for entry in entries if entry["unit"]]
    assert failed and failed[0]["level"] == "warning" and failed[0]["stage"] == "score"
    assert parts(tmp_path / "out")


def test_help_and_version_as_people_ask_for_them(program):
    assert program("help").stdout == program("--help").stdout
    for command in ("run", "plan", "check", "show", "solve", "status", "diff"):
        assert program("help", command).stdout == program(command, "--help").stdout
    assert program("-V").stdout == program("--version").stdout
    assert "did you mean 'run'?" in program.refuses("help", "rnu")
