"""The published JSON Schema against the project's specs, by an independent validator.

Every file of configs/ validates. Every file of tests/specs/ is refused, except those whose fault no
schema can see: they are listed here, and must then validate, so that the list stays true.
Exit code 77 (skipped) without the modules that this takes.
"""

import json
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

# Faults of the text (gone once it is parsed) and rules between keys.
INVISIBLE = {
    "alias",
    "description",
    "doubled",
    "exported",
    "fp8_time_on_cpu",
    "merge_key",
    "modelled",
    "progression_falls",
    "progression_steps",
    "ranges",
    "resources_kept",
    "rules",
    "scale_grids",
    "sweep_large",
    "sweep_rules",
    "sweep_twice",
    "tasks_unasked",
}


def problem(validator, path):
    """The first reason to refuse a file, or None."""
    try:
        spec = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return f"no YAML: {type(error).__name__}"
    found = jsonschema.exceptions.best_match(validator.iter_errors(spec))
    return found and f"{found.json_path}: {found.message[:120]}"


def main(source):
    schema = json.loads((source / "docs/spec.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failures = 0
    for folder, sound in (("configs", True), ("configs/exported", True), ("tests/specs", False)):
        paths = sorted((source / folder).glob("*.yaml"))
        failures += not paths
        for path in paths:
            found = problem(validator, path)
            expected = sound or path.stem in INVISIBLE
            verdict = "ok" if (found is None) == expected else "WRONG"
            failures += verdict == "WRONG"
            print(f"{verdict}: {folder}/{path.name}: {found or 'validates'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
