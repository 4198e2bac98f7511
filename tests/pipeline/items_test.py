"""Items files that are wrong are refused, with the file, the dataset and the place."""

import json

import numpy as np
import pytest
from conftest import merged, tiny_spec
from items_files import drawn_items, write_items

ITEMS = drawn_items(3, 2, 12)


def put(path, place, value):
    def change(file):
        values = file[path][()]
        values[place] = value
        file[path][()] = values

    return change


def replace(path, values):
    def change(file):
        del file[path]
        if values is not None:
            file[path] = values

    return change


def end(path):
    def change(file):
        values = file[path][()]
        del file[path]
        file[path] = values[:-1]

    return change


def attribute(name, value):
    def change(file):
        if value is None:
            del file.attrs[name]
        else:
            file.attrs[name] = value

    return change


WRONG = [
    (attribute("schema", "items"), "attribute 'schema' is 'items', not 'gainsweep items'"),
    (attribute("schema", None), "it has no attribute 'schema'"),
    (attribute("schema_version", 2), "'schema_version' is '2', and this program reads 1"),
    (attribute("task", "two words"), "attribute 'task' is 'two words', no name"),
    (attribute("task", "a\nb"), "attribute 'task' is 'a b', which is no short text of one line"),
    (attribute("kind", "essay"), "attribute 'kind' is 'essay', none of choice"),
    (attribute("length", 0), "attribute 'length' is '0', not an integer from 1 on"),
    (attribute("length", "long"), "attribute 'length' is 'long', not an integer"),
    (attribute("length", 33), "attribute 'length' is 33 and the model has 32 positions"),
    (attribute("length", 4), " inputs and attribute 'length' is 4 (requests are truncated"),
    (attribute("vocabulary", 17), "attribute 'vocabulary' is 17 and the model has 16 tokens"),
    (put("tokens", 5, 16), "'tokens'[5] is 16, outside the model's vocabulary [0, 16)"),
    (put("tokens", 2, -1), "'tokens'[2] is -1, outside"),
    (replace("tokens", None), "it has no dataset 'tokens' (token ids)"),
    (replace("tokens", [[1, 2]]), "'tokens': it has 2 dimensions instead of 1"),
    (replace("tokens", [0.5]), "'tokens': it holds floating-point numbers, not integer token ids"),
    (replace("request/start", None), "it has no dataset 'request/start'"),
    (replace("item", [1]), "it has no group 'item'"),
    (put("request/offset", 0, 1), "'request/offset'[0] is 1. The first request begins at 0"),
    (put("request/offset", 2, 2**62), "'request/offset'[2] is 4611686018427387904 behind "),
    (put("request/offset", 1, 0), "'request/offset'[1] is 0 behind 0"),
    (end("request/offset"), "'request/offset' has 6 entries where there are 7 by 'request/item'"),
    (end("request/bytes"), "'request/bytes' has 5 entries where there are 6"),
    (end("item/words"), "'item/words' has 2 entries where there are 3 by 'item/label'"),
    (put("request/start", 1, 0), "'request/start'[1] is 0, and request 1 has "),
    (put("request/start", 3, 12), "'request/start'[3] is 12, and request 3 has "),
    (put("request/item", 0, 1), "'request/item'[0] is 1. The first request is of item 0"),
    (put("request/item", 0, -1), "'request/item'[0] is -1. The first request is of item 0"),
    (put("request/item", 5, 1), "'request/item'[5] is 1 behind 2 (items follow one another)"),
    (put("request/item", slice(4, 6), 1), "item 2 has no request"),
    (put("request/choice", 1, 2), "'request/choice'[1] is 2 (choices of an item count from 0)"),
    (put("item/requests", 2, 3), "'item/requests'[2] is 3, and 'request/item' has 2"),
    (put("item/label", 1, 2), "'item/label'[1] is 2, and the item has 2 choices"),
    (put("item/label", 1, -2), "'item/label'[1] is -2, and the item has 2 choices"),
    (put("request/characters", 4, 0), "'request/characters'[4] is 0, and log-likelihoods"),
    (attribute("kind", "loglikelihood"), "item 0 has 2 requests, and those of the kind"),
    (attribute("kind", "rolling"), "'item/bytes'[0] is 0, and log-likelihoods"),
]


@pytest.fixture
def refusal(program, material, tmp_path):
    def refuse(*files, command="check", **tasks):
        given = [{"items": str(file), **tasks} for file in files]
        spec = merged(tiny_spec(material), {"evaluate": {"tasks": given}})
        (tmp_path / "spec.yaml").write_text(json.dumps(spec))
        arguments = ["--out", tmp_path / "out"] if command == "run" else []
        return program.refuses(command, tmp_path / "spec.yaml", *arguments)

    return refuse


@pytest.mark.parametrize(("change", "said"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_named_with_its_place(refusal, tmp_path, change, said):
    path = write_items(tmp_path / "items.h5", ITEMS, change=change)
    message = refusal(path)
    assert message.startswith(f"{path}: "), message
    assert said in message, message


def test_files_of_something_else_are_refused(refusal, tmp_path):
    path = tmp_path / "items.h5"
    path.write_text("no items")
    assert "items.h5: it is not an HDF5 file" in refusal(path)
    assert "none.h5" in refusal(tmp_path / "none.h5")
    path = write_items(tmp_path / "items.h5", ITEMS)
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    assert "items.h5: " in refusal(path, command="run")
    assert not (tmp_path / "out/archive.h5").exists()


def test_names_differ_and_have_a_place(refusal, tmp_path):
    one, other = (write_items(tmp_path / f"{name}.h5", ITEMS) for name in ("one", "other"))
    assert "one.h5 and" in (message := refusal(one, other)) and "both called 'drawn'" in message
    assert "is called 'items' (the archive has no place" in refusal(one, name="items")


def test_tokenizers_that_differ_are_told(program, material, tmp_path):
    files = [
        {
            "items": str(write_items(tmp_path / f"{i}.h5", ITEMS, tokenizer_sha256=str(i) * 64)),
            "name": f"task{i}",
        }
        for i in range(2)
    ]
    spec = merged(tiny_spec(material), {"evaluate": {"tasks": files}})
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    result = program("plan", tmp_path / "spec.yaml")
    assert result.returncode == 0, result.stderr
    assert "files of tasks were made with different tokenizers" in result.stdout


def test_windows_are_requests_of_their_document(program, material, tmp_path):
    def as_one(file):
        """As a maker that counts a document's windows as one request has it."""
        file["item/requests"][()] = 1
        file["request/choice"][()] = 0
        file["request/bytes"][()] = np.zeros(6)

    path = write_items(tmp_path / "items.h5", ITEMS, "rolling", change=as_one)
    spec = merged(tiny_spec(material), {"evaluate": {"tasks": [{"items": str(path)}]}})
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    assert program("check", tmp_path / "spec.yaml").returncode == 0
