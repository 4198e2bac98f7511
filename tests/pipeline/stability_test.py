"""Plans on resampled calibration samples: an independent re-solution, ranks, restart."""

import itertools
import json

import h5py
import numpy as np
import pytest
from conftest import is_identical, merged, parts, tiny_spec

RESAMPLES, BLOCK, SEED = 20, 10, 11
MASK = (1 << 64) - 1
SOLVE = {"resamples": RESAMPLES, "seed": SEED, "loss_model": "bias", "strategies": ["ip"]}


class MersenneTwister64:
    """mt19937_64 (Nishimura 2000), written from its definition."""

    def __init__(self, seed):
        self.state = [seed]
        for i in range(1, 312):
            last = self.state[-1]
            self.state.append((6364136223846793005 * (last ^ (last >> 62)) + i) & MASK)
        self.place = 312

    def __call__(self):
        if self.place == 312:
            self._twist()
        x = self.state[self.place]
        self.place += 1
        x ^= (x >> 29) & 0x5555555555555555
        x ^= (x << 17) & 0x71D67FFFEDA60000
        x ^= (x << 37) & 0xFFF7EEE000000000
        return x ^ (x >> 43)

    def _twist(self):
        for i in range(312):
            upper = self.state[i] & 0xFFFFFFFF80000000
            x = upper | (self.state[(i + 1) % 312] & 0x7FFFFFFF)
            odd = 0xB5026F5AA96619E9 if x & 1 else 0
            self.state[i] = self.state[(i + 156) % 312] ^ (x >> 1) ^ odd
        self.place = 0


def draws(samples):
    """[resample, draw]: places by the rejection that Boost's uniform_int_distribution does."""
    bits = MersenneTwister64(SEED)
    bucket = MASK // samples + (MASK % samples == samples - 1)

    def place():
        while True:
            if (found := bits() // bucket) < samples:
                return found

    return np.array([[place() for _ in range(samples)] for _ in range(RESAMPLES)])


@pytest.fixture(scope="module")
def resampled(program, tmp_path_factory, material):
    folder = tmp_path_factory.mktemp("resampled")
    (folder / "spec.yaml").write_text(json.dumps(merged(tiny_spec(material), {"solve": SOLVE})))
    result = program("run", folder / "spec.yaml", "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return folder


def test_mersenne_twister_is_the_standard_s():
    bits = MersenneTwister64(5489)
    for _ in range(9999):
        bits()
    assert bits() == 9981545732273789042  # what the C++ standard says of the 10,000th


def selections(archive, objective):
    """Formats (1 low) of every selection with its gain."""
    gains = archive[f"gains/{objective}"]
    of_op = archive["ops/subgraph"][()]
    listed = [[] for _ in range(of_op.max() + 1)]
    for j, formats, gain in zip(gains["subgraph"][()], gains["formats"].asstr()[()],
                                gains["gain"][()], strict=True):  # fmt: skip
        listed[j].append(([name != "bf16" for name in formats.split(",")], gain))
    plans, totals = [], []
    for chosen in itertools.product(*listed):
        plan = np.zeros(len(of_op), int)
        for j, (formats, _) in enumerate(chosen):
            plan[of_op == j] = formats
        plans.append(plan)
        totals.append(sum(gain for _, gain in chosen))
    return np.array(plans), np.array(totals)


@pytest.mark.parametrize("objective", ["macs", "memory"])
def test_an_enumeration_finds_the_same_plans(resampled, objective):
    with h5py.File(resampled / "out/archive.h5") as archive:
        errors = np.zeros((6, len(archive["ops/path"])))
        for place, op in enumerate(archive["operands/op"][()]):
            errors[:, op] += archive["scores/signed_error"][:, place, 0]
        squares, losses = errors**2, archive["scores/loss"][()]
        plans, gains = selections(archive, objective)
        table, stable = archive[f"resamples/{objective}"], archive[f"stability/{objective}"]
        thresholds = stable["threshold"][()]
        found = table["gain"][()].transpose(1, 0, 2).reshape(len(thresholds), RESAMPLES)
        low = np.zeros((len(thresholds), len(errors[0])))
        assert (table["is_solved"][()] == 1).all()
        best = np.zeros_like(found)
        for r, places in enumerate(draws(6)):
            d, mean_square = squares[places].mean(axis=0), np.mean(losses[places] ** 2)
            costs = plans @ d
            for t, tau in enumerate(thresholds):
                allowed, beta = tau**2 * mean_square, 12 / 2
                budget = 2 * allowed / (np.sqrt(1 + 4 * beta**2 * allowed) + 1)
                kept = np.flatnonzero(costs <= budget * (1 + 1e-12))
                order = np.lexsort((costs[kept], -gains[kept]))
                best[t, r] = gains[kept[order[0]]]
                low[t] += plans[kept[order[0]]]
        np.testing.assert_array_equal(found, best)
        np.testing.assert_array_equal(table["low"][()].sum(axis=0)[:, :, 0], low)
        np.testing.assert_allclose(stable["share"][:, :, 0], low / RESAMPLES)
        assert stable["resamples"][()].tolist() == [RESAMPLES] * len(thresholds)
        for name, share in (("low", 0.025), ("median", 0.5), ("high", 0.975)):
            expected = np.quantile(best, share, axis=1)
            np.testing.assert_allclose(stable[f"gain_{name}"][()], expected)
        assert len(np.unique(best)) > 3, "resamples should lead to several plans"


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_change_nothing(program, resampled, tmp_path, ranks):
    spec = resampled / "spec.yaml"
    result = program("run", spec, "--out", tmp_path / "out", ranks=ranks)
    assert result.returncode == 0, result.stderr
    same, differences = is_identical(program, resampled / "out", tmp_path / "out")
    assert same, differences


def test_more_resamples_keep_the_first_ones(program, write_spec, tmp_path):
    out = tmp_path / "out"
    assert program("run", write_spec(solve=SOLVE), "--out", out).returncode == 0
    before = parts(out)
    with h5py.File(out / "archive.h5") as archive:
        keys = archive["resamples/macs/unit_key"].asstr()[()].tolist()
    more = program("run", write_spec(solve=SOLVE | {"resamples": 40}), "--out", out)
    assert more.returncode == 0, more.stderr
    assert before.items() <= parts(out).items()
    with h5py.File(out / "archive.h5") as archive:
        assert archive["resamples/macs/unit_key"].asstr()[()].tolist()[:2] == keys
        assert archive["stability/macs/resamples"][0] == 40


def test_solving_an_archive_gives_the_same(program, resampled, finished, write_spec, tmp_path):
    new = tmp_path / "new.h5"
    archive = resampled / "out/archive.h5"
    result = program("solve", archive, resampled / "spec.yaml", "--out", new)
    assert result.returncode == 0, result.stderr
    same = program("diff", archive, new)
    assert same.returncode == 0, same.stdout
    # Of an archive that had none.
    result = program("solve", finished / "out/archive.h5", write_spec(solve=SOLVE), "--out",
                     tmp_path / "other.h5")  # fmt: skip
    assert result.returncode == 0, result.stderr
    with h5py.File(archive) as a, h5py.File(tmp_path / "other.h5") as b:
        assert a["stability/macs"].attrs["sha256"] == b["stability/macs"].attrs["sha256"]


def test_a_plan_counts_its_blocks(program, write_spec):
    without = program("plan", write_spec(), "--json")
    with_them = program("plan", write_spec(name="more.yaml", solve={"resamples": 20}), "--json")
    planned = [json.loads(run.stdout)["stages"][-1]["units"] for run in (without, with_them)]
    assert planned[1] - planned[0] == 2 * RESAMPLES // BLOCK
