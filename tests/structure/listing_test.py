"""That every source is built, every test is run, and names and headers have one shape."""

import re
import unittest
from pathlib import Path

from file_test import tracked
from include_test import ALLOWED, ROOT, SOURCES

WITHOUT_MEANING = {
    "util",
    "utils",
    "helper",
    "helpers",
    "manager",
    "misc",
    "common",
    "handler",
}


def sources(folder: str) -> list[Path]:
    return sorted(path for path in (SOURCES / folder).iterdir() if path.suffix in (".cpp", ".hpp"))


def words_of(path: Path) -> set[str]:
    """Words of a CMakeLists.txt; none where there is no such file."""
    text = path.read_text() if path.exists() else ""
    return set(re.split(r"[\s()/\";]+", re.sub(r"#[^\n]*", "", text)))


class Listings(unittest.TestCase):
    def assert_none(self, wrong):
        self.assertEqual(list(wrong), [])

    def test_folders_are_added_in_the_order_of_inclusion(self):
        text = (SOURCES / "CMakeLists.txt").read_text()
        order = re.search(r"IN ITEMS([^)]*)\)", text).group(1).split()
        self.assertEqual(set(order), set(ALLOWED))
        self.assert_none(
            f"{folder} may include {other}, which src/CMakeLists.txt adds after it"
            for folder, others in ALLOWED.items()
            for other in others
            if order.index(other) >= order.index(folder)
        )

    def test_folders_link_what_they_may_include(self):
        self.assert_none(
            f"src/{folder}/CMakeLists.txt links gainsweep::{other}"
            for folder in ALLOWED
            for other in re.findall(
                r"gainsweep::(\w+)", (SOURCES / folder / "CMakeLists.txt").read_text()
            )
            if other not in ALLOWED[folder]
        )

    def test_every_source_is_built(self):
        self.assert_none(
            f"{path.relative_to(ROOT)} is not in its CMakeLists.txt"
            for folder in ALLOWED
            for path in sources(folder)
            if path.suffix == ".cpp" and path.name not in words_of(path.parent / "CMakeLists.txt")
        )

    def test_every_test_is_run(self):
        """By its file's name, or by the subject before `_test.py` that a list of scenarios has."""
        tests = [p for p in (ROOT / "tests").rglob("*_test.*") if p.suffix in (".cpp", ".py")]
        self.assertGreater(len(tests), 50)
        self.assert_none(
            f"{path.relative_to(ROOT)} is not in its CMakeLists.txt"
            for path in tests
            if not {path.name, path.name.removesuffix("_test.py")}
            & words_of(path.parent / "CMakeLists.txt")
        )

    def test_every_test_folder_is_added(self):
        known = words_of(ROOT / "tests/CMakeLists.txt")
        self.assert_none(
            f"tests/CMakeLists.txt does not add {path.parent.relative_to(ROOT)}"
            for path in (ROOT / "tests").glob("*/**/CMakeLists.txt")
            if path.parent.name not in known
        )

    def test_headers_have_one_shape(self):
        for folder in ALLOWED:
            space = "gainsweep" if folder == "base" else f"gainsweep::{folder}"
            for path in sources(folder):
                text = path.read_text()
                with self.subTest(file=str(path.relative_to(ROOT))):
                    if path.name != "main.cpp":
                        self.assertRegex(text, rf"namespace {space}\b")
                    if path.suffix == ".hpp":
                        self.assertTrue(text.startswith("#pragma once\n"))
                        self.assertNotIn("using namespace", text)

    def test_names_have_a_meaning(self):
        self.assert_none(
            str(path.relative_to(ROOT))
            for path in tracked()
            if WITHOUT_MEANING & set(re.split(r"[_.\-/]", str(path.relative_to(ROOT)).lower()))
        )


if __name__ == "__main__":
    unittest.main()
