"""The same bits at any number of ranks, what follows from measured times included."""

import h5py
import pytest
from conftest import SOURCE, is_identical, shipped

SMOKE = shipped("smoke")
RANKS = [2, 3, 4, 8]


@pytest.fixture(scope="module")
def one_rank(program, tmp_path_factory):
    out = tmp_path_factory.mktemp("one_rank") / "out"
    result = program("run", SMOKE, "--out", out)
    assert result.returncode == 0, result.stderr
    return out


@pytest.mark.parametrize("ranks", RANKS)
def test_any_number_of_ranks_gives_the_same_archive(program, one_rank, tmp_path, ranks):
    out = tmp_path / "out"
    result = program("run", SMOKE, "--out", out, ranks=ranks, timeout=200)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, one_rank, out)
    assert same, differences
    with h5py.File(out / "archive.h5") as archive:
        assert archive["measured/machine"].attrs["ranks"] == str(ranks)


@pytest.fixture(scope="module")
def timed(program, tmp_path_factory):
    """A spec, an archive that shares only its timings, and a run of the spec with these."""
    folder = tmp_path_factory.mktemp("timed")
    text = (SOURCE / SMOKE).read_text()
    # Dynamic scales: timings follow from no observed maximum.
    text = text.replace("low: [int8]}", "low: [int8], int8: {scale: dynamic}}")
    text = text.replace("every: 3}", "every: 1, time: false}")
    assert "dynamic" in text and "time: false" in text
    spec, other = folder / "spec.yaml", folder / "other.yaml"
    spec.write_text(text)
    other_samples = text.replace("evaluate: {samples: 4", "evaluate: {samples: 3")
    assert other_samples != text
    # Scores of another precision than those of the high format.
    precision = "bf16" if "high: fp32" in text else "fp32"
    other.write_text(other_samples + f"sensitivity: {{precision: {precision}}}\n")
    result = program("run", other, "--out", folder / "other")
    assert result.returncode == 0, result.stderr
    timings = folder / "other/archive.h5"
    result = program("run", spec, "--out", folder / "out", "--from", timings)
    assert result.returncode == 0, result.stderr
    return spec, timings, folder / "out"


@pytest.mark.parametrize("ranks", RANKS)
def test_time_plans_from_the_same_timings_are_the_same(program, timed, tmp_path, ranks):
    spec, timings, reference = timed
    out = tmp_path / "out"
    result = program("run", spec, "--out", out, "--from", timings, ranks=ranks)
    assert result.returncode == 0, result.stderr
    done = {line.split()[0]: line for line in result.stderr.splitlines()}
    assert "done before" in done["timing"] and "units/s" not in done["timing"]
    for stage in ("score", "planning"):
        assert "units/s" in done[stage], f"nothing of {stage} was done by these ranks"
    differences = program("diff", reference / "archive.h5", out / "archive.h5", "--measured")
    assert differences.returncode == 1, "the machine descriptions differ at least"
    for line in differences.stdout.splitlines():
        assert line.startswith(("/measured/machine/", "/measured/usage/")), line
    with h5py.File(out / "archive.h5") as archive:
        for table in ("gains/time", "frontier/time", "plans/time/ip"):
            assert len(archive[f"measured/{table}/gain"]), table
