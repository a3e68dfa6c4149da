"""Translate the patterns of JSON Schema, regular expressions of ECMA-262, for Python's ``re``."""

import re
import warnings
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TypeAlias

from microagent.schemas.captures import parts, referred
from microagent.schemas.charsets import WORD, python_class
from microagent.schemas.ecmascript import parsed
from microagent.schemas.regexnodes import (
    Back,
    Characters,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    PatternError,
    Repeat,
    Sequence,
)

LONGEST = 20_000  # characters of a pattern; one of all emoji has fewer
LONGEST_WRITTEN = 2**20  # characters of a translation
MOST_EMPTY = 1_000  # required repetitions of a part that may match nothing, all of which `re` tries
MOST_WIDTHS = 100  # different widths of a lookbehind
FURTHEST = 10_000  # characters of its translation

_EDGES = {
    ("^", False): r"\A",
    ("$", False): r"\Z",
    ("^", True): r"(?<![^\n\r\u2028\u2029])",
    ("$", True): r"(?![^\n\r\u2028\u2029])",
}
_Widths: TypeAlias = Mapping[int, str]


class Pattern(str):
    """
    A translated pattern that still compares and hashes as the original.

    So ``re`` searches for the translation, while a key of ``patternProperties`` is found by the original.

    :ivar origin: the original pattern
    """

    __slots__ = ("origin",)
    origin: str

    @classmethod
    def of(cls, origin: str) -> "Pattern":
        """
        Translate a pattern of ECMA-262.

        :raises PatternError: if it is not valid, or Python cannot express it
        """
        found = cls(translated(origin))
        found.origin = origin
        return found

    def __eq__(self, other: object) -> bool:
        return self.origin == (other.origin if isinstance(other, Pattern) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.origin)


def is_pattern(text: str) -> bool:
    """Whether a text is a pattern of ECMA-262 that Python can express."""
    try:
        translated(text)
    except PatternError:
        return False
    return True


def finds(pattern: str, text: str) -> bool:
    """Whether a pattern of ECMA-262 is found in a text."""
    return re.search(translated(pattern), text) is not None


@lru_cache(1024)
def translated(pattern: str) -> str:
    """
    The equivalent expression for Python's ``re``, which can be combined with others: its group names are unique.

    :raises PatternError: if the pattern is not valid, or Python cannot express it
    """
    if len(pattern) > LONGEST:
        raise PatternError(f"cannot be checked: it is longer than {LONGEST} characters")
    try:
        found = _Writer(pattern).whole()
        with warnings.catch_warnings(action="ignore"):
            re.compile(found)
    except (re.error, RecursionError, OverflowError) as exc:
        raise PatternError(f"cannot be checked: {exc}") from exc
    return found or "(?:)"


class _Writer:
    def __init__(self, pattern: str) -> None:
        self._node = parsed(pattern)
        _check_repetitions(self._node)
        self._referred = referred(self._node)
        self._needed = {group for each in self._referred.values() for group in each}
        self._suffix = sha256(pattern.encode("utf-8", "surrogatepass")).hexdigest()[:12] if self._needed else ""

    def whole(self) -> str:
        return self._text(self._node)

    def _text(self, node: Node) -> str:
        match node:
            case Characters(found):
                return python_class(found)
            case Edge():
                return _edge(node)
            case Sequence(parts):
                return _joined(map(self._text, parts))
            case Choice(options):
                return f"(?:{_joined(map(self._text, options), '|')})"
            case Repeat():
                return self._repeat(node)
            case Group():
                inside = self._text(node.part)
                return f"(?P<{self._name(node)}>{inside})" if node in self._needed else f"(?:{inside})"
            case Look():
                inside = self._text(node.part) if node.ahead else ""
                sign = "!" if node.negative else "="
                return f"(?{sign}{inside})" if node.ahead else _looking_back(self._widths(node.part), sign)
            case Back():
                return self._back(node)

    def _name(self, group: Group) -> str:
        return f"g{group.number}_{self._suffix}"

    def _repeat(self, node: Repeat) -> str:
        text = self._text(node.part)
        most = "" if node.most is None else str(node.most)
        return f"(?:{text}){{{node.least},{most}}}{'?' if node.lazy else ''}" if text else ""

    def _back(self, node: Back) -> str:
        """
        A back reference; unlike in Python, a group that has not matched stands for an empty text.

        If case does not matter, Python compares lower case, which is not exact: the long s is not taken for an s.
        """
        found = ""
        for group, must in self._referred[node].items():
            name = self._name(group)
            same = f"(?i:(?P={name}))" if node.any_case else f"(?P={name})"
            found = same if must else f"(?({name}){same}|{found})"
        return found

    # -- lookbehind, which needs a fixed width in Python

    def _widths(self, node: Node) -> _Widths:
        """Expressions by their widths, which are equivalent to the node together."""
        match node:
            case Characters():
                return {1: self._text(node)}
            case Sequence(parts):
                return self._in_turn(map(self._widths, parts))
            case Choice(options):
                return _together(each for option in options for each in self._widths(option).items())
            case Group():
                return self._widths(node.part)
            case Repeat():
                return self._repeated(node)
            case _:
                return {0: self._text(node)}

    def _in_turn(self, several: Iterable[_Widths]) -> _Widths:
        found: _Widths = {0: ""}
        for each in several:
            pairs = ((width, text, more, other) for width, text in found.items() for more, other in each.items())
            found = _together((width + more, text + other) for width, text, more, other in pairs)
            if sum(map(len, found.values())) > FURTHEST:
                raise PatternError("cannot be checked: it looks back too far")
        return found

    def _repeated(self, node: Repeat) -> _Widths:
        part = self._widths(node.part)
        if node.most is None or node.most - node.least >= MOST_WIDTHS:
            raise PatternError("cannot be checked: it looks back without an end")
        if len(part) == 1:
            [(width, text)] = part.items()
            counts = range(node.least, node.most + 1)
            return _together((count * width, f"(?:{text}){{{count}}}") for count in counts)
        if node.most > MOST_WIDTHS:
            raise PatternError("cannot be checked: it looks back too far")
        found = _together(())
        power: _Widths = {0: ""}
        for count in range(node.most + 1):
            if count >= node.least:
                found = _together((*found.items(), *power.items()))
            power = self._in_turn((power, part))
        return found


def _check_repetitions(node: Node) -> int:
    """How many empty repetitions a search may try for this part to match nothing; 0 if it never matches nothing."""
    inner = [_check_repetitions(part) for part in parts(node)]
    match node:
        case Characters():
            return 0
        case Sequence():
            return max(1, sum(inner)) if all(inner) else 0
        case Choice():
            return max(inner)
        case Group():
            return inner[0]
        case Repeat(_, least) if least > 0:
            if inner[0] * least > MOST_EMPTY:
                raise PatternError(f"cannot be checked: it repeats what may be empty more than {MOST_EMPTY} times")
            return inner[0] * least
        case _:
            return 1


def _edge(node: Edge) -> str:
    if (node.sign, node.lines) in _EDGES:
        return _EDGES[node.sign, node.lines]
    if node.word == WORD:
        return r"(?a:\b)" if node.sign == "b" else r"(?a:(?!\b))"  # Python's \B is not in an empty text
    word = python_class(node.word)
    one = f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
    return one if node.sign == "b" else f"(?!{one})"


def _joined(texts: Iterable[str], between: str = "") -> str:
    parts = list(texts)
    if sum(map(len, parts)) > LONGEST_WRITTEN:
        raise PatternError("cannot be checked: it is too long")
    return between.join(parts)


def _together(found: Iterable[tuple[int, str]]) -> _Widths:
    by_width: dict[int, list[str]] = {}
    for width, text in found:
        by_width.setdefault(width, []).append(text)
        if len(by_width) > MOST_WIDTHS:
            raise PatternError("cannot be checked: it looks back too far")
    return {width: texts[0] if len(texts) == 1 else f"(?:{_joined(texts, '|')})" for width, texts in by_width.items()}


def _looking_back(widths: _Widths, sign: str) -> str:
    texts = [f"(?<{sign}{text})" for text in widths.values()]
    return texts[0] if len(texts) == 1 else "".join(texts) if sign == "!" else f"(?:{_joined(texts, '|')})"
