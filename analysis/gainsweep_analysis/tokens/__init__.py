"""Token files from text."""

from .problem import TokensError

__all__ = ["TokensError"]
