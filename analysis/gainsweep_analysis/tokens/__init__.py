"""Token files from text: the one part of this package that makes something for the program."""

from .problem import TokensError

__all__ = ["TokensError"]
