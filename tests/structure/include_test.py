"""Which folder of src/ includes which and which library, as docs/architecture.md says."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src"

# In the order of inclusion; the folders that each may include besides itself.
ALLOWED = {
    "base": "",
    "disk": "base",
    "digest": "base disk",
    "format": "base",
    "graph": "base",
    "solve": "base",
    "config": "base",
    "roofline": "base config format graph",
    "timing_table": "base config digest disk",
    "model": "base digest disk graph",
    "plan_file": "base config disk model",
    "exported": "base disk graph model",
    "lower": "base format graph",
    "parallel": "base",
    "execute": "base digest disk format graph model",
    "cuda": "execute",
    "conformance": "base execute format graph lower model",
    "sensitivity": "base execute format graph",
    "latency": "base execute",
    "gain": "base format graph latency",
    "spec": "base config execute exported format gain graph latency sensitivity solve",
    "archive": "base digest disk",
    "batch": "archive base",
    "job": "archive base batch digest disk parallel",
    "pipeline": "archive base batch digest execute exported format gain graph latency lower model "
    "plan_file roofline sensitivity solve spec timing_table",
    "cli": "archive base batch conformance digest disk execute graph job model parallel pipeline "
    "spec",
}
ALLOWED = {folder: set(names.split()) for folder, names in ALLOWED.items()}

# Start of a third-party header → the only folders that include such headers.
OWNERS = {
    "openssl/": "digest",
    "boost/pending/": "graph",
    "boost/graph/": "graph",
    "boost/dynamic_bitset": "graph",
    "boost/geometry/": "solve",
    "Cbc": "solve",
    "Clp": "solve",
    "Coin": "solve",
    "Osi": "solve",
    "yaml-cpp/": "config",
    "mpi.h": "parallel",
    "torch/": "execute cuda",
    "ATen/": "execute cuda",
    "c10/": "execute cuda",
    "caffe2/": "execute",
    "hdf5": "archive",
    "boost/program_options": "cli",
    "boost/math/": "latency solve",
    "boost/random/": "solve latency sensitivity",
    "boost/crc": "exported",
    "nlohmann/": "config model plan_file exported job cli",
}
# What a public header may not bring along.
HEAVY = re.compile(r"torch/|ATen/|c10/|caffe2/|mpi\.h|hdf5|yaml-cpp/|Cbc|Clp|Coin|Osi")
# The last column of the table in docs/architecture.md.
SOLE_USERS = {
    "digest": "OpenSSL libcrypto",
    "disk": "POSIX files, locks, processes",
    "graph": "Boost.Graph's disjoint sets, Boost's bit sets",
    "solve": "CBC, Boost.Geometry's R-tree, Boost.Math's statistics",
    "config": "yaml-cpp",
    "exported": "Boost.CRC",
    "parallel": "MPI",
    "execute": "LibTorch",
    "archive": "HDF5",
    "cli": "Boost.Program_options",
}
# C++ headers have no ending; the rest of the platform's is listed.
PLATFORM = re.compile(
    r"[a-z_]+|sys/[a-z]+\.h|"
    r"(dirent|dlfcn|fcntl|fnmatch|immintrin|malloc|netdb|poll|pthread|sched|signal|spawn|unistd)\.h"
)
# Opening, locking, mapping files and starting processes are the business of src/disk.
OF_DISK = re.compile(r"(fcntl|poll|spawn|sys/(file|mman|prctl|resource))\.h")
# Words of the kinds of experiments, which the engine must not know.
OF_EXPERIMENTS = re.compile(
    r"\b(spec::\w+|calibration|sensitivity|latency|objectives?|thresholds?|strateg(?:y|ies)|"
    r"checkpoints?|tokens?|loss_model|subgraphs?)\b"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def files() -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*") if path.suffix in {".cpp", ".hpp"})


def includes(path: Path, opening: str) -> list[str]:
    return [
        name for mark, name in INCLUDE.findall(path.read_text(encoding="utf-8")) if mark == opening
    ]


def folder_of(path: Path) -> str:
    return path.relative_to(SOURCES).parts[0]


def public_headers() -> list[Path]:
    """The header sets that the folders' CMakeLists.txt name."""
    found = []
    for listing in sorted(SOURCES.glob("*/CMakeLists.txt")):
        for names in re.findall(r"\bHEADERS\s+([^)]*?)(?=\b[A-Z]{5,}\b|\))", listing.read_text()):
            found += [listing.parent / name for name in names.split()]
    return found


def brought_along(header: Path, seen: set[Path]) -> list[str]:
    """Third-party headers that including `header` includes, by whatever way."""
    if header in seen:
        return []
    seen.add(header)
    found = includes(header, "<")
    for name in includes(header, '"'):
        found += brought_along(SOURCES / name, seen)
    return found


def documented_table() -> list[list[str]]:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in row] for row in rows]


class Includes(unittest.TestCase):
    def test_there_is_something_to_check(self):
        self.assertGreater(len(files()), 100)
        self.assertGreater(len(public_headers()), 30)

    def test_every_folder_has_its_row(self):
        folders = {path.name for path in SOURCES.iterdir() if path.is_dir()}
        self.assertEqual(folders, set(ALLOWED))

    def test_rows_name_only_folders_above(self):
        above: set[str] = {"archive"}  # pipeline and cli include it; it stands after the stages
        for folder, allowed in ALLOWED.items():
            with self.subTest(folder=folder):
                self.assertLessEqual(allowed, above)
                self.assertNotIn(folder, allowed)
            above.add(folder)

    def test_folders_include_what_their_rows_name(self):
        for path in files():
            for name in includes(path, '"'):
                with self.subTest(file=str(path.relative_to(ROOT)), include=name):
                    self.assertTrue((SOURCES / name).is_file(), "no such file under src/")
                    self.assertIn(name.split("/")[0], ALLOWED[folder_of(path)] | {folder_of(path)})

    def test_libraries_stay_with_their_owners(self):
        for path in files():
            for name in includes(path, "<"):
                with self.subTest(file=str(path.relative_to(ROOT)), include=name):
                    if PLATFORM.fullmatch(name):
                        continue
                    owners = [who for start, who in OWNERS.items() if name.startswith(start)]
                    self.assertTrue(owners, "a library without an owner in this test's table")
                    self.assertIn(folder_of(path), owners[0].split())

    def test_files_and_processes_are_the_business_of_disk(self):
        for path in files():
            if folder_of(path) != "disk":
                with self.subTest(file=str(path.relative_to(ROOT))):
                    self.assertEqual([n for n in includes(path, "<") if OF_DISK.fullmatch(n)], [])

    def test_hdf5_is_compiled_by_the_names_of_one_version(self):
        """Later versions give `H5Oget_info_by_name` and others another signature."""
        listing = (ROOT / "CMakeLists.txt").read_text()
        self.assertIn("target_compile_definitions(hdf5::hdf5 INTERFACE H5_USE_110_API)", listing)
        users = [path for path in (ROOT / "src").rglob("CMakeLists.txt")
                 if "hdf5::hdf5" in path.read_text()]  # fmt: skip
        self.assertEqual([path.parent.name for path in users], ["archive"])

    def test_ranks_are_the_engines_alone(self):
        for path in files():
            if folder_of(path) not in {"parallel", "job", "cli"}:
                with self.subTest(file=str(path.relative_to(ROOT))):
                    self.assertFalse([n for n in includes(path, '"') if n.startswith("parallel/")])

    def test_the_engine_knows_no_experiment(self):
        for folder in ("batch", "job"):
            for path in sorted((SOURCES / folder).glob("*.?pp")):
                with self.subTest(file=str(path.relative_to(ROOT))):
                    self.assertEqual(OF_EXPERIMENTS.findall(path.read_text(encoding="utf-8")), [])

    def test_keys_are_made_of_facts_alone(self):
        for name in ("key.hpp", "key.cpp"):
            read = includes(SOURCES / "pipeline" / name, '"')
            self.assertEqual([n for n in read if n.startswith(("spec/", "batch/"))], [])
            self.assertLessEqual(
                {n for n in read if n.startswith("pipeline/")}, {"pipeline/key.hpp"}
            )

    def test_public_headers_are_free_of_heavy_libraries(self):
        for header in public_headers():
            with self.subTest(header=str(header.relative_to(ROOT))):
                self.assertTrue(header.is_file())
                self.assertEqual([n for n in brought_along(header, set()) if HEAVY.match(n)], [])

    def test_headers_of_other_folders_are_public(self):
        public = set(public_headers())
        for path in files():
            for name in includes(path, '"'):
                if name.split("/")[0] != folder_of(path):
                    with self.subTest(file=str(path.relative_to(ROOT)), include=name):
                        self.assertTrue(SOURCES / name in public, "not among its folder's HEADERS")

    def test_the_documented_table_is_this_one(self):
        short = {
            "–": set(),
        }
        rows = documented_table()
        self.assertEqual([row[0] for row in rows], list(ALLOWED))
        for folder, _, may_include, library in rows:
            with self.subTest(folder=folder):
                documented = short.get(may_include, set(may_include.split(", ")))
                self.assertEqual(documented, ALLOWED[folder])
                self.assertEqual(library, SOLE_USERS.get(folder, "–"))


if __name__ == "__main__":
    unittest.main()
