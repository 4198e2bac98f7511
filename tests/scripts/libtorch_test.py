"""How CMake finds LibTorch and refuses systems, with made-up LibTorches of every layout."""

import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = Path(__file__).parents[2] / "cmake"

PROJECT = f"""
cmake_minimum_required(VERSION 3.24)
project(user LANGUAGES C)
list(APPEND CMAKE_MODULE_PATH "{MODULES}")
find_package(LibTorch 2.8 REQUIRED)
message(STATUS "found ${{LibTorch_VERSION}} ${{LibTorch_BUILD}} ${{LibTorch_INCLUDE_DIR}}")
add_executable(user user.c)
target_link_libraries(user PRIVATE LibTorch::LibTorch)
"""

VERSIONS = "".join(f"#define TORCH_VERSION_{part} {{}}\n" for part in ("MAJOR", "MINOR", "PATCH"))


def libtorch(folder: Path, version: str = "2.13.0", cuda: bool = False) -> Path:
    """Headers and libraries; libtorch_cpu of a CUDA build wants a library that is not there."""
    own = folder / "include/torch/csrc/api/include/torch/version.h"
    own.parent.mkdir(parents=True)
    (folder / "lib").mkdir()
    text = VERSIONS.format(*version.split("."))
    if version >= "2.13":  # where the numbers stand in a header of their own
        own.write_text("#include <torch/headeronly/version.h>\n")
        own = folder / "include/torch/headeronly/version.h"
        own.parent.mkdir(parents=True)
    own.write_text(text)

    def library(name: str, source: str, *options: str):
        file = folder / f"{name}.c"
        file.write_text(source)
        output = folder / "lib" / f"lib{name}.so"
        soname = f"-Wl,-soname,lib{name}.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", output, file, soname, *options], check=True)

    library("c10", "int c10(void) { return 1; }\n")
    if cuda:
        library("cudart", "int cuda(void) { return 1; }\n", "-Wl,-soname,libcudart.so.13")
        library("torch_cuda", "")
        body = "int cuda(void); int torch(void) { return cuda(); }\n"
        library("torch_cpu", body, f"-L{folder}/lib", "-lcudart")
        (folder / "lib/libcudart.so").unlink()
    else:
        library("torch_cpu", "int torch(void) { return 2; }\n")
    config = folder / "share/cmake/Torch/TorchConfig.cmake"
    config.parent.mkdir(parents=True)
    config.write_text('message(FATAL_ERROR "its own configuration was read")\n')
    return folder


@pytest.fixture
def configure(tmp_path):
    """Configures a user of LibTorch with options of CMake; its output, and whether it worked."""
    source = tmp_path / "user"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(PROJECT)
    (source / "user.c").write_text("int torch(void); int main(void) { return torch() != 2; }\n")

    def run(*options) -> tuple[bool, str]:
        done = subprocess.run(
            ["cmake", "-S", source, "-B", tmp_path / "build", *options],
            capture_output=True,
            text=True,
        )
        return done.returncode == 0, done.stdout + " ".join(done.stderr.split())

    return run


def build(tmp_path) -> Path:
    subprocess.run(["cmake", "--build", tmp_path / "build"], check=True, stdout=subprocess.DEVNULL)
    return tmp_path / "build" / "user"


@pytest.mark.parametrize("version", ["2.8.0", "2.13.0"])
def test_an_archive_is_found_linked_and_loaded(configure, tmp_path, version):
    folder = libtorch(tmp_path / "libtorch", version)
    found, output = configure(f"-DCMAKE_PREFIX_PATH={folder}")
    assert found, output
    assert f"found {version} cpu {folder}/include" in output
    assert subprocess.run([build(tmp_path)]).returncode == 0


def test_a_cuda_wheel_is_linked_without_its_configuration_and_cuda(configure, tmp_path):
    folder = libtorch(tmp_path / "torch", cuda=True)
    # What torch.utils.cmake_prefix_path says.
    found, output = configure(f"-DCMAKE_PREFIX_PATH={folder}/share/cmake")
    assert found, output
    assert "found 2.13.0 cuda" in output
    assert "The CPU build is smaller" in output
    program = build(tmp_path)
    needed = subprocess.run(["readelf", "-d", program], capture_output=True, text=True).stdout
    assert "[libtorch_cpu.so]" in needed
    assert "libtorch_cuda" not in needed


def test_one_in_the_projects_environment_is_found_by_itself(configure, tmp_path):
    folder = libtorch(tmp_path / "user/.venv/lib/python3.11/site-packages/torch")
    found, output = configure()
    assert found, output
    assert str(folder) in output


def test_a_named_one_wins_over_the_environments(configure, tmp_path):
    libtorch(tmp_path / "user/.venv/lib/python3.11/site-packages/torch")
    named = libtorch(tmp_path / "libtorch", "2.9.1")
    for option in (f"-DCMAKE_PREFIX_PATH={named}", f"-DTorch_DIR={named}/share/cmake/Torch"):
        shutil.rmtree(tmp_path / "build", ignore_errors=True)
        found, output = configure(option)
        assert found, output
        assert "found 2.9.1 cpu" in output


def test_one_that_moved_is_looked_for_again(configure, tmp_path):
    folder = libtorch(tmp_path / "first")
    assert configure(f"-DCMAKE_PREFIX_PATH={folder}")[0]
    moved = folder.rename(tmp_path / "second")
    found, output = configure(f"-DCMAKE_PREFIX_PATH={moved}")
    assert found, output
    assert subprocess.run([build(tmp_path)]).returncode == 0


def test_none_is_told_with_how_to_get_one(configure):
    found, output = configure()
    assert not found
    assert "--index-url https://download.pytorch.org/whl/cpu" in output


def test_an_old_one_is_told(configure, tmp_path):
    found, output = configure(f"-DCMAKE_PREFIX_PATH={libtorch(tmp_path / 'old', '2.1.0')}")
    assert not found
    assert '"2.1.0"' in output


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("CMAKE_SYSTEM_NAME Darwin", "This system is Darwin."),
        ("CMAKE_SYSTEM_NAME Windows", "This system is Windows."),
        ("CMAKE_SYSTEM_PROCESSOR aarch64", "This processor is aarch64."),
        ("CMAKE_SIZEOF_VOID_P 4", "This compiler's programs have 32 bits."),
        ("CMAKE_CXX_BYTE_ORDER BIG_ENDIAN", "of byte order 'BIG_ENDIAN'."),
    ],
)
def test_other_systems_are_refused(tmp_path, settings, told):
    """As set after project(); the check of the C library needs a compiler and is left out."""
    script = tmp_path / "system.cmake"
    name, value = settings.split()
    values = {
        "CMAKE_SYSTEM_NAME": "Linux",
        "CMAKE_SYSTEM_PROCESSOR": "x86_64",
        "CMAKE_SIZEOF_VOID_P": "8",
        "CMAKE_CXX_BYTE_ORDER": "LITTLE_ENDIAN",
        name: value,
    }
    lines = [f"set({n} {v})" for n, v in values.items()]
    script.write_text("\n".join([*lines, f'include("{MODULES}/SupportedSystem.cmake")']))
    done = subprocess.run(["cmake", "-P", script], capture_output=True, text=True)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert told in said
    assert "Linux with the GNU C library on x86-64" in said
