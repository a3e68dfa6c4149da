"""Detection of references that make a validator check the same value endlessly, or far too often."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from microagent.jsontext import Complaint
from microagent.names import shown
from microagent.schemas.converting import Converted, Key, Link
from microagent.schemas.library import Library
from microagent.schemas.scopes import Steps

CIRCLE = "leads back to itself, and into no property or item of the value"

DEEPEST = 100
"""Schemas that check the same value, each referred to by the one before."""

MOST_CHECKS = 100_000
"""Schemas that check the same value in total."""


class Checks:
    """Counts how many schemas check the same value."""

    def __init__(self, library: Library, converted: Callable[[Key], Converted]) -> None:
        """:param converted: gives the schema that a reference leads to"""
        self._library = library
        self._converted = converted
        self._costs: dict[_Node, _Cost] = {}
        self._checked: set[Converted] = set()
        self._reported: set[str] = set()

    def check(self, converted: Converted) -> None:
        """Report every reference that leads in a cycle, or to too many checks of one value."""
        if converted in self._checked:
            return
        self._checked.add(converted)
        for steps in converted.edges:
            if (converted, steps) not in self._costs:
                self._visit((converted, steps))

    def _visit(self, start: "_Node") -> None:
        path, places = [_Visit(start, None, self._onward(start))], {start}
        while path:
            visit = path[-1]
            step = next(visit.onward, None)
            if step is None:
                places.remove(path.pop().node)
                self._costs[visit.node] = visit.cost
                if path:
                    self._add(path[-1], visit.cost, visit.link)
                continue
            link, node = step
            if node in places:
                self._report_cycle(path, node, link)
            elif node in self._costs:
                self._add(visit, self._costs[node], link)
            else:
                path.append(_Visit(node, link, self._onward(node)))
                places.add(node)

    def _onward(self, node: "_Node") -> "Iterator[tuple[Link | None, _Node]]":
        converted, steps = node
        for edge in converted.edges.get(steps, ()):
            if not isinstance(edge, Link):
                yield None, (converted, edge)
            else:
                there = converted if edge.key is None else self._converted(edge.key)
                yield edge, (there, edge.tail)

    def _add(self, visit: "_Visit", cost: "_Cost", link: Link | None) -> None:
        visit.cost = _Cost(max(visit.cost.depth, cost.depth + 1), min(visit.cost.checks + cost.checks, MOST_CHECKS + 1))
        if visit.cost.depth > DEEPEST:
            self._report(
                visit,
                link,
                f"begins a chain of more than {DEEPEST} schemas that check the same value: refer to the last one",
            )
        elif visit.cost.checks > MOST_CHECKS:
            self._report(visit, link, f"multiplies: one value would be checked more than {MOST_CHECKS:,} times")

    def _report(self, visit: "_Visit", link: Link | None, fault: str) -> None:
        """Report a fault once: outer references have it as well."""
        if link is not None and fault not in self._reported:
            self._reported.add(fault)
            self._complain(visit, link, fault)

    def _report_cycle(self, path: "list[_Visit]", node: "_Node", link: Link | None) -> None:
        """Report a cycle at its last reference."""
        for visit in reversed(path):
            if link is not None:
                self._complain(visit, link, CIRCLE)
                return
            if visit.node == node:
                return
            link = visit.link

    def _complain(self, visit: "_Visit", link: Link, fault: str) -> None:
        self._library.complain(visit.node[0].scope, Complaint(f"$ref {shown(link.text)} {fault}", link.place))


_Node: TypeAlias = tuple[Converted, Steps]


@dataclass(frozen=True, slots=True)
class _Cost:
    depth: int = 0
    checks: int = 1


@dataclass(slots=True)
class _Visit:
    """A place on the current path; ``link`` led to it, ``onward`` iterates over the places that it leads to."""

    node: _Node
    link: Link | None
    onward: Iterator[tuple[Link | None, _Node]]
    cost: _Cost = _Cost()
