"""xarray, h5netcdf and netCDF4 open every group of an archive, with names along its axes."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import SOURCE

README = SOURCE / "analysis" / "README.md"


@pytest.fixture
def xarray():
    for library in ("h5netcdf", "netCDF4"):
        pytest.importorskip(library)
    return pytest.importorskip("xarray")


@pytest.fixture(params=["one point", "variants"])
def archive(request, finished, program, write_spec, tmp_path):
    """Of a run without a sweep, and of a sweep with tables in variants."""
    if request.param == "one point":
        return finished / "out/archive.h5"
    sweep = {"product": {"formats.low": [["int8"], ["int8", "fp8_e4m3"]]}}
    result = program("run", write_spec(sweep=sweep), "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "out/archive.h5") as file:
        assert "variants" in file
    return tmp_path / "out/archive.h5"


def fields(archive: Path) -> dict[str, tuple]:
    """Extents of every field that is no scalar, by path."""
    found = {}

    def visit(path, item):
        if isinstance(item, h5py.Dataset) and item.shape:
            found[path] = tuple(item.shape)

    with h5py.File(archive) as file:
        file.visititems(visit)
    return found


def groups(archive: Path) -> list[str]:
    found = ["/"]
    with h5py.File(archive) as file:
        file.visititems(
            lambda path, item: found.append(path) if isinstance(item, h5py.Group) else None
        )
    return found


def test_names_are_those_of_all_points(archive):
    """h5py alone: numbers where points have other formats."""
    with h5py.File(archive) as file:
        ops = len(file["ops/path"])
        assert list(file[f"op_{ops}"]) == list(file["ops/path"])
        if "variants" in file:
            assert list(file["format_2"]) == [0, 1]
        else:
            assert list(file["format_2"]) == [b"bf16", b"int8"]


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_xarray(archive, xarray, engine):
    listed = groups(archive)
    assert len(listed) > 15
    for group in listed:
        with xarray.open_dataset(archive, group=group, engine=engine) as dataset:
            dataset.load()
    with xarray.open_datatree(archive, engine=engine) as tree:
        assert {node.path.strip("/") for node in tree.subtree} == {
            group.strip("/") for group in listed
        }
        for path, shape in fields(archive).items():
            assert tree[path].shape == shape, path


def test_netcdf4_and_h5netcdf(archive, xarray):
    import h5netcdf
    import netCDF4

    with netCDF4.Dataset(archive) as first, h5netcdf.File(archive, "r") as second:
        for path, shape in fields(archive).items():
            assert first[path].shape == second[path].shape == shape, path
            assert first[path].dimensions == second[path].dimensions, path


def test_names_along_axes(finished, xarray):
    archive = finished / "out/archive.h5"
    with h5py.File(archive) as file, xarray.open_datatree(archive, engine="h5netcdf") as tree:
        paths, formats = file["ops/path"][()], file["formats/name"][()]
        errors = tree["loss_errors/empirical"]
        ops, places = errors.dims
        np.testing.assert_array_equal(errors[ops], paths)
        np.testing.assert_array_equal(errors[places], formats)
        chosen = errors.sel({ops: paths[3], places: b"int8"})
        assert float(chosen) == file["loss_errors/empirical"][3, 1] > 0
        scores = tree["scores"]
        assert scores["sample"].dims == ("unit_key",)
        np.testing.assert_array_equal(scores["sample"], np.arange(6))


def test_the_figure_in_the_readme(finished, xarray, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("Agg")
    block = re.search(r"```python\n(import xarray.*?)```", README.read_text(), re.DOTALL)[1]
    assert len(list(filter(None, block.splitlines()))) == 5
    (tmp_path / "archive.h5").symlink_to(finished / "out/archive.h5")
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    assert (tmp_path / "loss_errors.png").read_bytes().startswith(b"\x89PNG")
