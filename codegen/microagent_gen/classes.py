"""The classes of a package: which there are, how each is called, and what several declarations share."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from microagent.errors import Problem
from microagent.names import RESERVED_CLASSES, class_name_problem, shown
from microagent.schemas.reading import Reading
from microagent.schemas.shapes import ROOT, Called, Key, Known, Named, Object, OneOfValues, Scalar, Shape, inside, named
from microagent_gen import naming
from microagent_gen.pytypes import Names, name_of
from microagent_gen.records import Record, class_of, record

_Node: TypeAlias = tuple[int, Key]
_STEPS = {"[]": "Item", "{}": "Value"}


class NameConflict(Exception):
    """Different things would be one class; ``problems`` say which, and where they are declared."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Scope:
    """
    One schema of a declaration.

    :ivar root: what its own class is called, and what the names of nested ones begin with
    :ivar owner: the declaration, as messages call it
    :ivar origin: where that is
    """

    root: str
    reading: Reading
    owner: str
    doc: str = ""
    origin: Problem | None = None


@dataclass(frozen=True, slots=True)
class Classes:
    """
    What a package defines.

    :ivar shared: what belongs to no declaration: definitions of files, and what has a ``class_name``
    :ivar own: what belongs to each scope
    :ivar names: for each scope, the annotation of everything that has a name in it
    :ivar uses: for each scope, which of the shared ones it names
    """

    shared: tuple[Record, ...]
    own: tuple[tuple[Record, ...], ...]
    names: tuple[Names, ...]
    uses: tuple[tuple[str, ...], ...]


def classes(scopes: Sequence[Scope]) -> Classes:
    """
    The classes of these schemas.

    What a class is called depends on nothing but what it belongs to, a declaration or a definition of a file, so that
    others come and go without changing it. What is equal and has the same name is one class.

    :raises NameConflict: if different things have one name
    """
    return _Namer(scopes).classes()


class _Namer:
    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._scopes = scopes
        nodes: list[_Node] = [(number, key) for number, scope in enumerate(scopes) for key in scope.reading.known]
        self._called, self._groups = self._told_apart(nodes)
        self._nodes: dict[int, list[_Node]] = {}
        for node in nodes:
            self._nodes.setdefault(self._groups[node], []).append(node)
        self._first = {group: min(found, key=self._is_own) for group, found in self._nodes.items()}
        self._names = {group: self._called[node] for group, node in self._first.items()}
        self._inner: dict[int, list[int]] = {}
        if conflicts := [*self._conflicts()]:
            raise NameConflict(conflicts)

    def classes(self) -> Classes:
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

    def _is_own(self, node: _Node) -> bool:
        return not self._known(node).ways[0].anchor

    def _told_apart(self, nodes: Sequence[_Node]) -> tuple[Mapping[_Node, str], Mapping[_Node, int]]:
        """What each declaration calls its classes, and which of them are one."""
        wanted = {node: _wanted(self._known(node).ways[0], self._scopes[node[0]].root) for node in nodes}
        outlines = _outlines(self._scopes, nodes)
        groups = _grouped(outlines, wanted)
        of_owners: dict[str, list[_Node]] = {}
        for node in nodes:
            of_owners.setdefault(self._scopes[node[0]].owner, []).append(node)
        called = {node: name for own in of_owners.values() for node, name in self._of_declaration(own, wanted, groups)}
        return called, groups if called == wanted else _grouped(outlines, called)

    def _of_declaration(
        self, nodes: Sequence[_Node], wanted: Mapping[_Node, str], groups: Mapping[_Node, int]
    ) -> Iterator[tuple[_Node, str]]:
        """What one declaration calls its classes: the best name that nothing else has, beside or in one definition."""
        if len({wanted[node] for node in nodes}) == len({groups[node] for node in nodes}):
            yield from ((node, wanted[node]) for node in nodes)
            return
        taken: dict[tuple[tuple[str, ...], str], int] = {}
        names: dict[int, str] = {}
        for node in sorted(nodes, key=self._rank):
            if (group := groups[node]) not in names:
                names[group] = self._free_name(node, group, taken)
            yield node, names[group]

    def _free_name(self, node: _Node, group: int, taken: dict[tuple[tuple[str, ...], str], int]) -> str:
        ways, root = self._known(node).ways, self._scopes[node[0]].root
        wanted = [_wanted(way, root) for way in ways]
        if ways[0].is_class_name and not ways[0].path:
            return wanted[0]
        while all((ways[0].anchor, name) in taken for name in wanted):
            wanted.append(f"{wanted[-1]}_")
        name = next(name for name in wanted if (ways[0].anchor, name) not in taken)
        taken[ways[0].anchor, name] = group
        return name

    def _rank(self, node: _Node) -> tuple[bool, tuple[str, ...]]:
        """Who chooses first: the whole, and then by place."""
        path = self._known(node).ways[-1].path
        return bool(path), path if self._known(node).ways[0].anchor else ()

    def _conflicts(self) -> Iterator[Problem]:
        have: dict[str, int] = {}
        told: set[tuple[str, str]] = set()
        for group, name in self._names.items():
            if (other := have.setdefault(name, group)) != group:
                one, another = self._owner(self._first[other]), self._owner(self._first[group])
                if (one, another) not in told:
                    message = f'{another} and {one} would both be the class {name}: give one of them a "class_name"'
                    yield self._problem(group, message)
                told.add((one, another))

    def _owner(self, node: _Node) -> str:
        """What a class belongs to, as messages call it."""
        scope, way = self._scopes[node[0]], self._known(node).ways[0]
        if way.is_class_name:
            return f'"class_name" {way.anchor[0]!r} in {scope.owner}'
        return f"definition {'/'.join(map(shown, way.anchor))} in {scope.owner}" if way.anchor else scope.owner

    def _problem(self, group: int, message: str) -> Problem:
        origin = self._scopes[self._first[group][0]].origin
        return replace(origin, message=message) if origin else Problem(message)

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
        """What one declaration has for itself, and what leads there."""
        leading: dict[int, list[int]] = {}
        for group in self._first:
            for inner in self._references(group):
                leading.setdefault(inner, []).append(group)
        own: set[int] = set()
        waiting = [
            group
            for group, nodes in self._nodes.items()
            if self._is_own(self._first[group]) and len({self._scopes[number].owner for number, _ in nodes}) == 1
        ]
        while waiting:
            group = waiting.pop()
            if group not in own:
                own.add(group)
                waiting += leading.get(group, ())
        return own

    def _used(self, number: int, own: set[int]) -> tuple[str, ...]:
        """The shared names that the records and the annotations of a scope name."""
        if len(own) == len(self._first):
            return ()
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
        classes: dict[int, set[str]] = {}
        waiting = list(self._inner_first(groups, members))
        while waiting:
            index = next((index for index, each in enumerate(waiting) if self._is_ready(each, members, defined)), 0)
            group = waiting.pop(index)
            number, key = self._first[group]
            scope = self._scopes[number]
            doc = scope.doc if key == ROOT else None
            if number not in classes:
                classes[number] = set(map(class_of, names[number].values()))
            yield record(scope.reading, key, names[number], classes[number], defined, doc=doc)
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


def _wanted(way: Called, root: str) -> str:
    if way.is_class_name and class_name_problem(way.anchor[0]) is None:
        names = [way.anchor[0]]
    else:
        names = [naming.class_part(way.anchor[0]), *map(naming.key_part, way.anchor[1:])] if way.anchor else [root]
    return naming.unused("_".join([*names, *path_parts(way.path)]), RESERVED_CLASSES)


def path_parts(path: Iterable[str]) -> list[str]:
    """``("meta", "geo")`` is ``Meta``, ``Geo``; ``("lines", "[]")`` is ``Lines``, ``Item``."""
    return [_STEPS.get(step) or naming.key_part(step) for step in path if step != "|"]


# -- what is equal


_Outlines: TypeAlias = Mapping[_Node, tuple[Hashable, Sequence[_Node]]]
"""The shape of each node without what it refers to, and that."""


def _outlines(scopes: Sequence[Scope], nodes: Iterable[_Node]) -> _Outlines:
    outlines: dict[_Node, tuple[Hashable, list[_Node]]] = {}
    known: dict[int, tuple[Hashable, list[Key]]] = {}
    for number, key in nodes:
        shape = scopes[number].reading.known[key].shape
        if id(shape) not in known:
            keys: list[Key] = []
            known[id(shape)] = _outline(shape, keys), keys
        outline, keys = known[id(shape)]
        outlines[number, key] = outline, [(number, inner) for inner in keys]
    return outlines


def _grouped(outlines: _Outlines, names: Mapping[_Node, str]) -> dict[_Node, int]:
    """
    Which nodes are one class: those that have the same name and the same structure, through and through.

    All that have the same name are taken for equal at first; each round tells apart what refers to different ones.
    """
    groups = _numbered({node: (names[node], outline) for node, (outline, _) in outlines.items()})
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
