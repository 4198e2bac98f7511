"""Parts and archives in which one byte changed, anywhere: noticed, and mended by the same command.

Unit tests flip every byte of a part and of an archive; here some go through the commands. The seed
is printed.
"""

import random
import shutil
import time

import h5py
import pytest
from conftest import check_same, scenarios

FLIPS = 20
# The seal's lines, and names and values of attributes.
ARCHIVE_TEXTS = (b"bytes ", b"sha256 ", b"long_name", b"units", b"tiny")


@pytest.fixture(scope="module")
def draws():
    seed = time.time_ns()
    print("seed", seed)
    return random.Random(seed)


@pytest.fixture
def damaged(undisturbed, tmp_path):
    """A copy of the undisturbed run's folder."""
    return shutil.copytree(undisturbed[1], tmp_path / "out")


def flip(path, place, draws):
    data = bytearray(path.read_bytes())
    data[place] ^= draws.randrange(1, 256)
    path.write_bytes(data)


def unit_keys(*files):
    keys = set()
    for path in files:
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: (
                    keys.update(item[()].tolist()) if name.endswith("unit_key") else None
                )
            )
    return keys


def places(path, draws, *wanted):
    """Where to flip: the texts that are wanted, both ends, and anywhere."""
    content = path.read_bytes()
    found = [0, len(content) - 1]
    for text in wanted:
        assert text in content, text
        found.append(content.index(text) + draws.randrange(len(text)))
    return found + [draws.randrange(len(content)) for _ in range(FLIPS - len(found))]


@pytest.mark.parametrize("turn", range(FLIPS))
def test_a_flipped_byte_of_a_part_has_its_units_done_again(
    program, undisturbed, damaged, draws, turn
):
    spec, reference = undisturbed
    part = draws.choice(sorted(damaged.glob("parts/*.h5")))
    lost = unit_keys(part)
    flip(part, places(part, draws, b"long_name")[turn], draws)
    (damaged / "archive.h5").unlink()  # with it nothing is to be done
    before = scenarios.parts(damaged)
    result = program("run", spec, "--out", damaged)
    assert result.returncode == 0, result.stderr
    assert f"{part} is damaged; its units are done again" in result.stderr
    # The same units in the same order make the same part, under the same name.
    after = scenarios.parts(damaged)
    written = [name for name in after if before.get(name) != after[name]]
    done = unit_keys(*(damaged / "parts" / name for name in written))
    assert done == lost, "other units were done than those of the damaged part"
    check_same(program, reference, damaged)


@pytest.mark.parametrize("turn", range(FLIPS))
def test_a_flipped_byte_of_an_archive_is_refused_and_written_anew(
    program, undisturbed, damaged, draws, turn, tmp_path
):
    spec, reference = undisturbed
    archive = damaged / "archive.h5"
    flip(archive, places(archive, draws, *ARCHIVE_TEXTS)[turn], draws)
    new = tmp_path / "new"
    for command in (
        ("diff", reference / "archive.h5", archive),
        ("solve", archive, spec, "--out", new),
        ("run", spec, "--out", new, "--from", archive),
    ):
        assert str(archive) in program.refuses(*command)
        assert not new.exists()
    result = program("run", spec, "--out", damaged)
    assert result.returncode == 0, result.stderr
    assert "units/s" not in result.stderr, "the parts are sound"
    check_same(program, reference, damaged)
    assert scenarios.parts(damaged).keys() == scenarios.parts(reference).keys()
