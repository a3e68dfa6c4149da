"""Strict JSON documents that know the line and column of every value."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isinf
from typing import Any, TypeAlias

from microagent.names import shown

DEEPEST = 100
"""Levels of nested brackets; more are a mistake, or an attack."""

_TOKEN = re.compile(r'(?P<string>"[^"\\]*(?:\\.[^"\\]*)*")(?P<colon>\s*:\s*)?|[{}\[\]]|NaN|-?Infinity', re.DOTALL)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(r"[{}\[\]]")
_SCALAR = re.compile(r"[^\s,]+|,")

Steps: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """
    A problem, or a note, at a place in a document.

    :ivar of_key: whether it is about the key there rather than about its value
    :ivar file: the file that it is about, relative to the folder of the main document; empty for the main document
    """

    message: str
    steps: Steps = ()
    of_key: bool = False
    file: str = ""

    def below(self, *steps: str) -> "Complaint":
        """The same complaint, with the steps of an outer value in front."""
        return replace(self, steps=(*steps, *self.steps))


class UnreadableError(ValueError):
    """The text is not valid JSON; ``line`` and ``column`` are None if unknown."""

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column


class Document:
    """
    A parsed JSON text.

    :ivar value: its value
    :ivar mistakes: what Python's parser accepts though it should not: duplicate keys, NaN and infinities
    """

    def __init__(self, raw: bytes | str) -> None:
        """:raises UnreadableError: if the text is not valid JSON"""
        self.text = _decoded(raw)
        self.value, is_odd = _loaded(self.text)
        self.mistakes = _Walk(self.text, None).mistakes if is_odd else []

    def places(self, complaints: Iterable[Complaint]) -> Iterator[tuple[int, int]]:
        """The line and column of each complaint, from 1; of the nearest outer value if its place does not exist."""
        asked = list(complaints)
        if not asked:
            return
        root = _Wanted.of(complaint.steps for complaint in asked)
        _Walk(self.text, root)
        for complaint in asked:
            offset = root.nearest(complaint)
            line = bisect_right(self._line_starts, offset)
            yield line, offset - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]


def _decoded(raw: bytes | str) -> str:
    if isinstance(raw, str):
        return raw.removeprefix("\ufeff")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        column = exc.start - (raw.rfind(b"\n", 0, exc.start) + 1) + 1
        raise UnreadableError("not valid UTF-8", line, column) from None


def _loaded(text: str) -> tuple[Any, bool]:
    """The value of the text, and whether it has mistakes, which a second pass then locates."""
    odd: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        named = dict(found)
        if len(named) < len(found):
            odd.append("duplicate key")
        return named

    def constant(name: str) -> float:
        odd.append(name)
        return float(name)

    def broken(literal: str) -> float:
        if isinf(number := float(literal)):
            raise _unreadable("a number is larger than any float", text, literal)
        return number

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_float=broken)
    except json.JSONDecodeError as exc:
        raise UnreadableError(
            f"not valid JSON: {_slip(exc) or _uncapitalised(exc.msg)}", exc.lineno, exc.colno
        ) from None
    except UnreadableError:
        raise
    except RecursionError:
        _check_depth(text)
        raise
    except ValueError:
        raise _unreadable("a number is too long to be read", text, _longest_number(text)) from None
    _check_depth(text)
    return value, bool(odd)


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "{[" else -1
        if depth > DEEPEST:
            raise UnreadableError(f"brackets are nested more than {DEEPEST} deep", *_too_deep(text))


def _too_deep(text: str) -> tuple[int, int]:
    """The line and column of the first bracket that is nested too deeply."""
    depth = 0
    for match in _BRACKET.finditer(found := _without_strings(text)):
        depth += 1 if match[0] in "{[" else -1
        if depth > DEEPEST:
            return _line_and_column(found, match.start())
    return 1, 1


def _unreadable(reason: str, text: str, literal: str) -> UnreadableError:
    """An error about a number, at its first occurrence."""
    found = _without_strings(text)
    return UnreadableError(reason, *_line_and_column(found, found.find(literal)))


def _longest_number(text: str) -> str:
    return max((match[0] for match in re.finditer(r"\d+", _without_strings(text))), key=len)


def _without_strings(text: str) -> str:
    """The text with strings blanked out, so that everything else keeps its offset."""
    return _STRING.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _slip(error: json.JSONDecodeError) -> str | None:
    """The mistake at the error's place, if it is one that people often make."""
    if not error.doc.strip():
        return "the document is empty"
    before, after = error.doc[: error.pos].rstrip()[-1:], error.doc[error.pos :].lstrip()
    if (before == "," and after[:1] in {"}", "]"}) or "trailing comma" in error.msg:  # as Python 3.13 says
        return "trailing comma"
    return next((reason for pattern, reason in _SLIPS if pattern.match(after)), None)


_SLIPS = (
    (re.compile("'"), "strings need double quotes"),
    (re.compile("//|/[*]|#"), "comments are not allowed"),
    (re.compile(r"(True|False|None)\b"), "true, false and null are written in lower case"),
)


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:].removesuffix(" at")


@dataclass(slots=True)
class _Wanted:
    """A place whose offset is wanted, or that leads to one."""

    below: dict[str, "_Wanted"] = field(default_factory=dict[str, "_Wanted"])
    offset: int | None = None
    key_offset: int | None = None

    @classmethod
    def of(cls, places: Iterable[Steps]) -> "_Wanted":
        root = cls()
        for steps in places:
            node = root
            for step in steps:
                node = node.below.setdefault(step, cls())
        return root

    def nearest(self, complaint: Complaint) -> int:
        """The offset of the complaint's place, or of the last existing one on the way to it."""
        node, nearest = self, self
        for step in complaint.steps:
            node = node.below[step]
            if node.offset is None:
                return nearest.offset or 0
            nearest = node
        found = nearest.key_offset if complaint.of_key else nearest.offset
        return found or nearest.offset or 0


@dataclass(slots=True)
class _Open:
    """An object or array that is being scanned; ``step`` leads to its current member."""

    is_object: bool
    wanted: _Wanted | None
    key: str = ""
    index: int = 0
    keys: set[str] = field(default_factory=set[str])

    @property
    def step(self) -> str:
        return self.key if self.is_object else str(self.index)

    def member(self) -> _Wanted | None:
        return self.wanted and self.wanted.below.get(self.step)

    def name(self, token: str) -> bool:
        """Begin the member with this key; whether the key is new in this object."""
        self.key = json.loads(token) if "\\" in token else token[1:-1]
        is_new = self.key not in self.keys
        self.keys.add(self.key)
        return is_new

    def pass_over(self, between: str, offset: int) -> None:
        """Scan the text between two tokens of an array: numbers, and commas, each of which begins a member."""
        if self.wanted is None:
            self.index += between.count(",")
            return
        for match in _SCALAR.finditer(between):
            if match[0] == ",":
                self.index += 1
            elif (wanted := self.member()) is not None:
                wanted.offset = offset + match.start()


class _Walk:
    """
    One pass over a JSON text that is known to be well formed, from one bracket or string to the next.

    :ivar mistakes: duplicate keys, NaN and infinities
    """

    def __init__(self, text: str, root: _Wanted | None) -> None:
        self.mistakes: list[Complaint] = []
        self._text = text
        self._root = root
        self._around: list[_Open] = []
        self._walk()

    def _walk(self) -> None:
        end = 0
        for match in _TOKEN.finditer(self._text):
            innermost = self._around[-1] if self._around else None
            if innermost is not None and not innermost.is_object:
                innermost.pass_over(self._text[end : match.start()], end)
            end = match.end()
            if match["colon"] is not None and innermost is not None:
                self._key(innermost, match)
            elif match[0] in {"}", "]"}:
                self._around.pop()
            else:
                self._value(innermost, match)

    def _key(self, innermost: _Open, match: re.Match[str]) -> None:
        if not innermost.name(match["string"]):
            message = f"duplicate key {shown(innermost.key)}"
            self.mistakes.append(Complaint(message, self._steps(), of_key=True))
        if (wanted := innermost.member()) is not None:
            wanted.key_offset, wanted.offset = match.start(), match.end()

    def _value(self, innermost: _Open | None, match: re.Match[str]) -> None:
        wanted = innermost.member() if innermost is not None else self._root
        if wanted is not None:
            wanted.offset = match.start()
        if match[0] in {"{", "["}:
            self._around.append(_Open(match[0] == "{", wanted))
        elif match["string"] is None:
            self.mistakes.append(Complaint(f"JSON has no {match[0]}", self._steps()))

    def _steps(self) -> Steps:
        return tuple(each.step for each in self._around)
