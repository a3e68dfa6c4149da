"""Finders: sources of values that cannot be derived from the keywords of a schema."""

import re
from collections.abc import Iterable
from typing import Protocol

from microagent.compat.scopes import Scope
from microagent.schemas.words import Schema

ROUNDS = 20
_WORD = re.compile(r"\^?[A-Za-z0-9_ -]*\$?")


class Finder(Protocol):
    """
    A source of values.

    :ivar tries: the values that are tried for one question; ``ROUNDS`` times as many for all about two schemas
    """

    tries: int

    def texts(self, pattern: str) -> Iterable[str]:
        """Some texts that match a pattern."""
        ...

    def values(self, scope: Scope, schema: Schema) -> Iterable[object]:
        """Many values that may fit a schema."""
        ...


class Unaided:
    """The finder without Hypothesis, which only knows texts for patterns that are plain words."""

    def __init__(self, tries: int = 1_000) -> None:
        self.tries = tries

    def texts(self, pattern: str) -> Iterable[str]:
        """The word itself."""
        return (pattern.strip("^$"),) if _WORD.fullmatch(pattern) else ()

    def values(self, scope: Scope, schema: Schema) -> Iterable[object]:
        """None."""
        del scope, schema
        return ()
