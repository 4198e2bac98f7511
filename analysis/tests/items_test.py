"""Items files: those of the tasks' trial, and of small raw data requests that are made by hand."""

import bz2
import hashlib
import itertools
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from gainsweep_analysis.__main__ import main
from gainsweep_analysis.items.prompts import clean, detokenise

tokenizers = pytest.importorskip("tokenizers")

SHARED = Path(__file__).parents[3] / "shared/data"
PUBLISHED = {  # task: raw data, how many items, further options
    "hellaswag": ("hellaswag/hellaswag_val_full.txt.bz2", 50, ()),
    "piqa": ("piqa/valid.jsonl", 50, ("--labels", SHARED / "piqa/valid-labels.lst")),
    "winogrande": ("tasks/winogrande_sample.jsonl", 8, ()),
    "lambada": ("lambada/lambada_test.jsonl", 50, ()),
    "wikitext": ("wikitext-2/wiki.test.raw", 6, ()),
}
WORDS = ["a", "b", "c", "d", "e", "f", "Question:", "Answer:", "T:", "Cat", "dog"]
BOS = 1
IDS = {word: number for number, word in enumerate(WORDS, start=3)}


@pytest.fixture
def tokenizer(tmp_path):
    """Words are tokens, between which there is white space; BOS goes before every text."""
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({"<unk>": 0, "<s>": BOS, "</s>": 2} | IDS, "<unk>")
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["<s>", "</s>"])
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", BOS)]
    )
    (tmp_path / "tokenizer").mkdir()
    made.save(str(tmp_path / "tokenizer/tokenizer.json"))
    (tmp_path / "tokenizer/config.json").write_text('{"bos_token_id": 1, "eos_token_id": 2}')
    return tmp_path / "tokenizer"


@pytest.fixture
def spanning(tmp_path):
    """A tokenizer with a piece of two words, 'a b', and no special tokens."""
    pieces = ["a", "b", " ", " b", "a b", "</s>"]
    made = tokenizers.Tokenizer(
        tokenizers.models.BPE({p: i for i, p in enumerate(pieces)}, [(" ", "b"), ("a", " b")])
    )
    made.add_special_tokens(["</s>"])
    made.save(str(tmp_path / "spanning.json"))
    return tmp_path / "spanning.json"


def ids(text):
    return [IDS[word] for word in text.split()]


class Made:
    """An items file as lists."""

    def __init__(self, path):
        with h5py.File(path) as file:
            values = {
                name: file[name][()].tolist()
                for group in ("request", "item")
                for name in (f"{group}/{field}" for field in file[group])
            }
            tokens, self.attributes = file["tokens"][()].tolist(), dict(file.attrs)
        self.values = values
        cut = [tokens[a:b] for a, b in itertools.pairwise(values["request/offset"])]
        self.requests = [
            (whole[:start], whole[start:])
            for whole, start in zip(cut, values["request/start"], strict=True)
        ]

    def __getitem__(self, name):
        return self.values[name]


class Maker:
    """Runs the command on raw data that a test wrote."""

    def __init__(self, folder, tokenizer):
        self.folder, self.tokenizer, self.count = folder, tokenizer, 0

    def write(self, name, contents):
        path = self.folder / name
        if isinstance(contents, list):
            contents = "".join(json.dumps(record) + "\n" for record in contents)
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def run(self, task, data, *options, length=20):
        self.count += 1
        self.out = self.folder / f"{self.count}.h5"
        return main(["items", "--task", task, "--data", str(data), "--tokenizer",
                     str(self.tokenizer), "--length", str(length), "--out", str(self.out),
                     *map(str, options)])  # fmt: skip

    def __call__(self, task, data, *options, **others):
        assert self.run(task, data, *options, **others) == 0
        return Made(self.out)


@pytest.fixture
def maker(tmp_path, tokenizer):
    return Maker(tmp_path, tokenizer)


@pytest.mark.parametrize("task", PUBLISHED)
def test_published_data_are_the_requests_of_the_trial(task, tmp_path):
    data, limit, options = PUBLISHED[task]
    golden = SHARED / f"tasks/items_{task}_stories260K.h5"
    if not golden.exists() or not (SHARED / data).exists():
        pytest.skip(f"{SHARED} has no items of {task}")
    made = Maker(tmp_path, SHARED / "tasks/stories260K_tokenizer.json")
    found = made(task, SHARED / data, "--bos-token", "<s>", "--limit", limit, *options, length=512)
    wanted = Made(golden)
    if task == "wikitext":  # the trial writes 1 for each document, whose windows are requests
        assert found["item/requests"] == np.bincount(wanted["request/item"]).tolist()
        wanted.values["item/requests"] = found["item/requests"]
    for name, values in wanted.values.items():
        assert found[name] == values, name
    assert found.requests == wanted.requests
    for name, value in wanted.attributes.items():
        assert found.attributes[name] == value, name


HELLASWAG = {"activity_label": "T", "ctx_a": "a  b.", "ctx_b": "cat Dog", "label": "2",
             "endings": ["c", "c d", "[x] d  e", "e"]}  # fmt: skip


def test_hellaswag_of_json_lines(maker):
    data = maker.write("h.jsonl", [HELLASWAG, HELLASWAG | {"label": 0, "ctx_b": "a"}])
    found = maker("hellaswag", data)
    context = [BOS, IDS["T:"], IDS["a"], 0, IDS["Cat"], IDS["dog"]]
    expected = [(context, ids(e)) for e in ("c", "c d", "d e", "e")]
    assert found.requests[:4] == expected, "capitalised, and the rest of ctx_b lower-cased"
    assert found["item/label"] == [2, 0] and found["item/requests"] == [4, 4]
    assert found["request/characters"][:4] == [1, 3, 4, 1], "' d  e' loses one space, and one more"
    assert found["request/item"] == [0] * 4 + [1] * 4
    assert found["request/choice"] == [0, 1, 2, 3] * 2
    assert found.attributes["variant"] == "json-lines" and found.attributes["kind"] == "choice"
    made = (maker.tokenizer / "tokenizer.json").read_bytes()
    assert found.attributes["tokenizer_sha256"] == hashlib.sha256(made).hexdigest()
    assert found.attributes["raw_sha256"] == hashlib.sha256(data.read_bytes()).hexdigest()
    assert found.attributes["vocabulary"] == len(WORDS) + 3 and found.attributes["shots"] == 0


def test_hellaswag_of_six_lines(maker):
    text = "a b. c\n1\na\nb\nc\nd\n" + "b\n0\n" + "a b\n" * 4
    found = maker("hellaswag", maker.write("h.txt", text))
    packed = maker("hellaswag", maker.write("h.txt.bz2", bz2.compress(text.encode())))
    assert found.requests == packed.requests and found.values == packed.values
    assert found.requests[:2] == [([BOS, 3, 0, 5], ids("a")), ([BOS, 3, 0, 5], ids("b"))]
    assert found["item/label"] == [1, 0] and found["item/source"] == [1, 7]
    assert found.attributes["variant"] == "six-lines"


def test_how_texts_are_cleaned():
    assert clean(" Title [title] A [step] b   c ") == "Title. A b  c"
    raw = " = T = \n\n The boys ' 1 @,@ 000 ( a b ) \" c \" - N ; it 's N of it . \n = = H = = \n"
    assert detokenise(raw) == " = T =\n\nThe boys'1,000 (a b) \"c\" - N; it's 1 of it.\n== H ==\n"


def test_piqa_with_labels_in_a_file_or_inside(maker):
    records = [{"goal": "a", "sol1": "b ", "sol2": "b é"}, {"goal": "", "sol1": "c", "sol2": "d"}]
    labels = maker.write("labels.lst", "1\n0\n")
    found = maker("piqa", maker.write("p.jsonl", records), "--labels", labels)
    context = [BOS, *ids("Question: a Answer:")]
    assert found.requests[:2] == [(context, ids("b")), (context, [*ids("b"), 0])]
    assert found["request/characters"][:2] == [2, 3] and found["request/bytes"][:2] == [2, 4]
    assert found["item/label"] == [1, 0]
    digest = hashlib.sha256(labels.read_bytes()).hexdigest()
    assert found.attributes["labels_sha256"] == digest
    inside = [record | {"label": 1 - i} for i, record in enumerate(records)]
    other = maker("piqa", maker.write("q.jsonl", inside))
    assert other.values == found.values and "labels_sha256" not in other.attributes


def test_contexts_of_winogrande_differ(maker):
    record = {"sentence": "a _ c d", "option1": "b", "option2": "e", "answer": "2"}
    found = maker("winogrande", maker.write("w.jsonl", [record]))
    assert found.requests == [([BOS, *ids(f"a {o}")], ids("c d")) for o in "be"]
    assert found["item/label"] == [1] and found["request/characters"] == [3, 3]


@pytest.mark.parametrize("bos", ["auto", "always", "never"])
def test_lambada_and_bos(maker, bos):
    texts = ["a b c", "<s> a d", "e", "  f"]
    found = maker("lambada", maker.write("l.jsonl", [{"text": t} for t in texts]), "--bos", bos,
                  "--drop")  # fmt: skip
    begin = [] if bos == "never" else [BOS]
    expected = [(begin + ids("a b"), ids("c")), ([BOS, *ids("a")], ids("d")), ([BOS], ids("e"))]
    if bos != "never":  # a context of white space alone has no token but BOS
        expected.append(([BOS], ids("f")))
    assert found.requests == expected
    assert found.attributes["dropped"] == (bos == "never")
    assert found.attributes["variant"] == "standard", "nothing is a capital"
    lines = maker("lambada", maker.write("l.txt", "a b c\n\nA d\n"), "--bos", bos)
    assert lines.attributes["variant"] == "openai" and lines["item/source"] == [1, 3]


def test_long_contexts_are_cut_off_on_the_left(maker, capsys):
    data = maker.write("l.jsonl", [{"text": "a b c d e f"}, {"text": "a b"}])
    found = maker("lambada", data, length=3)
    assert found.requests == [(ids("c d e"), ids("f")), ([BOS, *ids("a")], ids("b"))]
    assert "2 requests, 1 cut off on the left" in capsys.readouterr().out


@pytest.mark.parametrize("length", [2, 3, 4, 5, 20])
def test_every_token_of_a_document_is_predicted_once(maker, length):
    pages = [" = a =\n b c d e", "f", "a b c d"]
    found = maker("wikitext", maker.write("w.jsonl", [{"page": p} for p in pages]), length=length)
    assert found["item/requests"] == np.bincount(found["request/item"]).tolist()
    for item, page in enumerate(pages):
        tokens = [BOS, *(IDS.get(word, 0) for word in page.split())]
        stream = [BOS, *tokens]  # the prefix token, then BOS, which is predicted too
        place = 1
        asked = [r for r, i in zip(found.requests, found["request/item"], strict=True) if i == item]
        for context, targets in asked:
            assert targets == stream[place : place + len(targets)]
            inputs = [*context, *targets][:-1]
            assert inputs == stream[max(0, place + len(targets) - 1 - length) :][: len(inputs)]
            assert len(inputs) == length or len(asked) == 1
            place += len(targets)
        assert place == len(stream)
    assert found["item/label"] == [-1] * 3
    assert found["item/bytes"] == [len(p) for p in pages]
    assert found["item/words"] == [8, 1, 4], "white space at an end makes an empty word"
    assert set(found["request/choice"]) == {0}


def test_raw_wikitext_is_cut_at_headings(maker):
    text = "\n = a = \n\n b c\n = = d = = \n e\n = f = \n a\n"
    found = maker("wikitext", maker.write("w.raw", text.replace("\n", "\r\n")))
    assert found["item/source"] == [2, 7] and len(found.requests) == 2
    assert found["item/bytes"] == [29, 11], "lines end in one byte, whatever the file has"
    assert found.attributes["variant"] == "raw-text" and found.attributes["kind"] == "rolling"


LINES = "a b c.\n\n... \nd e f -- a!\nCat\nf (dog's).\na b d\n"


def test_last_words(maker):
    found = maker("last-word", maker.write("t.txt", LINES), "--limit", 3)
    assert found.requests == [
        ([BOS, *ids("a b")], ids("c")),
        ([BOS, *ids("d e f"), 0], ids("a")),
        ([BOS], ids("Cat")),
    ]
    assert found["item/source"] == [1, 4, 5] and found["request/bytes"] == [1, 1, 3]
    assert found["item/label"] == [0, 0, 0] and found.attributes["kind"] == "loglikelihood"
    verses = maker("last-word", maker.write("t.jsonl", [{"text": "a b\nc d.\n"}]))
    assert verses.requests == [([BOS, *ids("a b c")], ids("d"))]


def test_last_words_among_others(maker):
    data = maker.write("t.txt", LINES)
    found = [maker("last-word-choice", data, "--seed", seed) for seed in (0, 0, 1)]
    assert found[0].values == found[1].values and found[0].requests == found[1].requests
    assert found[0].requests != found[2].requests
    single = maker("last-word", data)
    for item, label in enumerate(found[0]["item/label"]):
        asked = found[0].requests[4 * item : 4 * item + 4]
        assert asked[label] == single.requests[item]
        assert {tuple(context) for context, _ in asked} == {tuple(single.requests[item][0])}
        assert len({tuple(word) for _, word in asked}) == 4
    assert found[2].attributes["variant"] == "lines, 4 choices, seed 1"


def test_pieces_that_span_words(spanning, tmp_path, capsys):
    made = Maker(tmp_path, spanning)
    data = made.write("l.jsonl", [{"text": t} for t in ("b a", "a b", "b b", "a b")])
    options = ("--bos", "never", "--eos-token", "</s>")
    assert made.run("lambada", data, *options) == 2
    message = capsys.readouterr().err
    assert "2 of 4 items cannot be scored, the first in line 2" in message
    assert "'b' of choice 0 has no token of its own" in message and not made.out.exists()
    found = made("lambada", data, *options, "--drop")
    assert found.attributes["dropped"] == 2 and found["item/source"] == [1, 3]
    assert found.attributes["prefix_token"] == 5, "EOS where there is no BOS"
    assert found.requests == [([1], [2, 0]), ([1], [3])]


REFUSED = {
    "not_json": ("piqa", "p.jsonl", "{", "p.jsonl:1: it is not JSON"),
    "no_object": ("piqa", "p.jsonl", "[]", "p.jsonl:1: it is not a JSON object"),
    "no_text": ("lambada", "l.jsonl", '\n{"text": 1}', "l.jsonl:2: 'text' is not a text"),
    "half_character": ("lambada", "l.jsonl", r'{"text": "a \ud800"}', "is not a text"),
    "no_field": ("wikitext", "w.jsonl", '{"b": 1}', "no field 'page' or 'text' (it has: b)"),
    "no_labels": ("piqa", "p.jsonl", [{"goal": "a", "sol1": "b", "sol2": "c"}], "by --labels"),
    "test_set": ("hellaswag", "h.jsonl", [HELLASWAG | {"label": ""}], "'label' is no whole number"),
    "long_label": ("hellaswag", "h.jsonl", [HELLASWAG | {"label": "1" * 5000}], "whole number"),
    "label": ("hellaswag", "h.jsonl", [HELLASWAG | {"label": 4}], "number 4 (from 0 on) of 4"),
    "endings": ("hellaswag", "h.jsonl", [HELLASWAG | {"endings": "a"}], "not a list of texts"),
    "six_lines": ("hellaswag", "h.txt", "a\n0\nb\n", "has 3 lines, which is no multiple of 6"),
    "gap": ("winogrande", "w.jsonl", [{"sentence": "a"}], "has no gap"),
    "answer": ("winogrande", "w.jsonl", [{"sentence": "a _ b", "option1": "c", "option2": "d",
                                         "answer": "0"}], "w.jsonl:1: the right choice"),
    "last_space": ("lambada", "l.txt", "a b \n", "l.txt:1: the text ends in a space"),
    "heading": ("wikitext", "w.raw", "a\n", "no line is a heading"),
    "bytes": ("last-word", "t.txt", b"a \xff", "t.txt: byte 2 is not UTF-8"),
    "packed": ("last-word", "t.txt.bz2", b"a b", "bzip2 cannot unpack it"),
    "nothing": ("last-word", "t.txt", "...\n", "it has no item that can be scored"),
    "few_words": ("last-word-choice", "t.txt", "a b\nb b\n", "end in 1 different words"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said(maker, capsys, case):
    task, name, contents, message = REFUSED[case]
    assert maker.run(task, maker.write(name, contents)) == 2
    assert message in capsys.readouterr().err
    assert not maker.out.exists()


def test_wrong_options(maker, capsys):
    data = maker.write("t.txt", "a b\nc d e\n")
    labels = maker.write("labels.lst", "0\n")
    assert maker.run("last-word", data, "--labels", labels) == 2
    assert "have their labels. Leave it out" in capsys.readouterr().err
    pair = maker.write("p.jsonl", [{"goal": "a", "sol1": "b", "sol2": "c"}] * 2)
    assert maker.run("piqa", pair, "--labels", labels) == 2
    assert "it has 1 labels, and" in capsys.readouterr().err
    record = {"sentence": "_ b c d", "option1": "a", "option2": "e", "answer": 1}
    assert maker.run("winogrande", maker.write("w.jsonl", [record]), length=2) == 2
    assert "has 3 tokens, more than 2" in capsys.readouterr().err
    (maker.tokenizer / "config.json").unlink()
    assert maker.run("last-word", data) == 2
    assert "does not say which token is BOS" in capsys.readouterr().err
    assert maker.run("last-word", data, "--bos-token", "<s>") == 0
    maker.count -= 1
    assert maker.run("last-word", data, "--bos-token", "<s>") == 2
    assert "is there already" in capsys.readouterr().err
