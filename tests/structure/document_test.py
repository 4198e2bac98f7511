"""What the project says of itself: how to cite it, and the licences of what it ships and uses."""

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def version() -> str:
    return re.search(r"project\(gainsweep VERSION (\S+)", text_of("CMakeLists.txt"))[1]


class Citation(unittest.TestCase):
    """CITATION.cff, by the rules of its format (1.2.0)."""

    def setUp(self):
        try:
            import yaml
        except ImportError:
            raise unittest.SkipTest("the Python module yaml is not installed") from None
        self.citation = yaml.safe_load(text_of("CITATION.cff"))

    def test_it_has_what_the_format_asks_for(self):
        self.assertLessEqual({"cff-version", "message", "title", "authors"}, set(self.citation))
        self.assertEqual(self.citation["cff-version"], "1.2.0")
        self.assertEqual(self.citation["type"], "software")
        for reference in self.citation["references"]:
            self.assertLessEqual({"type", "title", "authors"}, set(reference))
        for author in self.citation["authors"]:
            self.assertTrue({"name", "family-names"} & set(author))

    def test_it_is_of_this_version_and_licence(self):
        self.assertEqual(self.citation["version"], version())
        self.assertEqual(self.citation["license"], "Apache-2.0")
        self.assertIn("Apache License", text_of("LICENSE"))

    def test_the_analysis_package_has_the_same(self):
        project = text_of("analysis/pyproject.toml")
        self.assertIn(f'version = "{version()}"', project)
        self.assertIn("Apache-2.0", project)


class Licences(unittest.TestCase):
    def setUp(self):
        self.page = text_of("docs/licences.md")

    def test_everything_shipped_in_configs_has_one(self):
        for folder in ("models", "data", "exported"):
            for path in sorted((ROOT / "configs" / folder).iterdir()):
                with self.subTest(path=path.name):
                    self.assertIn(f"configs/{folder}/{path.name}", self.page)

    def test_every_library_has_one(self):
        build = text_of("CMakeLists.txt")
        names = set(re.findall(r"find_package\((\w[\w-]*)", build))
        names |= {name.upper() for name in re.findall(r"IMPORTED_TARGET (\w+)", build)}
        names -= {"PkgConfig"}
        known = {"MPI": "Open MPI", "nlohmann_json": "nlohmann-json", "GTest": "GoogleTest"}
        for name in sorted(names):
            with self.subTest(library=name):
                self.assertIn(known.get(name, name), self.page)

    def test_every_python_package_has_one(self):
        names = re.search(r"dependencies = \[(.*)\]", text_of("analysis/pyproject.toml"))[1]
        for name in re.findall(r'"([\w-]+)"', names):
            with self.subTest(package=name):
                self.assertIn(name, self.page.lower())


if __name__ == "__main__":
    unittest.main()
