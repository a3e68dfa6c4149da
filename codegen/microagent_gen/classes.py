"""The classes of a package: which there are, how each is called, and which declarations share them."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from microagent.errors import Problem
from microagent.names import RESERVED_CLASSES, class_name_problem, shown
from microagent.schemas.reading import Reading
from microagent.schemas.shapes import (
    ROOT,
    Key,
    NamedType,
    Object,
    OneOfValues,
    Scalar,
    Shape,
    TypeName,
    TypeRef,
    inside,
    type_refs,
)
from microagent_gen import naming
from microagent_gen.pytypes import Names, name_of
from microagent_gen.records import Record, class_of, record

_Node: TypeAlias = tuple[int, Key]
"""A named type of one scope: the number of the scope, and the key of the type in its reading."""

_STEPS = {"[]": "Item", "{}": "Value"}


class NameConflict(Exception):
    """Different types would get the same class name; ``problems`` says which, and where they are declared."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class Scope:
    """
    One schema of a declaration: its payload, or what it returns.

    :ivar root: the name of its own class, which the names of nested classes begin with
    :ivar owner: the declaration, for messages: ``signal 'user_created'``
    :ivar doc: the docstring of its own class
    :ivar origin: the place of the declaration
    """

    root: str
    reading: Reading
    owner: str
    doc: str = ""
    origin: Problem | None = None


@dataclass(frozen=True, slots=True)
class Classes:
    """
    The classes of a package.

    :ivar shared: the classes that belong to no single declaration
    :ivar own: for each scope, the classes that belong to it
    :ivar names: for each scope, the annotations of its named types
    :ivar uses: for each scope, the names of the shared classes that it uses
    """

    shared: tuple[Record, ...]
    own: tuple[tuple[Record, ...], ...]
    names: tuple[Names, ...]
    uses: tuple[tuple[str, ...], ...]


def classes(scopes: Sequence[Scope]) -> Classes:
    """
    The classes of these schemas.

    The name of a class depends only on the declaration or the definition that it belongs to, so that adding or removing
    other declarations never changes it. Types with the same name and the same structure are one class.

    :raises NameConflict: if different types have the same name
    """
    return _Namer(scopes).classes()


class _Namer:
    """
    Finds out which nodes are the same class, and how each class is called.

    A *group* is a number that stands for a class: all nodes with the same name and structure have the same group.
    """

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._scopes = scopes
        nodes: list[_Node] = [(number, key) for number, scope in enumerate(scopes) for key in scope.reading.named_types]
        node_names, self._groups = self._named(nodes)
        self._nodes: dict[int, list[_Node]] = {}
        for node in nodes:
            self._nodes.setdefault(self._groups[node], []).append(node)
        self._first = {group: min(found, key=self._is_own) for group, found in self._nodes.items()}
        self._names = {group: node_names[node] for group, node in self._first.items()}
        self._inner: dict[int, list[int]] = {}
        if conflicts := [*self._conflicts()]:
            raise NameConflict(conflicts)

    def classes(self) -> Classes:
        own = self._own()
        names = tuple(self._annotations(number) for number in range(len(self._scopes)))
        shared = [group for group in self._first if group not in own]
        shared.sort(key=lambda group: self._names[group])
        shared_names = {self._names[group] for group in shared}
        of_scopes: list[tuple[Record, ...]] = []
        for number, scope in enumerate(self._scopes):
            groups = dict.fromkeys(self._groups[number, key] for key in scope.reading.named_types)
            of_scopes.append(tuple(self._records([group for group in groups if group in own], names, shared_names)))
        uses = tuple(self._used(number, own) for number in range(len(self._scopes)))
        return Classes(tuple(self._records(shared, names, set())), tuple(of_scopes), names, uses)

    # -- names

    def _type(self, node: _Node) -> NamedType:
        return self._scopes[node[0]].reading.named_types[node[1]]

    def _is_own(self, node: _Node) -> bool:
        return not self._type(node).names[0].anchor

    def _named(self, nodes: Sequence[_Node]) -> tuple[Mapping[_Node, str], Mapping[_Node, int]]:
        """The name and the group of each node."""
        best = {node: _class_name(self._type(node).names[0], self._scopes[node[0]].root) for node in nodes}
        outlines = _outlines(self._scopes, nodes)
        groups = _grouped(outlines, best)
        of_owners: dict[str, list[_Node]] = {}
        for node in nodes:
            of_owners.setdefault(self._scopes[node[0]].owner, []).append(node)
        names = {node: name for own in of_owners.values() for node, name in self._of_declaration(own, best, groups)}
        return names, groups if names == best else _grouped(outlines, names)

    def _of_declaration(
        self, nodes: Sequence[_Node], best: Mapping[_Node, str], groups: Mapping[_Node, int]
    ) -> Iterator[tuple[_Node, str]]:
        """The names of the nodes of one declaration: the best one each, unless different types would share it."""
        if len({best[node] for node in nodes}) == len({groups[node] for node in nodes}):
            yield from ((node, best[node]) for node in nodes)
            return
        taken: dict[tuple[tuple[str, ...], str], int] = {}
        names: dict[int, str] = {}
        for node in sorted(nodes, key=self._precedence):
            if (group := groups[node]) not in names:
                names[group] = self._free_name(node, group, taken)
            yield node, names[group]

    def _free_name(self, node: _Node, group: int, taken: dict[tuple[tuple[str, ...], str], int]) -> str:
        """The best name that no other type of the same declaration or definition has."""
        names, root = self._type(node).names, self._scopes[node[0]].root
        candidates = [_class_name(name, root) for name in names]
        if names[0].is_class_name and not names[0].path:
            return candidates[0]
        while all((names[0].anchor, name) in taken for name in candidates):
            candidates.append(f"{candidates[-1]}_")
        found = next(name for name in candidates if (names[0].anchor, name) not in taken)
        taken[names[0].anchor, found] = group
        return found

    def _precedence(self, node: _Node) -> tuple[bool, tuple[str, ...]]:
        """A key that sorts nodes by who chooses a name first: whole declarations and definitions, then by place."""
        path = self._type(node).names[-1].path
        return bool(path), path if self._type(node).names[0].anchor else ()

    def _conflicts(self) -> Iterator[Problem]:
        owners: dict[str, int] = {}
        reported: set[tuple[str, str]] = set()
        for group, name in self._names.items():
            if (other := owners.setdefault(name, group)) != group:
                first, second = self._owner(self._first[other]), self._owner(self._first[group])
                if (first, second) not in reported:
                    message = f'{second} and {first} would both be the class {name}: give one of them a "class_name"'
                    yield self._problem(group, message)
                reported.add((first, second))

    def _owner(self, node: _Node) -> str:
        """What a class belongs to, for messages."""
        scope, name = self._scopes[node[0]], self._type(node).names[0]
        if name.is_class_name:
            return f'"class_name" {name.anchor[0]!r} in {scope.owner}'
        return f"definition {'/'.join(map(shown, name.anchor))} in {scope.owner}" if name.anchor else scope.owner

    def _problem(self, group: int, message: str) -> Problem:
        origin = self._scopes[self._first[group][0]].origin
        return replace(origin, message=message) if origin else Problem(message)

    def _annotations(self, number: int) -> dict[Key, str]:
        named_types = self._scopes[number].reading.named_types
        return {key: name_of(self._names[self._groups[number, key]], found.shape) for key, found in named_types.items()}

    # -- ownership

    def _references(self, group: int) -> list[int]:
        """The groups that a group refers to."""
        if group not in self._inner:
            number, key = self._first[group]
            shape = self._scopes[number].reading.named_types[key].shape
            self._inner[group] = list(dict.fromkeys(self._groups[number, inner] for inner in type_refs(shape)))
        return self._inner[group]

    def _own(self) -> set[int]:
        """The groups that a single declaration has, and those that refer to them: shared classes cannot import them."""
        referring: dict[int, list[int]] = {}
        for group in self._first:
            for inner in self._references(group):
                referring.setdefault(inner, []).append(group)
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
                waiting += referring.get(group, ())
        return own

    def _used(self, number: int, own: set[int]) -> tuple[str, ...]:
        """The names of the shared classes that the records and the annotations of a scope use."""
        if len(own) == len(self._first):
            return ()
        scope = self._scopes[number]
        shapes: list[Object | Shape] = [scope.reading.shape]
        shapes += [found.shape for key, found in scope.reading.named_types.items() if self._groups[number, key] in own]
        shapes += [scope.reading.object] if scope.reading.object else []
        groups = {self._groups[number, key] for shape in shapes for key in type_refs(shape)}
        return tuple(sorted(self._names[group] for group in groups - own))

    # -- records

    def _records(self, groups: Sequence[int], names: Sequence[Names], defined: set[str]) -> Iterator[Record]:
        """
        The records of these groups, each after those that it refers to where that is possible.

        :param defined: the classes that are defined, or imported, before
        """
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
        """The groups in depth-first post-order of their references, without recursion."""
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
        """Whether a group can be defined now: a class can quote later ones, an alias needs what it is made of."""
        number, key = self._first[group]
        shape = self._scopes[number].reading.named_types[key].shape
        if isinstance(shape, Object):
            return True
        needed = {self._groups[number, each.key] for each in [shape, *inside(shape)] if isinstance(each, TypeRef)}
        return all(self._names[each] in defined or each not in members for each in needed)


def _class_name(name: TypeName, root: str) -> str:
    """The name as Python can write it; that of the declaration itself is ``root``."""
    if name.is_class_name and class_name_problem(name.anchor[0]) is None:
        parts = [name.anchor[0]]
    elif name.anchor:
        parts = [naming.class_part(name.anchor[0]), *map(naming.key_part, name.anchor[1:])]
    else:
        parts = [root]
    return naming.unused("_".join([*parts, *path_parts(name.path)]), RESERVED_CLASSES)


def path_parts(path: Iterable[str]) -> list[str]:
    """``("meta", "geo")`` becomes ``Meta``, ``Geo``; ``("lines", "[]")`` becomes ``Lines``, ``Item``."""
    return [_STEPS.get(step) or naming.key_part(step) for step in path if step != "|"]


# -- equal types


_Outlines: TypeAlias = Mapping[_Node, tuple[Hashable, Sequence[_Node]]]
"""For each node its shape without the nodes that it refers to, and these nodes in order."""


def _outlines(scopes: Sequence[Scope], nodes: Iterable[_Node]) -> _Outlines:
    outlines: dict[_Node, tuple[Hashable, list[_Node]]] = {}
    of_shapes: dict[int, tuple[Hashable, list[Key]]] = {}
    for number, key in nodes:
        shape = scopes[number].reading.named_types[key].shape
        if id(shape) not in of_shapes:
            keys: list[Key] = []
            of_shapes[id(shape)] = _outline(shape, keys), keys
        outline, keys = of_shapes[id(shape)]
        outlines[number, key] = outline, [(number, inner) for inner in keys]
    return outlines


def _grouped(outlines: _Outlines, names: Mapping[_Node, str]) -> dict[_Node, int]:
    """
    The group of each node; nodes with the same name and the same structure, at any depth, have the same group.

    Partition refinement: groups begin as nodes with the same name and outline, and each round splits those whose nodes
    refer to different groups, until a round splits none.
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
    """The shape without the types that it refers to, whose keys are added to ``keys``."""
    match shape:
        case TypeRef(key):
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
