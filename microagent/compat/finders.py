"""Who finds values that a schema asks for and that cannot be made up from its words."""

import re
from collections.abc import Iterable
from typing import Protocol

from microagent.compat.scopes import Scope
from microagent.schemas.words import Schema

ROUNDS = 20
_WORD = re.compile(r"\^?[A-Za-z0-9_ -]*\$?")


class Finder(Protocol):
    """
    Somebody who looks for values.

    :ivar tries: values that are tried for one question; for all questions about two schemas, ``ROUNDS`` times as many
    """

    tries: int

    def texts(self, pattern: str) -> Iterable[str]:
        """Some texts in which a pattern is found."""
        ...

    def values(self, scope: Scope, schema: Schema) -> Iterable[object]:
        """Many values that may fit a schema."""
        ...


class Unaided:
    """Nobody's help: patterns that are plain words, and nothing else."""

    def __init__(self, tries: int = 1_000) -> None:
        self.tries = tries

    def texts(self, pattern: str) -> Iterable[str]:
        """The word itself."""
        return (pattern.strip("^$"),) if _WORD.fullmatch(pattern) else ()

    def values(self, scope: Scope, schema: Schema) -> Iterable[object]:
        """None."""
        del scope, schema
        return ()
