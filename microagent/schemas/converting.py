"""The translation of one schema to 2020-12, with resolved references."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from microagent.jsontext import Complaint
from microagent.names import class_name_problem, shown
from microagent.schemas.drafts import REFERRING, SHARED, Draft, inner_schemas, modern, with_reference
from microagent.schemas.library import DanglingError, Library
from microagent.schemas.scopes import RECURSIVE, Context, Found, Scope, Steps
from microagent.schemas.words import IN_PLACE, Schema

Env: TypeAlias = tuple[tuple[str, Scope, Steps], ...]
"""The dynamic scope: for each dynamic anchor the first schema on the way that has it."""


@dataclass(eq=False, slots=True)
class Key:
    """
    A schema that becomes a definition: its place, and the dynamic scope in which it is referred to.

    There is one object for each, see ``Keys``.
    """

    scope: Scope
    steps: Steps
    env: Env
    found: Found

    @property
    def order(self) -> tuple[bool, bool, str, Steps, list[tuple[str, str, Steps]]]:
        """The sort key of definitions: those of the main document first, then those of other files by name."""
        env = [(name, scope.name, steps) for name, scope, steps in self.env]
        return bool(self.scope.name), not self.scope.is_file, self.scope.name, self.steps, env


class Keys:
    """The keys of all definitions: equal ones are the same object."""

    def __init__(self) -> None:
        self._keys: dict[tuple[Scope, Steps, Env], Key] = {}

    def key(self, found: Found, env: Env) -> Key:
        """The key of a schema in a dynamic scope."""
        called = (found.scope, found.steps, env)
        if called not in self._keys:
            self._keys[called] = Key(found.scope, found.steps, env, found)
        return self._keys[called]


@dataclass(frozen=True, slots=True)
class Link:
    """A resolved reference: the definition it leads to, None for the schema itself, and its place in the source."""

    key: Key | None
    tail: Steps
    place: Steps
    text: str


@dataclass(eq=False)
class Converted:
    """
    A schema translated to 2020-12, in which ``$ref`` has no address yet.

    :ivar links: every reference, with the schema whose ``$ref`` it is
    :ivar edges: for each place those that check the same value: schemas inside, and targets of references
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
class _Here:
    """The place of a reference."""

    place: Steps
    context: Context
    env: Env


class Conversion:
    """The translation of a schema and all schemas inside it, which ends up in ``result``."""

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
        Translate a schema.

        :param place: the steps to it in its document
        :param at: the steps to it from the outermost schema, after translation
        """
        if isinstance(schema, bool):
            return schema
        effective = context.draft.effective(schema)
        if len(effective) < len(schema) and not self._scope.name:
            self._warn(schema, effective, place, context.draft)
        if "class_name" in schema:
            self._check_class_name(schema["class_name"], place)
        if not self._is_own:
            effective = {key: value for key, value in effective.items() if key not in SHARED}
        changed: dict[Steps, Schema] = {}
        edges: list[Steps] = []
        for old, new, inner in inner_schemas(effective, context.draft):
            if new in changed:
                continue  # of two synonyms, such as definitions and $defs, the newer one counts
            there = (*place, *old)
            inside = self._scope.entered(context, inner, there)
            inner_env = extended(env, self._scope, there) if inside.resource == there else env
            changed[new] = self._schema(inner, there, inside, inner_env, (*at, *new))
            if new[0] in IN_PLACE:
                edges.append((*at, *new))
        here = _Here(place, context, env)
        links = [
            link for word in sorted(REFERRING & effective.keys()) for link in self._links(word, effective[word], here)
        ]
        if edges or links:
            self.result.edges[at] = [*edges, *links]
        result = modern(effective, context.draft, changed)
        self.result.links += [(with_reference(result, "#"), link) for link in links]
        return result

    def _warn(self, schema: Mapping[str, Any], effective: Mapping[str, Any], place: Steps, draft: Draft) -> None:
        """Warn of keywords that have no effect."""
        hidden = draft.hides and "$ref" in schema
        reason = f"{draft.name} ignores what is beside $ref" if hidden else f"it is not a keyword of {draft.name}"
        for key in sorted(schema.keys() - effective.keys()):
            self._library.warn(Complaint(f"{shown(key)} is ignored: {reason}", (*place, key), of_key=True))

    def _check_class_name(self, name: object, place: Steps) -> None:
        problem = class_name_problem(name) if isinstance(name, str) else "a class_name must be a string"
        if problem is not None:
            self._library.complain(self._scope, Complaint(problem, (*place, "class_name")))

    def _links(self, word: str, text: object, here: "_Here") -> Iterator[Link]:
        if not isinstance(text, str):
            return
        try:
            found = self._library.meaning(text, self._scope, here.context)
        except (DanglingError, ValueError) as exc:
            fault = str(exc) if isinstance(exc, DanglingError) else "is not a valid reference"
            complaint = Complaint(f"{word} {shown(text)} {fault}", (*here.place, word))
            self._library.complain(self._scope, complaint)
        else:
            yield self._link(self._dynamic(word, found, text, here.env), here.env, (*here.place, word), text)

    def _dynamic(self, word: str, found: Found, text: str, env: Env) -> Found:
        """The target of a dynamic reference: the first schema on the way that has such an anchor."""
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
        arrived = extended(env, found.scope, found.context.resource)
        if self._is_own and found.scope is self._scope and found.whole is not None:
            lexical = _passing(self._root_env, found.scope, found.passed_whole)
            if lexical == arrived and not (self._is_reshaped and not found.whole):
                return Link(None, found.whole, place, text)
        around = extended(env, found.scope, found.around.resource)
        container = found.scope.find(found.container)
        if container is None or _passing(around, found.scope, found.passed) != arrived:
            return Link(self._keys.key(found, arrived), (), place, text)
        return Link(self._keys.key(container, around), found.tail, place, text)


def extended(env: Env, scope: Scope, resource: Steps) -> Env:
    """The dynamic scope within a resource, whose anchors count if no outer resource has the same ones."""
    known = {name for name, _, _ in env}
    more = [(name, scope, steps) for name, steps in scope.dynamic_anchors(resource).items() if name not in known]
    return tuple(sorted([*env, *more], key=lambda entry: entry[0])) if more else env


def _passing(env: Env, scope: Scope, resources: Iterable[Steps]) -> Env:
    for resource in resources:
        env = extended(env, scope, resource)
    return env
