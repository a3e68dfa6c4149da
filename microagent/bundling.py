"""Schemas in normal form: 2020-12, on their own, every reference one to a place."""

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from urllib.parse import quote

from microagent.drafts import REFERRING, SHARED, inner_schemas, modern, with_reference
from microagent.jsontext import Complaint
from microagent.library import DanglingError, Library, title
from microagent.names import shown
from microagent.pointers import pointer_to
from microagent.schema import IN_PLACE, Schema
from microagent.scopes import RECURSIVE, Context, Found, Scope, Steps

Env: TypeAlias = tuple[tuple[str, Scope, Steps], ...]
"""Where each dynamic anchor leads, as far as the references on the way have decided it."""

MOST = 20_000
"""Definitions of one declaration; dynamic references that multiply could ask for more without end."""

DEEPEST = 100
"""Schemas that check the same value, each at the behest of the one before."""

MOST_CHECKS = 100_000
"""Schemas that check the same value at all."""


@dataclass(eq=False, slots=True)
class Key:
    """
    A schema that becomes a definition: its place, and where dynamic anchors lead in it.

    There is one of each. Those of the file itself come first, then those of other files, by their names.
    """

    scope: Scope
    steps: Steps
    env: Env
    found: Found

    @property
    def order(self) -> tuple[bool, bool, str, Steps, list[tuple[str, str, Steps]]]:
        """What a declaration's definitions are sorted by."""
        env = [(name, scope.name, steps) for name, scope, steps in self.env]
        return bool(self.scope.name), not self.scope.is_file, self.scope.name, self.steps, env


class Keys:
    """All definitions that anything refers to."""

    def __init__(self) -> None:
        self._keys: dict[tuple[Scope, Steps, Env], Key] = {}

    def key(self, found: Found, env: Env) -> Key:
        """The one of a schema."""
        called = (found.scope, found.steps, env)
        if called not in self._keys:
            self._keys[called] = Key(found.scope, found.steps, env, found)
        return self._keys[called]


@dataclass(frozen=True, slots=True)
class Link:
    """A reference: the definition that it leads into, None for the schema itself; where it stands in the source."""

    key: Key | None
    tail: Steps
    place: Steps
    text: str


@dataclass(eq=False)
class Converted:
    """
    A schema in the words of 2020-12, its references still open.

    :ivar links: every reference, with the schema whose ``$ref`` it is
    :ivar edges: the places that check the same value as a place: further inside, or where a reference leads
    """

    scope: Scope
    schema: Schema = True
    links: list[tuple[dict[str, Any], Link]] = field(default_factory=list[tuple[dict[str, Any], Link]])
    edges: dict[Steps, list[Steps | Link]] = field(default_factory=dict[Steps, list["Steps | Link"]])

    @property
    def targets(self) -> Iterator[Key]:
        """The definitions that it refers to."""
        return (link.key for _, link in self.links if link.key is not None)


@dataclass(frozen=True, slots=True)
class Normal:
    """Schemas in normal form, and the definitions that they share."""

    schemas: tuple[Schema, ...]
    definitions: Mapping[str, Schema]


class Bundler:
    """Brings the schemas of one library into normal form; what is wrong with them is noted there."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._converted: dict[Key, Converted] = {}
        self._closed: dict[tuple[Key, tuple[str, ...]], Schema] = {}
        self._first: set[Key] = set()
        self._keys = Keys()
        self._checks = _Checks(self)

    def normal(self, *roots: Scope) -> Normal:
        """These schemas, with the definitions that they refer to, directly or through each other."""
        own = [self._own(root) for root in roots]
        keys = self._used(own)
        for each in [*own, *map(self.converted, keys)]:
            self._checks.check(each)
        names = _names(keys, {name for each in own for name in _own_names(each.schema)})
        for each in own:
            _close(each.links, names)
        definitions = {names[key]: self._definition(key, names) for key in keys}
        return Normal(tuple(each.schema for each in own), definitions)

    def converted(self, key: Key) -> Converted:
        """What becomes a definition."""
        if key not in self._converted:
            self._converted[key] = self._convert(key.found, key.env, is_own=False)
        return self._converted[key]

    def complain(self, scope: Scope, link: Link, fault: str) -> None:
        """Note what is wrong with a reference."""
        self._library.complain(scope, Complaint(f"$ref {shown(link.text)} {fault}", link.place))

    def definition_complaints(self) -> None:
        """Look at all that the declarations of the file share, whether they use it or not."""
        for steps in self._library.file.roots:
            found = self._library.file.find(steps)
            if found is not None:
                key = self._keys.key(found, _extended((), found.scope, found.context.resource))
                for each in self._used([self.converted(key)], [key]):
                    self._checks.check(self.converted(each))

    def _own(self, root: Scope) -> Converted:
        found = root.find(root.root)
        if found is None:
            return Converted(root)
        return self._convert(found, _extended((), root, found.context.resource), is_own=True)

    def _convert(self, found: Found, env: Env, *, is_own: bool) -> Converted:
        if not self._library.is_sound(found):
            return Converted(found.scope)
        return _Conversion(self._library, self._keys, found, env, is_own=is_own).result

    def _used(self, own: Iterable[Converted], keys: Iterable[Key] = ()) -> list[Key]:
        """The definitions that are used, in the order of their places."""
        used: set[Key] = set()
        waiting = [*keys, *(key for each in own for key in each.targets)]
        while waiting and len(used) <= MOST:
            if (key := waiting.pop()) not in used:
                used.add(key)
                waiting += self.converted(key).targets
        if waiting:
            message = f"the references multiply to more than {MOST} definitions"
            self._library.complain(waiting[-1].scope, Complaint(message, waiting[-1].steps))
        return sorted(used, key=lambda key: key.order)

    def _definition(self, key: Key, names: Mapping[Key, str]) -> Schema:
        """The definition, made once for all declarations that call what it refers to by the same names."""
        template = self._converted[key]
        called = (key, tuple(names[target] for target in template.targets))
        if called not in self._closed and key not in self._first:
            self._first.add(key)
            _close(template.links, names)
            self._closed[called] = template.schema
        elif called not in self._closed:
            memo: dict[int, Any] = {}
            self._closed[called] = copy.deepcopy(template.schema, memo)
            _close([(memo[id(holder)], link) for holder, link in template.links], names)
        return self._closed[called]


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a reference stands."""

    place: Steps
    context: Context
    env: Env


class _Conversion:
    """Of one schema and all that is inside it."""

    def __init__(self, library: Library, keys: Keys, found: Found, env: Env, *, is_own: bool) -> None:
        self._library = library
        self._keys = keys
        self._scope = found.scope
        self._is_own = is_own
        self._root_env = env
        self._is_reshaped = is_own and not isinstance(found.schema, bool) and isinstance(found.schema.get("type"), list)
        self.result = Converted(found.scope)
        self.result.schema = self._schema(found.schema, found.steps, found.context, env, ())

    def _schema(self, schema: Schema, place: Steps, context: Context, env: Env, at: Steps) -> Schema:
        """
        One schema.

        :param place: where it stands in its document
        :param at: the steps to it from the schema that is converted, in the words of 2020-12
        """
        if isinstance(schema, bool):
            return schema
        living = context.draft.living(schema)
        if not self._is_own:
            living = {key: value for key, value in living.items() if key not in SHARED}
        changed: dict[Steps, Schema] = {}
        edges: list[Steps] = []
        for old, new, inner in inner_schemas(living, context.draft):
            if new in changed:
                continue  # two words that mean the same, as definitions and $defs: the newer one
            there = (*place, *old)
            inside = self._scope.entered(context, inner, there)
            inner_env = _extended(env, self._scope, there) if inside.resource == there else env
            changed[new] = self._schema(inner, there, inside, inner_env, (*at, *new))
            if new[0] in IN_PLACE:
                edges.append((*at, *new))
        here = _Here(place, context, env)
        links = [link for word in sorted(REFERRING & living.keys()) for link in self._links(word, living[word], here)]
        if edges or links:
            self.result.edges[at] = [*edges, *links]
        result = modern(living, context.draft, changed)
        self.result.links += [(with_reference(result, "#"), link) for link in links]
        return result

    def _links(self, word: str, text: object, here: "_Here") -> Iterator[Link]:
        if not isinstance(text, str):
            return
        try:
            found = self._library.meaning(text, self._scope, here.context)
        except (DanglingError, ValueError) as exc:
            fault = str(exc) if isinstance(exc, DanglingError) else "is no reference"
            complaint = Complaint(f"{word} {shown(text)} {fault}", (*here.place, word))
            self._library.complain(self._scope, complaint)
        else:
            yield self._link(self._dynamic(word, found, text, here.env), here.env, (*here.place, word), text)

    def _dynamic(self, word: str, found: Found, text: str, env: Env) -> Found:
        """What a dynamic reference means, which is decided by the first schema on the way that has such an anchor."""
        if word == "$ref":
            return found
        name = RECURSIVE if word == "$recursiveRef" else text.partition("#")[2]
        if found.scope.named.dynamic.get(found.context.resource, {}).get(name) != found.steps:
            return found
        for anchor, scope, steps in env:
            if anchor == name:
                return scope.find(steps) or found
        return found

    def _link(self, found: Found, env: Env, place: Steps, text: str) -> Link:
        arrived = _extended(env, found.scope, found.context.resource)
        if self._is_own and found.scope is self._scope and found.whole is not None:
            lexical = _passing(self._root_env, found.scope, found.passed_whole)
            if lexical == arrived and not (self._is_reshaped and not found.whole):
                return Link(None, found.whole, place, text)
        around = _extended(env, found.scope, found.around.resource)
        container = found.scope.find(found.container)
        if container is None or _passing(around, found.scope, found.passed) != arrived:
            return Link(self._keys.key(found, arrived), (), place, text)
        return Link(self._keys.key(container, around), found.tail, place, text)


def _extended(env: Env, scope: Scope, resource: Steps) -> Env:
    """The environment within a resource: what nobody around it has decided, it decides."""
    known = {name for name, _, _ in env}
    more = [(name, scope, steps) for name, steps in scope.dynamic_anchors(resource).items() if name not in known]
    return tuple(sorted([*env, *more], key=lambda entry: entry[0])) if more else env


def _passing(env: Env, scope: Scope, resources: Iterable[Steps]) -> Env:
    for resource in resources:
        env = _extended(env, scope, resource)
    return env


# -- names


def _names(keys: Iterable[Key], taken: set[str]) -> dict[Key, str]:
    """A name for each: its own where that is free, else with those of its file and folders."""
    names: dict[Key, str] = {}
    used = set(taken)
    for key in keys:
        names[key] = next(name for name in _candidates(key) if name not in used)
        used.add(names[key])
    return names


def _candidates(key: Key) -> Iterator[str]:
    found = key.found
    name = title(found)
    yield name
    folders = [part.partition(".")[0] for part in reversed(key.scope.name.split("/")) if part]
    for folder in folders if found.steps != found.scope.root else folders[1:]:
        name = f"{folder}_{name}"
        yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _own_names(schema: Schema) -> Iterable[str]:
    return () if isinstance(schema, bool) else cast("Mapping[str, object]", schema.get("$defs", {}))


def _close(links: Iterable[tuple[dict[str, Any], Link]], names: Mapping[Key, str]) -> None:
    for holder, link in links:
        steps = link.tail if link.key is None else ("$defs", names[link.key], *link.tail)
        holder["$ref"] = f"#{quote(pointer_to(steps), safe='/~$')}" if steps else "#"


# -- values that would be checked without end


class _Checks:
    """How often a value would be checked because of one place."""

    def __init__(self, bundler: Bundler) -> None:
        self._bundler = bundler
        self._costs: dict[_Node, _Cost] = {}
        self._checked: set[Converted] = set()
        self._told: set[str] = set()

    def check(self, converted: Converted) -> None:
        """Note every reference that leads in a circle, or to too many checks of one value."""
        if converted in self._checked:
            return
        self._checked.add(converted)
        for steps in converted.edges:
            if (converted, steps) not in self._costs:
                self._visit((converted, steps))

    def _visit(self, start: "_Node") -> None:
        path = {start: _Visit(start, None, self._onward(start))}
        while path:
            visit = next(reversed(path.values()))
            step = next(visit.onward, None)
            if step is None:
                del path[visit.node]
                self._costs[visit.node] = visit.cost
                if path:
                    self._add(next(reversed(path.values())), visit.cost, visit.link)
                continue
            link, node = step
            if node in path:
                self._tell_circle(path, node, link)
            elif node in self._costs:
                self._add(visit, self._costs[node], link)
            else:
                path[node] = _Visit(node, link, self._onward(node))

    def _onward(self, node: "_Node") -> "Iterator[tuple[Link | None, _Node]]":
        converted, steps = node
        for edge in converted.edges.get(steps, ()):
            if not isinstance(edge, Link):
                yield None, (converted, edge)
            else:
                there = converted if edge.key is None else self._bundler.converted(edge.key)
                yield edge, (there, edge.tail)

    def _add(self, visit: "_Visit", cost: "_Cost", link: Link | None) -> None:
        visit.cost = _Cost(max(visit.cost.depth, cost.depth + 1), min(visit.cost.checks + cost.checks, MOST_CHECKS + 1))
        if visit.cost.depth > DEEPEST:
            self._tell(visit, link, f"begins a chain of more than {DEEPEST} schemas that check the same value")
        elif visit.cost.checks > MOST_CHECKS:
            self._tell(visit, link, f"multiplies: one value would be checked more than {MOST_CHECKS:,} times")

    def _tell(self, visit: "_Visit", link: Link | None, fault: str) -> None:
        """Once in a document: what leads there is too much as well."""
        if link is not None and fault not in self._told:
            self._told.add(fault)
            self._bundler.complain(visit.node[0].scope, link, fault)

    def _tell_circle(self, path: "dict[_Node, _Visit]", node: "_Node", link: Link | None) -> None:
        """At its last reference."""
        for visit in reversed(path.values()):
            if link is not None:
                self._bundler.complain(visit.node[0].scope, link, "leads in a circle")
                return
            if visit.node == node:
                return
            link = visit.link


_Node: TypeAlias = tuple[Converted, Steps]


@dataclass(frozen=True, slots=True)
class _Cost:
    depth: int = 0
    checks: int = 1


@dataclass(slots=True)
class _Visit:
    """A place on the way; ``link`` led to it, ``onward`` are the ones that it leads to."""

    node: _Node
    link: Link | None
    onward: Iterator[tuple[Link | None, _Node]]
    cost: _Cost = _Cost()
