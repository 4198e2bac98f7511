"""The yardstick: an interpolated Kneser-Ney trigram over the same tokens.

Kneser & Ney 1995; Chen & Goodman 1999.
"""

import itertools
import math
from collections import Counter, defaultdict


class KneserNeyTrigram:
    """Interpolated Kneser-Ney with one discount per order, D = n1 / (n1 + 2 n2)."""

    def __init__(self, documents: list[list[int]], vocabulary: int):
        trigrams, bigrams = Counter(), Counter()
        for tokens in documents:
            trigrams.update(zip(tokens, tokens[1:], tokens[2:], strict=False))
            # A document's first pair has no predecessor.
            bigrams.update(itertools.pairwise(tokens[:2]))
        self.vocabulary = vocabulary
        self.trigrams = trigrams
        # Lower orders count distinct left contexts instead of occurrences.
        for _, middle, last in trigrams:
            bigrams[middle, last] += 1
        self.bigrams = bigrams
        self.unigrams = Counter(last for _, last in bigrams)
        self.trigram_context, self.bigram_context = _contexts(trigrams), _contexts(bigrams)
        self.unigram_total = sum(self.unigrams.values())
        self.discounts = [_discount(counts) for counts in (self.unigrams, bigrams, trigrams)]

    def probability(self, first: int | None, middle: int, last: int) -> float:
        """P(last | first middle); `first` is None at the second token of a document."""
        discount = self.discounts[0]
        p = max(self.unigrams[last] - discount, 0) / self.unigram_total
        p += discount * len(self.unigrams) / self.unigram_total / self.vocabulary
        p = _interpolate(
            self.bigrams, (middle, last), self.bigram_context.get(middle), self.discounts[1], p
        )
        if first is None:
            return p
        context = self.trigram_context.get((first, middle))
        return _interpolate(self.trigrams, (first, middle, last), context, self.discounts[2], p)

    def perplexity(self, documents: list[list[int]]) -> float:
        """Perplexity over all tokens of the documents but their first."""
        loss, count = 0.0, 0
        for tokens in documents:
            for index in range(1, len(tokens)):
                first = tokens[index - 2] if index > 1 else None
                loss -= math.log(self.probability(first, tokens[index - 1], tokens[index]))
                count += 1
        return math.exp(loss / count)


def _contexts(counts: Counter) -> dict:
    """context -> (total count, number of distinct continuations)."""
    contexts = defaultdict(lambda: [0, 0])
    for ngram, count in counts.items():
        context = ngram[:-1] if len(ngram) > 2 else ngram[0]
        contexts[context][0] += count
        contexts[context][1] += 1
    return dict(contexts)


def _discount(counts: Counter) -> float:
    once = sum(1 for count in counts.values() if count == 1)
    twice = sum(1 for count in counts.values() if count == 2)
    return once / (once + 2 * twice) if once else 0.5


def _interpolate(counts, ngram, context, discount, lower: float) -> float:
    if context is None:
        return lower
    total, distinct = context
    return (max(counts[ngram] - discount, 0) + discount * distinct * lower) / total
