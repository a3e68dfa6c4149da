"""The classes of a package: which there are, how each is called, and what several declarations share."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from microagent.names import class_name_problem
from microagent.reading import Reading
from microagent.shapes import ROOT, Called, Key, Known, Named, Object, OneOfValues, Scalar, Shape, inside
from microagent_gen import naming
from microagent_gen.pytypes import Names, name_of
from microagent_gen.records import Record, record

Claim: TypeAlias = Callable[[str], str | None]
"""Takes a class name for good; None if somebody has it."""

_Node: TypeAlias = tuple[int, Key]
_STEPS = {"[]": "Item", "{}": "Value"}


@dataclass(frozen=True, slots=True)
class Scope:
    """
    One schema of a declaration.

    :ivar root: what its own class is called, and what the names of nested ones begin with
    :ivar is_claimed: whether that class name is taken for it already
    :ivar place: where it is declared; of two that want one name, the first has it
    """

    root: str
    reading: Reading
    doc: str = ""
    is_claimed: bool = True
    place: tuple[str, int, int, int, int] = ("", 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Classes:
    """
    What a package defines.

    :ivar shared: what belongs to no declaration: it has a title, or is a definition
    :ivar own: what belongs to each scope
    :ivar names: for each scope, the annotation of everything that has a name in it
    :ivar uses: for each scope, which of the shared ones it names
    """

    shared: tuple[Record, ...]
    own: tuple[tuple[Record, ...], ...]
    names: tuple[Names, ...]
    uses: tuple[tuple[str, ...], ...]


def classes(scopes: Sequence[Scope], claim: Claim) -> Classes:
    """
    The classes of these schemas.

    What is equal and wants the same name is one class. What is different and wants the same name is told apart: who
    is declared first has it, the other one's begins with its declaration's.
    """
    return _Namer(scopes, claim).classes()


class _Namer:
    def __init__(self, scopes: Sequence[Scope], claim: Claim) -> None:
        self._scopes = scopes
        self._claim = claim
        self._nodes: list[_Node] = [
            (number, key)
            for number in sorted(range(len(scopes)), key=lambda number: (scopes[number].place, number))
            for key in scopes[number].reading.known
        ]
        self._groups = _grouped(scopes, self._nodes)
        self._first: dict[int, _Node] = {}
        for node in self._nodes:
            self._first.setdefault(self._groups[node], node)
        self._names: dict[int, str] = {}
        self._inner: dict[int, list[int]] = {}

    def classes(self) -> Classes:
        self._name_all()
        own = self._own()
        names = tuple(self._annotations(number) for number in range(len(self._scopes)))
        shared = [group for group in self._first if group not in own]
        shared.sort(key=lambda group: self._names[group])
        known = {self._names[group] for group in shared}
        of_scopes: list[tuple[Record, ...]] = []
        for number, scope in enumerate(self._scopes):
            groups = dict.fromkeys(self._groups[number, key] for key in scope.reading.known)
            of_scopes.append(tuple(self._records([group for group in groups if group in own], names, known)))
        uses = tuple(self._used(number, own) for number in range(len(self._scopes)))
        return Classes(tuple(self._records(shared, names, set())), tuple(of_scopes), names, uses)

    # -- names

    def _known(self, node: _Node) -> Known:
        return self._scopes[node[0]].reading.known[node[1]]

    def _name_all(self) -> None:
        for number, scope in enumerate(self._scopes):
            if scope.is_claimed and ROOT in scope.reading.known:
                self._names[self._groups[number, ROOT]] = scope.root
        waiting = [group for group in self._first if group not in self._names]
        chosen = [group for group in waiting if self._known(self._first[group]).ways[0].is_class_name]
        for group in [*chosen, *(group for group in waiting if group not in set(chosen))]:
            self._names[group] = self._free_name(self._first[group])

    def _free_name(self, node: _Node) -> str:
        scope, known = self._scopes[node[0]], self._known(node)
        told_apart = scope.root + _wanted(known.ways[0], "")
        wanted = [_wanted(way, scope.root) for way in known.ways if way.anchor and not way.path]
        places = [_wanted(way, scope.root) for way in known.ways if way.path or not way.anchor]
        for name in [*wanted, *([told_apart] if wanted else []), *places]:
            if (claimed := self._claim(name)) is not None:
                return claimed
        while (claimed := self._claim(told_apart)) is None:
            told_apart += "_"
        return claimed

    def _annotations(self, number: int) -> dict[Key, str]:
        known = self._scopes[number].reading.known
        return {key: name_of(self._names[self._groups[number, key]], found.shape) for key, found in known.items()}

    # -- what belongs to whom

    def _references(self, group: int) -> list[int]:
        if group not in self._inner:
            number, key = self._first[group]
            shape = self._scopes[number].reading.known[key].shape
            self._inner[group] = list(dict.fromkeys(self._groups[number, inner] for inner in named(shape)))
        return self._inner[group]

    def _own(self) -> set[int]:
        """What is called after a declaration, and what leads there."""
        leading: dict[int, list[int]] = {}
        for group in self._first:
            for inner in self._references(group):
                leading.setdefault(inner, []).append(group)
        own: set[int] = set()
        waiting = [group for group in self._first if _is_own(self._known(self._first[group]))]
        while waiting:
            group = waiting.pop()
            if group not in own:
                own.add(group)
                waiting += leading.get(group, ())
        return own

    def _used(self, number: int, own: set[int]) -> tuple[str, ...]:
        """The shared names that the records and the annotations of a scope name."""
        scope = self._scopes[number]
        shapes: list[Object | Shape] = [scope.reading.shape]
        shapes += [found.shape for key, found in scope.reading.known.items() if self._groups[number, key] in own]
        shapes += [scope.reading.object] if scope.reading.object else []
        groups = {self._groups[number, key] for shape in shapes for key in named(shape)}
        return tuple(sorted(self._names[group] for group in groups - own))

    # -- records, each after those that it names where that is possible

    def _records(self, groups: Sequence[int], names: Sequence[Names], defined: set[str]) -> Iterator[Record]:
        defined = set(defined)
        members = set(groups)
        waiting = list(self._inner_first(groups, members))
        while waiting:
            index = next((index for index, each in enumerate(waiting) if self._is_ready(each, members, defined)), 0)
            group = waiting.pop(index)
            number, key = self._first[group]
            scope = self._scopes[number]
            doc = scope.doc if key == ROOT else None
            yield record(scope.reading, key, names[number], defined, doc)
            defined.add(self._names[group])

    def _inner_first(self, groups: Iterable[int], members: set[int]) -> Iterator[int]:
        begun: set[int] = set()
        for start in groups:
            stack = [(start, iter(self._references(start)))] if start not in begun else []
            begun.add(start)
            while stack:
                inner = stack[-1][1]
                following = next((each for each in inner if each in members and each not in begun), None)
                if following is None:
                    yield stack.pop()[0]
                else:
                    begun.add(following)
                    stack.append((following, iter(self._references(following))))

    def _is_ready(self, group: int, members: set[int], defined: set[str]) -> bool:
        """Whether it may be defined now: an alias needs what it is an alias of, a class quotes what is to come."""
        number, key = self._first[group]
        shape = self._scopes[number].reading.known[key].shape
        if isinstance(shape, Object):
            return True
        in_place = [shape, *inside(shape)] if not isinstance(shape, Object) else []
        needed = {self._groups[number, each.key] for each in in_place if isinstance(each, Named)}
        return all(self._names[each] in defined or each not in members for each in needed)


def named(shape: "Object | Shape") -> Iterator[Key]:
    """The keys of what the annotation of a shape names."""
    if isinstance(shape, Named):
        yield shape.key
    for inner in inside(shape):
        yield from named(inner)


def _is_own(known: Known) -> bool:
    return not known.ways[0].anchor


def _wanted(way: Called, root: str) -> str:
    if way.is_class_name and not way.path:
        return way.anchor if class_name_problem(way.anchor) is None else naming.class_part(way.anchor)
    return (naming.class_part(way.anchor) if way.anchor else root) + path_name(way.path)


def path_name(path: Iterable[str]) -> str:
    """``("meta", "geo")`` is ``MetaGeo``, ``("lines", "[]")`` is ``LinesItem``."""
    return "".join(_STEPS.get(step) or naming.key_part(step) for step in path if step != "|")


# -- what is equal


def _grouped(scopes: Sequence[Scope], nodes: Sequence[_Node]) -> dict[_Node, int]:
    """
    Which nodes are one class: those that want the same name and have the same structure, through and through.

    All that want the same name are taken for equal at first; each round tells apart what refers to different ones.
    """
    outlines: dict[_Node, tuple[Hashable, list[_Node]]] = {}
    for number, key in nodes:
        known = scopes[number].reading.known[key]
        keys: list[Key] = []
        outline = _outline(known.shape, keys)
        wanted = _wanted(known.ways[0], f"{number} ")
        outlines[number, key] = (wanted, outline), [(number, inner) for inner in keys]
    groups = _numbered({node: outline for node, (outline, _) in outlines.items()})
    while True:
        finer = _numbered(
            {node: (groups[node], tuple(groups[inner] for inner in below)) for node, (_, below) in outlines.items()}
        )
        if len(set(finer.values())) == len(set(groups.values())):
            return finer
        groups = finer


def _numbered(signatures: Mapping[_Node, Hashable]) -> dict[_Node, int]:
    numbers: dict[Hashable, int] = {}
    return {node: numbers.setdefault(signature, len(numbers)) for node, signature in signatures.items()}


def _outline(shape: "Object | Shape", keys: list[Key]) -> Hashable:
    """The shape without what it refers to, which is added to ``keys``."""
    match shape:
        case Named(key):
            keys.append(key)
            return None
        case Object(fields, extra, closed):
            named_fields = tuple((each.name, each.required, _outline(each.shape, keys)) for each in fields)
            return ("object", closed, extra is None or _outline(extra, keys), named_fields)
        case Scalar(kind):
            return kind
        case OneOfValues(values):
            return tuple((type(value).__name__, value) for value in values)
        case _:
            return (type(shape).__name__, *(_outline(inner, keys) for inner in inside(shape)))
