"""Sample files of arrays, images and IDX files, as the program would read them."""

import gzip
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from gainsweep_analysis.__main__ import main


class Made:
    """A sample file as docs/sample_files.md has it."""

    def __init__(self, path):
        with h5py.File(path) as file:
            assert file.attrs["kind"] == "samples"
            self.attributes = dict(file.attrs)
            self.inputs = {name: values[()] for name, values in file["inputs"].items()}
            self.scaling = {
                name: tuple(values.attrs[part] for part in ("scale", "offset"))
                for name, values in file["inputs"].items()
                if "scale" in values.attrs
            }
            self.labels = file["labels"][()].tolist() if "labels" in file else None
            self.offset = file["offset"][()].tolist() if "offset" in file else None

    def reals(self, name):
        scale, offset = (np.asarray(part, np.float64) for part in self.scaling[name])
        if scale.ndim:
            scale = scale[:, None, None]
        if offset.ndim:
            offset = offset[:, None, None]
        return (self.inputs[name] * scale + offset).astype(np.float32)


class Maker:
    def __init__(self, folder, capsys):
        self.folder, self.capsys, self.count = folder, capsys, 0

    def array(self, name, values):
        path = self.folder / name
        np.save(path, np.asarray(values))
        return path

    def arrays(self, **values):
        np.savez(self.folder / "a.npz", **values)
        return self.folder / "a.npz"

    def run(self, *options):
        self.count += 1
        self.out = self.folder / f"out/{self.count}.h5"
        return main(["samples", "--out", str(self.out), *map(str, options)])

    def __call__(self, *options):
        assert self.run(*options) == 0, self.capsys.readouterr().err
        return Made(self.out)

    def refused(self, *options):
        assert self.run(*options) == 2
        assert not list(self.folder.glob("out/*")), "nothing is left behind"
        return self.capsys.readouterr().err


@pytest.fixture
def maker(tmp_path, capsys):
    return Maker(tmp_path, capsys)


def test_arrays_are_inputs(maker):
    ids = np.arange(6, dtype=np.int32).reshape(3, 2)
    x = np.linspace(0, 1, 12).reshape(3, 4)
    mask = np.array([True, False, True])
    made = maker("--input", f"input_ids={maker.array('i.npy', ids)}",
                 "--input", f"x={maker.array('x.npy', x)}",
                 "--input", f"mask={maker.array('m.npy', mask)}",
                 "--labels", maker.array("l.npy", [4, 0, 2]),
                 "--source", "made up", "--licence", "CC0-1.0")  # fmt: skip
    assert list(made.inputs) == ["input_ids", "mask", "x"]
    assert made.inputs["input_ids"].dtype == np.int32
    np.testing.assert_array_equal(made.inputs["input_ids"], ids)
    assert made.inputs["x"].dtype == np.float32, "what the program takes"
    np.testing.assert_array_equal(made.inputs["x"], x.astype(np.float32))
    assert made.inputs["mask"].dtype == bool
    assert made.labels == [4, 0, 2]
    assert made.offset is None
    assert made.scaling == {}
    assert made.attributes["source"] == "made up"
    assert made.attributes["licence"] == "CC0-1.0"
    assert "3 samples, input_ids 2 indices, x 4 reals, mask one number indices, labels up to 4" in (
        maker.capsys.readouterr().out
    )


def test_labels_and_offset_of_npz_are_no_inputs(maker):
    made = maker("--npz", maker.arrays(x=np.zeros((5, 2)), labels=[0, 1], offset=[0, 2, 5]))
    assert list(made.inputs) == ["x"]
    assert (made.labels, made.offset) == ([0, 1], [0, 2, 5])


def test_some_of_the_samples(maker):
    x = maker.array("x.npy", np.arange(6))
    labels = maker.array("l.npy", np.arange(10, 16))
    made = maker("--input", f"x={x}", "--labels", labels, "--first", 2, "--count", 3)
    assert (made.inputs["x"].tolist(), made.labels) == ([2, 3, 4], [12, 13, 14])
    made = maker("--input", f"x={x}", "--first", 4)
    assert (made.inputs["x"].tolist(), made.labels) == ([4, 5], None)
    groups = maker.array("o.npy", [0, 2, 4, 6])
    labels = maker.array("l.npy", [0, 0, 0])
    made = maker("--input", f"x={x}", "--labels", labels, "--offset", groups, "--first", 1,
                 "--count", 1)  # fmt: skip
    assert (made.inputs["x"].tolist(), made.labels, made.offset) == ([2, 3], [0], [0, 2])
    for options in (("--first", 6), ("--first", 4, "--count", 3), ("--count", 7)):
        assert maker.run("--input", f"x={x}", *options) == 2
        assert "there are 6 samples, and --first" in maker.capsys.readouterr().err


def test_the_same_bytes_for_the_same_samples(maker, tmp_path):
    x = maker.array("x.npy", np.random.default_rng(0).random((300, 3, 20, 20)))
    maker("--input", f"x={x}", "--source", "made up")
    first = maker.out
    time.sleep(1.1)  # times in HDF5 files are in seconds
    maker("--input", f"x={x}", "--source", "made up")
    assert first.read_bytes() == maker.out.read_bytes()
    with h5py.File(maker.out) as file:
        assert file["inputs/x"].compression == "gzip"
        assert file["inputs/x"].chunks[1:] == (3, 20, 20)


def idx_file(path, values, pack=gzip.compress):
    values = np.asarray(values, np.uint8)
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(pack(head + values.tobytes()))
    return path


def test_idx_files_stay_bytes(maker, tmp_path):
    pixels = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    images = idx_file(tmp_path / "i.gz", pixels)
    labels = idx_file(tmp_path / "l", [3, 1, 4, 1, 5], bytes)
    made = maker("--idx", images, labels, "--mean", 0.25, "--std", 0.5, "--name", "images")
    assert made.inputs["images"].dtype == np.uint8
    assert made.inputs["images"].shape == (5, 1, 4, 3)
    expected = (pixels / 255 - 0.25) / 0.5
    np.testing.assert_allclose(made.reals("images")[:, 0], expected, rtol=0, atol=1e-6)
    assert made.labels == [3, 1, 4, 1, 5]
    assert maker("--idx", images, labels).scaling["x"] == (1 / 255, 0)


def test_fashion_mnist_is_read(maker):
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.exists():
        pytest.skip("dataset-fashion-mnist is not installed")
    images, labels = (folder / f"t10k-{name}-ubyte.gz" for name in ("images-idx3", "labels-idx1"))
    made = maker("--idx", images, labels, "--count", 64)
    assert made.inputs["x"].shape == (64, 1, 28, 28)
    assert made.labels[:5] == [9, 2, 1, 1, 6]


def test_idx_files_that_are_none(maker, tmp_path):
    images = idx_file(tmp_path / "i", np.zeros((2, 4, 4)), bytes)
    labels = idx_file(tmp_path / "l", [0, 1], bytes)
    assert "l: it is no IDX file of bytes with 3 axes (it begins with 00 00 08 01)" in (
        maker.refused("--idx", labels, images)
    )
    cut = tmp_path / "cut"
    cut.write_bytes(images.read_bytes()[:-1])
    assert "cut: 31 bytes for the shape [2, 4, 4]. It is cut off" in (
        maker.refused("--idx", cut, labels)
    )
    cut.write_bytes(gzip.compress(images.read_bytes())[:-9])
    assert "cut: Compressed file ended" in maker.refused("--idx", cut, labels)


@pytest.fixture
def photographs(tmp_path):
    """Two classes; each image is of one colour with a mark in its middle."""
    image = pytest.importorskip("PIL.Image")
    for name, number, size in (("b", 0, (40, 60)), ("a", 1, (60, 40)), ("a", 2, (30, 30))):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.full((size[1], size[0], 3), (10 * number, 100, 200), np.uint8)
        image.fromarray(pixels).save(folder / f"{number}.png")
    (tmp_path / "images/a/notes.txt").write_text("no image")
    return tmp_path / "images"


def test_folders_of_images_are_classes_in_turn(maker, photographs):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    made = maker("--images", photographs, "--size", 28, "--mean", ",".join(map(str, mean)),
                 "--std", ",".join(map(str, std)))  # fmt: skip
    assert made.inputs["x"].shape == (3, 3, 28, 28)
    assert made.labels == [0, 1, 0], "a/1, b/0, a/2"
    assert made.inputs["x"][:, :, 3, 5].tolist() == [[10, 100, 200], [0, 100, 200], [20, 100, 200]]
    expected = (np.array([10, 100, 200]) / 255 - mean) / std
    np.testing.assert_allclose(made.reals("x")[0, :, 3, 5], expected, rtol=0, atol=1e-6)
    made = maker("--images", photographs, "--size", 28, "--first", 1, "--count", 1)
    assert (made.inputs["x"][0, :, 0, 0].tolist(), made.labels) == ([0, 100, 200], [1])
    assert maker("--images", photographs / "a", "--size", 8).labels is None


def test_the_centre_of_images_is_taken(maker, tmp_path):
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "images").mkdir()
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[5:15, 10:20] = np.arange(100).reshape(10, 10, 1)
    image.fromarray(pixels).save(tmp_path / "images/1.png")
    made = maker("--images", tmp_path / "images", "--size", 10, "--shorter", 20)
    np.testing.assert_array_equal(made.inputs["x"][0, 0], np.arange(100).reshape(10, 10))


def test_images_that_are_none(maker, photographs, monkeypatch):
    (photographs / "b/3.jpg").write_text("no image")
    assert "b/3.jpg: cannot identify image file" in (
        maker.refused("--images", photographs, "--size", 8)
    )
    (photographs / "empty").mkdir()
    assert "empty: no image is in it" in maker.refused("--images", photographs, "--size", 8)
    assert "none: it is no folder" in maker.refused("--images", photographs / "none", "--size", 8)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "images need the package pillow" in (
        maker.refused("--images", photographs / "a", "--size", 8)
    )


WRONG = {  # arrays, and what is said of them
    "rows": ({"x": np.zeros((2, 3)), "y": np.zeros(3)}, "input 'y' has 3 rows and 'x' 2"),
    "none": ({"labels": [1]}, "there is no input"),
    "name": ({"a/b": [1]}, "input 'a/b': this is no name of a dataset"),
    "complex": ({"x": np.zeros(2, complex)}, "input 'x' holds complex128, neither"),
    "texts": ({"x": np.array(["a"])}, "input 'x' holds <U1, neither"),
    "scalar": ({"x": np.float32(1)}, "input 'x' has the shape ()"),
    "empty": ({"x": np.zeros((2, 0))}, "input 'x' has the shape (2, 0)"),
    "nan": ({"x": [[0, 1], [2, np.nan]]}, "input 'x': value [1, 1] is nan, no finite number"),
    "large": ({"x": [0, 1e39]}, "input 'x': value [1] is 1e+39, no finite number"),
    "label": ({"x": [0, 1], "labels": [0, -100]}, "label [1] is -100. Give classes from 0 on."),
    "place": ({"x": [0, 1], "labels": [[0, 1], [2, -1]]}, "label [1, 1] is -1. Give classes from "),
    "uncounted": ({"x": [0, 1], "labels": [[0], [-100]]}, "row 1 has no label that counts"),
    "fewer": ({"x": [0, 1], "labels": [0]}, "there are labels of 1 rows, and 2 of these"),
    "reals": ({"x": [0, 1], "labels": [0.0, 1.0]}, "the labels are float64. Give integers"),
    "axes": ({"x": [0, 1], "labels": [[[1]], [[1]]]}, "the labels have the shape (2, 1, 1). Give"),
    "begin": ({"x": [0, 1], "offset": [1, 2]}, "--offset goes from 1 to 2, and there are 2 rows"),
    "end": ({"x": [0, 1], "offset": [0, 3]}, "--offset goes from 0 to 3, and there are 2 rows"),
    "alone": ({"x": [0, 1, 2], "offset": [0, 2, 3]}, "--offset: entry 2 is 3 behind 2 (a sample "),
    "offset": ({"x": [0, 1], "offset": [0.0, 2.0]}, "--offset is no list of integers"),
    "candidate": ({"x": [0, 1, 2], "offset": [0, 3], "labels": [2]},
                  "label [0] is 2. Give the place of the right candidate"),
    "queries": ({"x": [0, 1], "offset": [0, 2], "labels": [0, 1]}, "labels of 2 samples, and 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit_is_named(maker, case):
    values, message = WRONG[case]
    assert message in maker.refused("--npz", maker.arrays(**values))


def test_files_that_are_no_arrays(maker, tmp_path):
    (tmp_path / "t.npy").write_text("1 2 3")
    assert "t.npy: it is no file of arrays" in maker.refused("--input", f"x={tmp_path / 't.npy'}")
    np.save(tmp_path / "o.npy", np.array([{}]))
    assert "without pickled objects" in maker.refused("--input", f"x={tmp_path / 'o.npy'}")
    both = maker.arrays(x=[1])
    assert "Give it by --npz" in maker.refused("--input", f"x={both}")
    assert "Give it by --input" in maker.refused("--npz", maker.array("x.npy", [1]))
    broken = both.read_bytes()
    both.write_bytes(broken[:40] + bytes(40) + broken[80:])
    assert "Write it anew by numpy.savez" in maker.refused("--npz", both)


def test_options_that_do_not_fit(maker, tmp_path):
    x = maker.array("x.npy", np.zeros((2, 3)))
    both = maker.arrays(x=np.zeros((2, 3)), labels=[0, 1])
    given = ("--input", f"x={x}")
    for options, message in (
        ((), "there is no input. Give one by --input"),
        ((*given, "--npz", both), "input 'x' is there twice"),
        (("--npz", both, "--labels", x), "labels are given by --npz and --labels"),
        ((*given, "--mean", "0.5"), "--mean and --std are of --images and --idx"),
        ((*given, "--size", "8"), "--size and --shorter are of --images"),
        (("--images", tmp_path), "--images has no --size"),
        (("--images", tmp_path, "--size", 9, "--shorter", 8), "--shorter is less than --size"),
        (("--images", tmp_path, "--size", 9, "--idx", x, x), "--images and --idx are both there"),
    ):
        assert message in maker.refused(*options)
    idx = ("--idx", idx_file(tmp_path / "i", np.zeros((1, 2, 2))), idx_file(tmp_path / "l", [0]))
    assert "--mean has 3 numbers, and there are 1 channels" in (
        maker.refused(*idx, "--mean", "0,0,0")
    )
    assert "--std has a number that is not above 0" in maker.refused(*idx, "--std", "0")
    maker(*given)
    assert main(["samples", *given, "--out", str(maker.out)]) == 2
    assert "it is there already" in maker.capsys.readouterr().err
