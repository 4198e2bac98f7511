"""scripts/check-device: sets up, then asks the program."""


def check(project, *arguments, **named):
    return project.run(str(project.folder / "scripts" / "check-device"), *arguments, **named)


def test_it_checks_what_is_asked_for(project, tmp_path):
    assert check(project, "hpu", "--mode", "eager", cwd=tmp_path)[0] == 0
    assert project.did()[-1] == f"program {tmp_path} check-device hpu --mode eager"
    assert check(project)[0] == 0
    assert project.did()[-1].endswith(" check-device cpu")


def test_the_code_is_the_programs(project):
    assert check(project, "hpu", CODE="3")[0] == 3


def test_options_alone_are_refused_before_the_set_up(project):
    code, output = check(project, "--mode", "eager")
    assert (code, project.did()) == (2, [])
    assert output.startswith("usage: scripts/check-device")
