"""The program computes the numbers that it computed before; tests/pipeline/numbers has them."""

import sys

import pytest
from conftest import SOURCE

sys.path.insert(0, str(SOURCE / "tests/pipeline/numbers"))
import kept

SHOWN = 20


@pytest.fixture(scope="module")
def stored():
    return kept.load()


@pytest.fixture(scope="module")
def archive(program, tmp_path_factory):
    return kept.made(program.path, tmp_path_factory.mktemp("numbers") / "out")


@pytest.fixture(scope="module")
def now(archive):
    return {name: kept.as_kept(value) for name, value in kept.found(archive).items()}


def is_exact(name):
    return name.split("/", 1)[1].startswith(kept.EXACT)


def check(expected, found):
    assert expected
    differences = [kept.difference(n, expected[n], found[n]) for n in expected if n in found]
    lines = [text for text, _ in filter(None, differences)]
    lines += [f"{name}: it is no more" for name in expected if name not in found]
    assert not lines, f"{len(lines)} differ:\n" + "\n".join(lines[:SHOWN])


def test_what_no_arithmetic_has_a_part_in(stored, now):
    check({n: v for n, v in stored["numbers"].items() if is_exact(n)}, now)


def test_every_bit_where_the_arithmetic_is_the_same(stored, archive, now):
    about = kept.arithmetic(archive)
    if about != stored["arithmetic"]:
        pytest.skip(f"sums differ in their last bits here: {about} is not {stored['arithmetic']}")
    check(stored["numbers"], now)
    assert now.keys() == stored["numbers"].keys()


def test_a_changed_bit_is_named(stored):
    numbers = stored["numbers"]
    for start in ("scores/", "evaluations/losses/", "frontier/macs/loss_error", "plans/macs/ip/"):
        name = next(n for n in numbers if f"/{start}" in n and is_number(numbers[n]))
        other = changed(numbers[name])
        text, relative = kept.difference(name, numbers[name], other)
        assert text.startswith(name) and 0 <= relative < 1
        with pytest.raises(AssertionError, match="1 differ"):
            check(numbers, numbers | {name: other})


def is_number(value):
    """Whether its first number can be made a little larger; of a digest any is."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, dict) or (isinstance(value, float) and value != 0)


def changed(value):
    """With the first number a little larger."""
    if isinstance(value, dict):
        return value | {"sha256": "0" * 64}
    if isinstance(value, list):
        return [changed(value[0]), *value[1:]]
    return value * (1 + 2**-52)
