"""Odd names, odd files, odd outputs: an answer or an error that says what to do."""

import errno
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
import synthetic
from gainsweep_analysis import archive, comparison
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.figures import draw_all, save

RECIPE = {"objectives": ("macs",), "evaluated": 0, "layers": 1}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "archive.h5"
    synthetic.write(path, synthetic.Recipe(**RECIPE))
    return path


def altered(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    synthetic.seal(path)


def refusal(path, capsys) -> str:
    assert main(["table", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def replace_texts(group, name, values):
    attributes = dict(group[name].attrs)
    del group[name]
    texts = np.array([value.encode() for value in values])
    group[name] = texts.astype(h5py.string_dtype("utf-8", texts.dtype.itemsize))
    group[name].attrs.update(attributes)


def test_odd_names_in_figures(tmp_path, path):
    odd = r"a$\frac{$b"

    def change(file):
        paths = file["ops/path"].asstr()[()]
        replace_texts(file["ops"], "path", [f"layers.{odd}.{path}" for path in paths])
        replace_texts(file["subgraphs"], "name", [odd] * len(file["subgraphs/name"]))
        file["provenance"].attrs["name"] = odd

    altered(path, change)
    found = archive.read(path)
    save(draw_all(found), tmp_path)
    assert (tmp_path / "sensitivity.pdf").stat().st_size > 0
    assert main(["report", str(path), "--out", str(tmp_path / "report.html")]) == 0


def test_no_markup_is_left_in_figures(cases):
    """Names may have dollar signs, so nothing in a figure is markup."""
    for drawing in draw_all(cases("whole").archive):
        drawing.figure.draw_without_rendering()
        texts = [
            found.get_text() for found in drawing.figure.findobj(lambda a: hasattr(a, "get_text"))
        ]
        assert not [text for text in texts if "$" in text], drawing.name


@pytest.mark.parametrize("ranges", ["0-9999999999", "1", "0-1", "3-0", "0,0-2", "-1"])
def test_points_that_are_not_there(path, capsys, ranges):
    def change(file):
        replace_texts(file["ops"], "points", [ranges] * len(file["ops/points"]))

    altered(path, change)
    said = refusal(path, capsys)
    assert "points" in said or "do not fit" in said


def test_ranges_of_billions_take_no_memory(path, capsys):
    def change(file):
        replace_texts(file["ops"], "points", ["0-9999999999"] * len(file["ops/points"]))

    altered(path, change)
    assert "its table ops are of the points 0-9999999999, and it has 1 points" in refusal(
        path, capsys
    )


def test_values_that_were_never_written(path, capsys):
    def change(file):
        attributes = dict(file["scores/loss"].attrs)
        del file["scores/loss"]
        file["scores"].create_dataset("loss", (1 << 40,), "f8", chunks=(1024,))
        file["scores/loss"].attrs.update(attributes)

    altered(path, change)
    assert "/scores/loss has 8796093022208 bytes that were not written" in refusal(path, capsys)


@pytest.mark.parametrize("kind", ["external", "virtual", "soft"])
def test_values_of_other_files(tmp_path, path, capsys, kind):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(96))
    os.mkfifo(tmp_path / "fifo")

    def change(file):
        attributes = dict(file["scores/loss"].attrs)
        del file["scores/loss"]
        if kind == "external":
            file["scores"].create_dataset(
                "loss", (12,), "f8", external=[(str(tmp_path / "fifo"), 0, 96)]
            )
        elif kind == "virtual":
            layout = h5py.VirtualLayout((12,), "f8")
            layout[:] = h5py.VirtualSource(str(secret), "x", (12,))
            file["scores"].create_virtual_dataset("loss", layout)
        else:
            file["scores/loss"] = h5py.ExternalLink(str(secret), "/x")
            return
        file["scores/loss"].attrs.update(attributes)

    altered(path, change)
    assert "other files" in refusal(path, capsys)


def test_a_runs_folder(path, capsys):
    assert main(["table", str(path.parent)]) == 0
    by_folder = capsys.readouterr().out
    assert main(["table", str(path)]) == 0
    assert capsys.readouterr().out == by_folder


def test_a_fifo(tmp_path, capsys):
    os.mkfifo(tmp_path / "archive.h5")
    assert "no regular file" in refusal(tmp_path / "archive.h5", capsys)


def test_archives_are_opened_without_locks(path, monkeypatch):
    opened = {}

    class Spy(h5py.File):
        def __init__(self, name, **options):
            opened.update(options)
            super().__init__(name, **options)

    monkeypatch.setattr(archive.h5py, "File", Spy)
    archive.read(path)
    assert opened["locking"] is False


def test_a_failing_disk_is_no_wrong_version(path, monkeypatch, capsys):
    def fail(*_, **__):
        raise OSError(errno.EIO, "Can't read data")

    monkeypatch.setattr(archive, "read_tables", fail)
    assert main(["table", str(path)]) == 1
    said = capsys.readouterr().err
    assert "it cannot be read" in said
    assert "version" not in said


def command(path, **options):
    arguments = [sys.executable, "-m", "gainsweep_analysis", "table", str(path)]
    return subprocess.run(arguments, stderr=subprocess.PIPE, text=True, **options)


def test_a_full_standard_output(path):
    with open("/dev/full", "w") as full:
        done = command(path, stdout=full)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Exception" not in done.stderr


def test_a_closed_standard_output(path):
    done = command(path, preexec_fn=lambda: os.close(1))
    assert done.returncode == 1
    assert "standard output is closed" in done.stderr


def test_a_reader_that_left(path):
    reading, writing = os.pipe()
    os.close(reading)
    done = command(path, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_name_of_any_bytes(tmp_path, path):
    name = os.fsencode(tmp_path) + b"/\xff.h5"
    os.rename(path, name)
    arguments = [sys.executable, "-m", "gainsweep_analysis", "compare", name, name]
    done = subprocess.run(arguments, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert name in done.stdout


def test_compare_of_different_thresholds(tmp_path):
    recipes = [(1e-3, 1e-2), (2e-3, 1e-2 * (1 + 1e-15), 5e-2)]
    found = []
    for place, thresholds in enumerate(recipes):
        path = tmp_path / f"{place}.h5"
        synthetic.write(path, synthetic.Recipe(thresholds=thresholds, **RECIPE))
        found.append(archive.read(path))
    pairs = comparison.pairs(*found, "macs")
    own = [
        tuple(row and round(row.threshold, 9) for row in (pair.first, pair.second))
        for pair in pairs
    ]
    assert own == [(1e-3, None), (1e-3, 2e-3), (1e-2, 1e-2), (1e-2, 5e-2)]
    assert [pair.differing is None for pair in pairs] == [True, False, False, False]
    assert pairs[2].differing == 0
    assert pairs[3].second.gain >= pairs[3].first.gain
    records = comparison.records(*found, ["macs"])
    assert [record["b_threshold"] for record in records][1] == 2e-3
    assert "at, %" in comparison.text(*found, ["macs"])
