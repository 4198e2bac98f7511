"""What is wrong with texts, tokenizers or options."""


class TokensError(Exception):
    """A sentence or two: what is wrong, why, and what to do."""
