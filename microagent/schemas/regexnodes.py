"""The syntax tree of a regular expression."""

from dataclasses import dataclass
from typing import TypeAlias

from microagent.schemas.charsets import Charset


class PatternError(ValueError):
    """A text is not a regular expression, or not one that can be used; the message continues a sentence after it."""


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """Any one of these characters."""

    found: Charset


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """
    An assertion about a place between characters: ``^``, ``$``, ``\\b`` or ``\\B``.

    :ivar sign: the character after the backslash, if there is one
    :ivar lines: whether ``^`` and ``$`` also match at line breaks
    :ivar word: the characters of words
    """

    sign: str
    lines: bool
    word: Charset


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """Parts one after another."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Alternatives."""

    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """A part with a quantifier; ``most`` is None if it is unbounded."""

    part: "Node"
    least: int
    most: int | None
    lazy: bool


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A capturing group."""

    number: int
    name: str
    part: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A lookahead or lookbehind, positive or negative."""

    part: "Node"
    ahead: bool
    negative: bool


@dataclass(frozen=True, slots=True, eq=False)
class Back:
    """A back reference to a group; ``at`` is its own position in the pattern."""

    group: int | str
    any_case: bool
    at: int


Node: TypeAlias = Characters | Edge | Sequence | Choice | Repeat | Group | Look | Back
