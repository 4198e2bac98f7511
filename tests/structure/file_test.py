"""Sizes of files, paths of somebody's machine, and what the documents point to."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 400
MACHINE_PATH = re.compile(r"/(work|farm|root)/|bash[_]jobs")
PLACEHOLDER = re.compile(r"/(NAME|NOUN)\b")
# Made by a build or a run, so absent from a fresh checkout.
MADE = {"build", "build-dev", "out", ".venv"}


def tracked() -> list[Path]:
    """Files under version control that are still there."""
    listing = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    """Empty for binary files."""
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", errors="replace")


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (ROOT / ".git").exists():
            raise unittest.SkipTest("no git checkout to tell the project's files")

    def test_no_file_is_long(self):
        for path in tracked():
            name = path.relative_to(ROOT)
            if name.parts[0] in {"src", "tests", "analysis"}:
                with self.subTest(file=str(name)):
                    self.assertLessEqual(len(text_of(path).splitlines()), MOST_LINES)

    def test_no_file_names_a_machine(self):
        for path in tracked():
            for number, line in enumerate(text_of(path).splitlines(), 1):
                with self.subTest(file=str(path.relative_to(ROOT)), line=number):
                    self.assertNotRegex(line, MACHINE_PATH)

    def test_links_lead_somewhere(self):
        count = 0
        for path in documents():
            for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
                if re.match(r"[a-z]+:|#", target):
                    continue
                count += 1
                with self.subTest(file=str(path.relative_to(ROOT)), link=target):
                    self.assertTrue((path.parent / target.split("#")[0]).exists())

    def test_named_paths_exist(self):
        """Words of documents that begin with a folder of the project, `docs/method.md` for one."""
        tops = {path.relative_to(ROOT).parts[0] for path in tracked()} - MADE
        tops = sorted(top for top in tops if (ROOT / top).is_dir())
        folder = "|".join(map(re.escape, tops))
        word = re.compile(rf"(?<![\w./<>*$-])((?:{folder})/[\w./-]*)(?![\w<*{{])")
        readme = word.findall(text_of(ROOT / "README.md"))
        self.assertGreater(len(readme), 20)
        for path in documents():
            for name in word.findall(text_of(path)):
                if PLACEHOLDER.search(name):
                    continue
                with self.subTest(file=str(path.relative_to(ROOT)), names=name):
                    self.assertTrue((ROOT / name.rstrip(".")).exists())


if __name__ == "__main__":
    unittest.main()
