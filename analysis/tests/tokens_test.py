"""Token files from texts, against windows that are cut by hand."""

import hashlib
import io
import itertools
import json
import sys

import h5py
import numpy as np
import pytest
from gainsweep_analysis.__main__ import main

tokenizers = pytest.importorskip("tokenizers")

TEXTS = [
    "the quick brown fox jumps over the lazy dog",
    "a dog",
    "the fox and the dog and the fox and the dog run over a quick lazy brown hill",
    "over and over the quick fox runs",
    "lazy dogs sleep and quick foxes jump over hills and dogs and foxes",
]
WORDS = sorted({word for text in TEXTS for word in text.split()})


@pytest.fixture
def tokenizer(tmp_path):
    """Words are tokens; BOS goes before every text, as Llama's does it."""
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(
            {"<unk>": 0, "<s>": 1, "</s>": 2} | {w: i + 3 for i, w in enumerate(WORDS)}, "<unk>"
        )
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["<s>", "</s>"])
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    made.enable_truncation(3)  # what the file says of lengths is about batches, not about samples
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text('{"bos_token_id": 1, "eos_token_id": 2}')
    return folder


@pytest.fixture
def jsonl(tmp_path):
    path = tmp_path / "texts.jsonl"
    path.write_text("\n".join(json.dumps({"text": text, "id": 3}) for text in TEXTS) + "\n\n")
    return path


def words(text):
    return [WORDS.index(word) + 3 for word in text.split()]


def run(*options):
    return main(["tokens", *map(str, options)])


def read(path):
    with h5py.File(path) as file:
        return (
            file["tokens"][()].tolist(),
            file["samples/offset"][()].tolist() if "samples/offset" in file else None,
            file["mask"][()].tolist() if "mask" in file else None,
            dict(file.attrs),
        )


@pytest.mark.parametrize("bos", ["auto", "never", "always"])
@pytest.mark.parametrize("separator", ["none", "eos", "dog"])
@pytest.mark.parametrize(("length", "stride"), [(4, None), (4, 2), (5, 7)])
def test_one_stream(tokenizer, jsonl, tmp_path, bos, separator, length, stride):
    out = tmp_path / "out.h5"
    options = ["--jsonl", jsonl, "--tokenizer", tokenizer, "--out", out, "--length", length]
    options += ["--bos", bos, "--separator", separator]
    assert run(*options, *(["--stride", stride] if stride else [])) == 0
    between = {"none": [], "eos": [2], "dog": words("dog")}[separator]
    stream = []
    for number, text in enumerate(TEXTS):
        stream += between * (number > 0) + [1] * (bos != "never") + words(text)
    tokens, offsets, mask, attributes = read(out)
    step = stride or length
    count = (len(stream) - length - 1) // step + 1
    if stride is None:
        assert tokens == stream[: count * length + 1] and offsets is None
    else:
        expected = [stream[i * step : i * step + length + 1] for i in range(count)]
        cut = [tokens[a:b] for a, b in itertools.pairwise(offsets)]
        assert cut == expected
    assert mask is None
    assert attributes["documents"] == 5 and attributes["dropped"] == 0
    assert attributes["vocabulary"] == len(WORDS) + 3
    assert attributes["source_sha256"] == hashlib.sha256(jsonl.read_bytes()).hexdigest()
    made = (tokenizer / "tokenizer.json").read_bytes()
    assert attributes["tokenizer_sha256"] == hashlib.sha256(made).hexdigest()
    told = json.loads(attributes["options"])
    assert (told["bos"], told["length"], told["separator"]) == (bos, length, separator)
    assert str(tmp_path) not in attributes["options"]


@pytest.mark.parametrize("stride", [5, 3])
def test_samples_within_documents(tokenizer, jsonl, tmp_path, stride):
    out = tmp_path / "out.h5"
    assert run("--jsonl", jsonl, "--tokenizer", tokenizer / "tokenizer.json", "--out", out,
               "--length", 5, "--stride", stride, "--pack", "per-document", "--short", "keep",
               "--min-length", 4) == 0  # fmt: skip
    expected = []
    for text in TEXTS:
        document = [1, *words(text)]
        if len(document) < 4:
            continue
        first = 0
        while first < len(document) - 1:
            expected.append(document[first : first + 6])
            if first + 6 >= len(document):
                break
            first += stride
    tokens, offsets, mask, attributes = read(out)
    assert [tokens[a:b] for a, b in itertools.pairwise(offsets)] == expected
    assert mask is None and attributes["dropped"] == 1
    assert max(np.diff(offsets)) == 6 and min(np.diff(offsets)) < 6
    full = tmp_path / "full.h5"
    assert run("--jsonl", jsonl, "--tokenizer", tokenizer, "--out", full, "--length", 5,
               "--stride", stride, "--pack", "per-document") == 0  # fmt: skip
    tokens, offsets, _, _ = read(full)
    kept = [tokens[a:b] for a, b in itertools.pairwise(offsets)]
    assert kept == [sample for sample in expected if len(sample) == 6]


def test_parts_share_nothing(tokenizer, jsonl, tmp_path):
    common = ["--jsonl", jsonl, "--tokenizer", tokenizer, "--out", tmp_path / "d.h5", "--length", 5]
    assert run(*common, "--stride", 2, "--split", "calibration=3,evaluation=2") == 0
    first, second = (read(tmp_path / f"d-{name}.h5") for name in ("calibration", "evaluation"))
    stream = [token for text in TEXTS for token in [1, *words(text)]]
    assert first[0] == [t for i in (0, 2, 4) for t in stream[i : i + 6]]
    assert second[0] == [t for i in (10, 12) for t in stream[i : i + 6]], "from 9 on"
    assert len(first[1]) == 4 and len(second[1]) == 3
    common[5] = tmp_path / "e.h5"
    common += ["--pack", "per-document", "--short", "keep"]
    assert run(*common, "--split", "calibration=1,evaluation=1") == 0
    assert read(tmp_path / "e-evaluation.h5")[0] == [1, *words(TEXTS[1])], "another document"


def test_order_skipping_and_number(tokenizer, jsonl, tmp_path):
    orders = []
    for seed in (1, 1, 2):
        out = tmp_path / f"{len(orders)}.h5"
        assert run("--jsonl", jsonl, "--tokenizer", tokenizer, "--out", out, "--length", 30,
                   "--pack", "per-document", "--short", "keep", "--shuffle", "documents",
                   "--seed", seed, "--skip", 1, "--samples", 4) == 0  # fmt: skip
        tokens, offsets, _, _ = read(out)
        orders.append([tokens[a:b] for a, b in itertools.pairwise(offsets)])
    assert orders[0] == orders[1] != orders[2]
    whole = [[1, *words(text)] for text in TEXTS]
    assert all(document in whole for document in orders[0]) and len(orders[0]) == 4


TEMPLATE = """{% for message in messages %}<{{ message.role }}> {{ message.content }} </s>
{% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}"""


def test_chats_count_what_the_assistant_says(tokenizer, tmp_path):
    chats, template, out = tmp_path / "chats.jsonl", tmp_path / "chat.jinja", tmp_path / "out.h5"
    said = ("the fox", "a quick dog", "and", "over hills")
    roles = list(zip(("user", "assistant") * 2, said, strict=True))
    messages = [{"role": role, "content": content} for role, content in roles]
    only_asked = [{"role": "user", "content": "nobody answers"}]
    chats.write_text("\n".join(json.dumps({"chat": chat}) for chat in (messages, only_asked)))
    template.write_text(TEMPLATE)
    assert run("--jsonl", chats, "--field", "chat", "--template", template, "--tokenizer",
               tokenizer, "--out", out, "--length", 50, "--pack", "per-document",
               "--short", "keep") == 0  # fmt: skip
    tokens, offsets, mask, attributes = read(out)
    expected, counts = [], []
    for role, content in roles:
        expected += [0, *words(content), 2]
        counts += [0] + [int(role == "assistant")] * (len(content.split()) + 1)
    assert tokens == expected and mask == counts
    assert offsets == [0, len(expected)], "a chat without a target that counts is no sample"
    assert attributes["documents"] == 2


def test_texts_and_standard_input(tokenizer, tmp_path, monkeypatch):
    path, out = tmp_path / "a.txt", tmp_path / "out.h5"
    path.write_text(TEXTS[0])
    assert run("--text", path, "--tokenizer", tokenizer, "--out", out, "--length", 4) == 0
    data = TEXTS[0].encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    piped = tmp_path / "piped.h5"
    assert run("--text", "-", "--tokenizer", tokenizer, "--out", piped, "--length", 4) == 0
    assert read(out) == read(piped)


def test_parquet(tokenizer, jsonl, tmp_path):
    pytest.importorskip("pyarrow")
    from pyarrow import parquet, table

    path, out, other = tmp_path / "texts.parquet", tmp_path / "out.h5", tmp_path / "other.h5"
    parquet.write_table(table({"body": TEXTS, "id": list(range(5))}), path)
    common = ["--tokenizer", tokenizer, "--length", 4]
    assert run("--parquet", path, "--field", "body", "--out", out, *common) == 0
    assert run("--jsonl", jsonl, "--out", other, *common) == 0
    assert read(out)[:3] == read(other)[:3]


def test_bytes_that_fall_apart(tmp_path, capsys):
    """A byte-level tokenizer without BOS, and a summary that can be added up by hand."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=260, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator(TEXTS, trainer)
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "é.txt").write_text("the naïve café, 東京")
    assert run("--text", tmp_path / "é.txt", "--tokenizer", tmp_path, "--out", tmp_path / "o.h5",
               "--length", 3) == 0  # fmt: skip
    ids = made.encode("the naïve café, 東京").ids
    tokens = read(tmp_path / "o.h5")[0]
    assert tokens == ids[: (len(ids) - 1) // 3 * 3 + 1]
    said = capsys.readouterr().out
    assert f"1 documents, 0.0% dropped; {len(ids)} tokens" in said
    assert f"{len(ids) / len('the naïve café, 東京'.encode()):.3f} a byte" in said


def test_unknown_tokens_are_told(tokenizer, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("the zebra and the dog")
    assert run("--text", tmp_path / "a.txt", "--tokenizer", tokenizer, "--out", tmp_path / "o.h5",
               "--length", 2) == 0  # fmt: skip
    shown = capsys.readouterr()
    assert "1 unknown tokens" in shown.out and "warning: 16.67% of the tokens" in shown.err


def refusal(capsys, *options):
    assert run(*options) == 2
    return capsys.readouterr().err


def test_what_is_wrong_is_said(tokenizer, jsonl, tmp_path, capsys):
    out = tmp_path / "out.h5"
    good = {"--jsonl": jsonl, "--tokenizer": tokenizer, "--out": out, "--length": 4}

    def refused(changes):
        options = [str(part) for pair in (good | changes).items() for part in pair]
        message = refusal(capsys, *options)
        assert not out.exists()
        return message

    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "a"}\n{"text"\n')
    assert f"{bad}:2: it is not JSON" in refused({"--jsonl": bad})
    bad.write_text("[1]\n")
    assert "not a JSON object" in refused({"--jsonl": bad})
    bad.write_text('{"text": 3}\n')
    assert f"{bad}:1: the field is not a text" in refused({"--jsonl": bad})
    bad.write_bytes(b'{"text": "\xff"}\n')
    assert "byte 10 is not UTF-8" in refused({"--jsonl": bad})
    assert "no field 'body' (it has: text, id)" in refused({"--field": "body"})
    assert "no tokenizer that can be read" in refused({"--tokenizer": jsonl})
    assert "leaves nothing of 5 documents" in refused({"--skip": 5})
    assert "have 1 samples of 40 tokens, and 2 are wanted" in refused(
        {"--length": 40, "--samples": 2}
    )
    assert "Leave one out" in refused({"--samples": 1, "--split": "a=1"})
    assert "no token 'bos!'" in refused({"--bos": "always", "--bos-token": "bos!"})
    (tokenizer / "config.json").unlink()
    assert "which token is EOS" in refused({"--separator": "eos"})
    out.write_text("precious")
    assert "is there already" in refusal(capsys, *[str(p) for pair in good.items() for p in pair])
    assert out.read_text() == "precious"


@pytest.mark.parametrize("wrong", [["--length", "0"], ["--split", "a=1,a=2"], ["--split", "a"]])
def test_wrong_options(tokenizer, jsonl, tmp_path, wrong):
    with pytest.raises(SystemExit) as ended:
        run("--jsonl", jsonl, "--tokenizer", tokenizer, "--out", tmp_path / "o.h5", "--length", 4,
            *wrong)  # fmt: skip
    assert ended.value.code == 2
