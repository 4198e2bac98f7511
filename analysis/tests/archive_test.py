"""The reader refuses what is no archive and says why."""

import os

import h5py
import numpy as np
import pytest
import synthetic
from gainsweep_analysis.__main__ import main


def refusal(path, capsys) -> str:
    assert main(["table", str(path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert str(path) in printed.err
    return printed.err


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "archive.h5"
    synthetic.write(path, synthetic.Recipe(objectives=("macs",), evaluated=0, layers=1))
    return path


def altered(path, change):
    """The archive with its HDF5 part changed and sealed anew."""
    with h5py.File(path, "r+") as file:
        change(file)
    synthetic.seal(path)


def test_missing_file(tmp_path, capsys):
    assert "there is no such file" in refusal(tmp_path / "absent.h5", capsys)


def test_folder(tmp_path, capsys):
    assert "the folder has no archive.h5" in refusal(tmp_path, capsys)


@pytest.mark.parametrize(
    "content", [b"", b"name,gain\n1,2\n", b"gainsweep archive\n", b"\0" * 9000]
)
def test_foreign_file(tmp_path, capsys, content):
    path = tmp_path / "archive.h5"
    path.write_bytes(content)
    assert "not a gainsweep archive" in refusal(path, capsys)


def test_foreign_hdf5_file(tmp_path, capsys):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    assert "an HDF5 file of another program" in refusal(path, capsys)


@pytest.mark.parametrize("place", [600, -1])
def test_altered_byte(path, capsys, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert "damaged, cut short or altered" in refusal(path, capsys)


def test_cut_short(path, capsys):
    path.write_bytes(path.read_bytes()[:-100])
    assert "damaged, cut short or altered" in refusal(path, capsys)


def test_other_version(path, capsys):
    altered(path, lambda file: file.attrs.modify("schema_version", 3))
    assert "version 3" in refusal(path, capsys)


def test_earlier_version(path, capsys):
    altered(path, lambda file: file.attrs.modify("schema_version", 1))
    said = refusal(path, capsys)
    assert "an earlier gainsweep wrote it" in said
    assert "or run the spec anew" in said


def test_missing_scores(path, capsys):
    def change(file):
        del file["scores"]

    altered(path, change)
    assert "no table 'scores'" in refusal(path, capsys)


@pytest.mark.parametrize("field", ["ops/path", "plans/macs/ip/gain", "points/spec_resolved"])
def test_missing_field(path, capsys, field):
    def change(file):
        del file[field]

    altered(path, change)
    assert "do not fit this version" in refusal(path, capsys)


def in_a_pipe(pipe):
    """Ways to lead a reader to another file: opening a pipe would wait for ever."""
    source = h5py.VirtualSource(pipe, "x", shape=(4,))
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = source

    def link(kind):
        def change(file):
            file["ops/x"] = kind

        return change

    return {
        "external storage": lambda file: file["ops"].create_dataset(
            "x", (4,), "f8", external=[(pipe, 0, h5py.h5f.UNLIMITED)]
        ),
        "virtual storage": lambda file: file["ops"].create_virtual_dataset("x", layout),
        "link x leads elsewhere": link(h5py.ExternalLink(pipe, "/")),
        "/ops: link x leads elsewhere": link(h5py.SoftLink("/formats")),
    }


@pytest.mark.parametrize("way", list(in_a_pipe("pipe")))
def test_other_files_are_not_opened(path, tmp_path, capsys, way):
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    altered(path, in_a_pipe(pipe)[way])
    assert way in refusal(path, capsys)


def test_unknown_objective(path, capsys):
    assert main(["table", str(path), "--objective", "time"]) == 2
    assert "no plans for the objective 'time' (objectives: macs)" in capsys.readouterr().err


def test_reads_what_was_written(cases):
    case = cases("formats")
    found, model = case.archive, case.run.model
    assert [op.path for op in found.ops] == model.paths
    assert [subgraph.ops for subgraph in found.subgraphs] == [tuple(ops) for ops in model.members]
    assert found.high == "bf16"
    assert found.low == ["int8", "fp8_e4m3", "fp8_e5m2"]
    assert found.targets == "64"
    assert found.ops[model.paths.index("layers.0.attention.qk")].real_formats == ("bf16",)
    np.testing.assert_array_equal(found.scores.signed_error, case.run.signed_error)
    assert found.provenance["spec_resolved"] == synthetic.spec_text(case.run.recipe)
    assert found.machine["host"] == "node"
    timed, timing = case.run.timings[0], found.timings[0]
    assert timing.table == f"latency/class_{timed.cls}"
    assert timing.members == len(timed.groups)
    assert timing.configurations[3] == tuple(model.formats[f] for f in timed.configurations[3])
    np.testing.assert_array_equal(timing.seconds, timed.seconds)
    np.testing.assert_array_equal(timing.whole, timed.seconds[:, 0])
    alone = cases("alone")
    np.testing.assert_array_equal(alone.archive.timings[0].whole, alone.run.timings[0].whole)
