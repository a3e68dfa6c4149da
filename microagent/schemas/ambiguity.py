"""
Detection of patterns that can take exponentially long to search for.

A backtracking search, such as that of Python's ``re``, does so if a repeated part can match the same text in two ways:
``(a+)+`` matches two letters as one run or as two. The pattern is turned into an automaton with a state for each
character of the pattern (Glushkov's construction); it is exponential if two different paths from a state back to itself
read the same text.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TypeAlias

from microagent.schemas.charsets import Charset
from microagent.schemas.ecmascript import parsed
from microagent.schemas.regexnodes import Characters, Choice, Group, Node, PatternError, Repeat, Sequence

# Patterns with more than these are not examined:
MOST_STATES = 100  # characters, counted as often as they are repeated
MOST_STEPS = 500  # pairs of characters that can follow each other
MOST_PARTS = 2_000  # nodes of any kind
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_LOOP = 20  # a part that may be repeated more often counts as repeated without a bound

_Ways: TypeAlias = Counter[int]
_Pair: TypeAlias = tuple[int, int]


def has_repeated_group(pattern: str) -> bool:
    """Whether a pattern repeats a group, without which it cannot be exponential; a quick check of its text."""
    return _REPEATED_GROUP.search(pattern) is not None


@lru_cache(1024)
def is_exponential(pattern: str) -> bool:
    """Whether a search for the pattern can take exponentially long in a text that does not match."""
    try:
        automaton = _Automaton()
        automaton.read(parsed(pattern))
    except (PatternError, _TooLarge, RecursionError):
        return False
    return automaton.is_ambiguous()


class _TooLarge(Exception):
    """A pattern is too large to be examined."""


@dataclass(frozen=True, slots=True)
class _Part:
    """In how many ways a part can begin and end with each state, and in how many it can be empty."""

    first: _Ways = field(default_factory=Counter[int])
    last: _Ways = field(default_factory=Counter[int])
    empty: int = 1


class _Automaton:
    def __init__(self) -> None:
        self._read: list[Charset] = []
        self._next: dict[int, _Ways] = {}
        self._steps = 0
        self._parts = 0

    def read(self, node: Node) -> _Part:
        """Add the states of a node."""
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise _TooLarge
        match node:
            case Characters(found):
                return self._state(found)
            case Sequence(parts):
                return self._in_turn(map(self.read, parts))
            case Choice(options):
                read = [self.read(option) for option in options]
                empty = sum(each.empty for each in read)
                return _Part(_sum(each.first for each in read), _sum(each.last for each in read), empty)
            case Group():
                return self.read(node.part)
            case Repeat():
                return self._repeated(node)
            case _:
                return _Part()

    def _state(self, found: Charset) -> _Part:
        number = len(self._read)
        if number == MOST_STATES:
            raise _TooLarge
        self._read.append(found)
        self._next[number] = Counter()
        return _Part(Counter([number]), Counter([number]), 0)

    def _in_turn(self, parts: Iterable[_Part]) -> _Part:
        whole = _Part()
        for part in parts:
            self._link(whole.last, part.first)
            first = whole.first + _times(part.first, whole.empty)
            whole = _Part(first, part.last + _times(whole.last, part.empty), whole.empty * part.empty)
        return whole

    def _repeated(self, node: Repeat) -> _Part:
        if node.most is not None and node.most <= _LOOP:
            return self._counted(node, node.most)
        part = self.read(node.part)
        self._link(part.last, part.first)
        return replace(part, empty=part.empty + (node.least == 0))

    def _counted(self, node: Repeat, most: int) -> _Part:
        """A bounded repetition, unrolled: each iteration is only reached from the one before."""
        whole = _Part()
        for number in range(most, 0, -1):
            part = self._in_turn([self.read(node.part), whole])
            whole = replace(part, empty=part.empty + 1) if number > node.least else part
        return whole

    def _link(self, lasts: _Ways, firsts: _Ways) -> None:
        for last, ways in lasts.items():
            self._next[last] += _times(firsts, ways)
            self._steps += len(firsts)
        if self._steps > MOST_STEPS:
            raise _TooLarge

    def is_ambiguous(self) -> bool:
        """Whether two different paths from a state to itself read the same text."""
        for pairs in _connected([(state, state) for state in self._next], self._following):
            alike = {one for one, other in pairs if one == other}
            is_doubled = any(self._next[one][other] > 1 for one in alike for other in alike & self._next[one].keys())
            if is_doubled or 0 < len(alike) < len(pairs):
                return True
        return False

    def _following(self, pair: _Pair) -> Iterator[_Pair]:
        """The pairs of states that two readers of the same text can reach from this pair with its next character."""
        one, other = pair
        for first in self._next[one]:
            for second in self._next[other]:
                if first == second or _meet(self._read[first], self._read[second]):
                    yield (first, second) if first <= second else (second, first)


def _sum(several: Iterable[_Ways]) -> _Ways:
    found: _Ways = Counter()
    for each in several:
        found += each
    return found


def _times(ways: _Ways, factor: int) -> _Ways:
    """The product of ways, capped at two: only one and several are told apart."""
    return Counter({state: min(2, count * factor) for state, count in ways.items() if factor})


def _meet(one: Charset, other: Charset) -> bool:
    """Whether some character is in both."""
    return any(first <= end and start <= last for first, last in one for start, end in other)


def _connected(starts: Iterable[_Pair], following: Callable[[_Pair], Iterable[_Pair]]) -> Iterator[list[_Pair]]:
    """The groups of pairs that all lead to each other: Tarjan's strongly connected components."""
    number: dict[_Pair, int] = {}
    lowest: dict[_Pair, int] = {}
    waiting: list[_Pair] = []
    is_waiting: set[_Pair] = set()
    for start in starts:
        path = [(start, iter(following(start)))] if start not in number else []
        while path:
            pair, inner = path[-1]
            if pair not in number:
                number[pair] = lowest[pair] = len(number)
                waiting.append(pair)
                is_waiting.add(pair)
            for each in inner:
                if each not in number:
                    path.append((each, iter(following(each))))
                    break
                if each in is_waiting:
                    lowest[pair] = min(lowest[pair], number[each])
            else:
                path.pop()
                if path:
                    lowest[path[-1][0]] = min(lowest[path[-1][0]], lowest[pair])
                if lowest[pair] == number[pair]:
                    index = waiting.index(pair)
                    yield waiting[index:]
                    is_waiting.difference_update(waiting[index:])
                    del waiting[index:]
