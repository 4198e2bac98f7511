"""Runs a scenario file with pytest:  run_tests.py FILE.  Exit code 77 (skipped) without modules."""

import importlib.util
import sys

for module in ("pytest", "h5py", "numpy"):
    if importlib.util.find_spec(module) is None:
        print(f"skipped: the Python module {module} is not installed")
        sys.exit(77)

import pytest  # noqa: E402

sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
