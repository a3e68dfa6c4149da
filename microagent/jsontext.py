"""JSON as people write it: read strictly, with the place of everything that is said about it later."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

from microagent.names import shown

DEEPEST = 100
"""Levels of brackets: more are a mistake, or an attack."""

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})

Steps: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something to say of a place in a document; ``of_key``: of the key there rather than of its value."""

    message: str
    steps: Steps = ()
    of_key: bool = False

    def below(self, *steps: str) -> "Complaint":
        """The same complaint, seen from further up."""
        return Complaint(self.message, (*steps, *self.steps), self.of_key)


class UnreadableError(ValueError):
    """The text is no JSON; ``line`` and ``column`` where it is known."""

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column


class Document:
    """
    A JSON text that was read.

    :ivar value: what it says
    :ivar mistakes: what JSON does not allow, or leaves open: a key twice in an object, NaN
    """

    def __init__(self, raw: bytes | str) -> None:
        """:raises UnreadableError: if the text is no JSON"""
        self.text = _decoded(raw)
        self.value: Any = _loaded(self.text)
        self.mistakes: list[Complaint] = []
        for _ in _values(self.text, self.mistakes):
            pass

    def places(self, complaints: Iterable[Complaint]) -> Iterator[tuple[int, int]]:
        """The line and column of each complaint, from 1; of what surrounds it, where there is no such place."""
        asked = list(complaints)
        root = _Wanted.of(complaint.steps for complaint in asked)
        _locate(self.text, root)
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
        raise UnreadableError("no UTF-8 text", line, column) from None


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as exc:
        raise UnreadableError(f"no JSON: {_uncapitalised(exc.msg)}", exc.lineno, exc.colno) from None
    except RecursionError:
        raise UnreadableError(f"brackets are nested more than {DEEPEST} deep") from None
    except ValueError:
        raise UnreadableError("a number is too long to be read") from None


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]


@dataclass(slots=True)
class _Wanted:
    """A place that is asked for, or leads to one."""

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
        """The offset of the complaint's place, or of the last place on the way to it."""
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
    """An object or array that is not closed yet; ``step`` leads to the member that comes next."""

    is_object: bool
    expects_key: bool
    step: str = "0"
    index: int = 0
    key_offset: int | None = None
    keys: set[str] = field(default_factory=set[str])

    def name(self, token: str, offset: int) -> bool:
        """The key of the next member; whether it is new in this object."""
        self.step = json.loads(token) if "\\" in token else token[1:-1]
        self.key_offset = offset
        is_new = self.step not in self.keys
        self.keys.add(self.step)
        return is_new

    def next(self) -> None:
        self.index += 1
        self.step = str(self.index)
        self.expects_key = self.is_object


def _values(text: str, mistakes: list[Complaint]) -> Iterator[tuple[int, list[_Open]]]:
    """
    Every value of a JSON text that is known to be well formed: its offset, and what is open around it.

    :param mistakes: gets what is wrong all the same
    """
    around: list[_Open] = []
    for match in _TOKEN.finditer(text):
        token, offset = match.group(), match.start()
        if token in {"}", "]"}:
            around.pop()
        elif token == ",":
            around[-1].next()
        elif token == ":":
            around[-1].expects_key = False
        elif around and around[-1].expects_key:
            if not around[-1].name(token, offset):
                mistakes.append(Complaint(f"the key {shown(around[-1].step)} is there twice", _steps(around), True))
        else:
            yield offset, around
            if token in _CONSTANTS:
                mistakes.append(Complaint(f"JSON has no {token}", _steps(around)))
            if token in {"{", "["}:
                around.append(_Open(token == "{", expects_key=token == "{"))
            if len(around) > DEEPEST:
                raise UnreadableError(f"brackets are nested more than {DEEPEST} deep")


def _steps(around: list[_Open]) -> Steps:
    return tuple(each.step for each in around)


def _locate(text: str, root: _Wanted) -> None:
    """Write the offsets of all wanted places into them; the last one counts where a key is repeated."""
    path: list[_Wanted | None] = []
    for offset, around in _values(text, []):
        del path[len(around) :]
        holder = path[-1] if path else None
        node = root if not around else holder and holder.below.get(around[-1].step)
        path.append(node)
        if node is not None:
            node.offset, node.key_offset = offset, around[-1].key_offset if around else None
