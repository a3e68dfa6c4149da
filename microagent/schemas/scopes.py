"""Where in a document a reference can lead: its places, and what ``$id`` and anchors call them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias, cast
from urllib.parse import urljoin

from microagent.pointers import follow
from microagent.schemas.drafts import DEFAULT, KEYWORDS, SEALED, SEALING, SHARED, Draft, draft, inner_schemas, step_into
from microagent.schemas.words import Schema, is_schema

Steps: TypeAlias = tuple[str, ...]

RECURSIVE = ""
"""What ``$recursiveAnchor`` is called among the dynamic anchors."""


@dataclass(frozen=True, slots=True)
class Context:
    """
    What a schema inherits from those around it.

    :ivar base: what its references are relative to
    :ivar resource: the steps to the schema that ``#`` means
    :ivar home: the first identifier around it, or ""
    :ivar around: the steps to what ``#`` may mean as well, where a schema names its draft and not itself: it may have
        been written alone, or where it is
    """

    draft: Draft
    base: str
    resource: Steps
    home: str = ""
    around: Steps | None = None

    def entered(self, schema: Schema, steps: Steps) -> "Context":
        """The context of the references of a schema, and of the schemas inside it."""
        if isinstance(schema, bool):
            return self
        said = draft(schema["$schema"]) if "$schema" in schema else None
        here = self if said is None else replace(self, draft=said, resource=steps, around=self.resource)
        uri = identifier(schema, here.draft).partition("#")[0]
        if not uri:
            return here
        try:
            base = urljoin(here.base, uri)
        except ValueError:  # told with what else is wrong with the schema
            return here
        return replace(here, base=base, resource=steps, home=here.home or base, around=None)


def identifier(schema: Mapping[str, Any], said: Draft) -> str:
    """What ``$id`` (draft 4: ``id``) calls the schema, or ""."""
    found = said.living(schema).get(said.identifier)
    return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class Found:
    """
    A schema that steps lead to.

    :ivar container: the steps to the schema that it is a part of: one of ``$defs``, or the whole
    :ivar context: the one inside the schema; ``around``: the one inside the container
    :ivar tail: the steps from the container, in the words of 2020-12
    :ivar whole: those from the root; None where there are none, because the root does not keep the place
    :ivar passed: the resources between container and schema; ``passed_whole``: those between root and schema
    """

    scope: "Scope"
    steps: Steps
    schema: Schema
    context: Context
    container: Steps
    around: Context
    tail: Steps = ()
    whole: Steps | None = ()
    passed: tuple[Steps, ...] = ()
    passed_whole: tuple[Steps, ...] = ()


@dataclass(eq=False)
class Scope:
    """
    A document, or the part of one that is a schema of its own.

    :ivar value: the document
    :ivar uri: how others call it
    :ivar name: how messages call it; "" is the document that was given
    :ivar root: the steps to the schema
    :ivar is_file: it is a file of declarations: no schema, but one with schemas in ``$defs``
    :ivar outer: where else a reference into the document itself is looked up
    :ivar seals: 2019-09's ``unevaluatedItems`` may be in it, which ``contains`` of 2020-12 would satisfy
    :ivar is_dynamic: dynamic anchors may be in it
    """

    value: Any
    uri: str
    name: str
    root: Steps = ()
    is_file: bool = False
    outer: "Scope | None" = None
    seals: bool = False
    is_dynamic: bool = False

    def dynamic_anchors(self, resource: Steps) -> Mapping[str, Steps]:
        """Those of a resource, where anything asks for them."""
        return self.named.dynamic.get(resource, {}) if self.is_dynamic else {}

    @property
    def start(self) -> Context:
        return Context(DEFAULT, self.uri, self.root)

    def find(self, steps: Steps) -> Found | None:
        """The schema that the steps from the top of the document lead to."""
        root = self._root_of(steps)
        if root is None:
            return None
        schema = followed(self.value, root)
        if not is_schema(schema):
            return None
        context = self._entered(self.start, schema, root)
        found = Found(self, root, schema, context, root, context)
        rest = steps[len(root) :]
        while rest:
            step = step_into(found.schema, rest, found.context.draft)
            if step is None:
                return self._foreign(found, rest)
            count, modern, inner = step
            found = self._below(found, rest[:count], modern, inner)
            rest = rest[count:]
        return found

    def _root_of(self, steps: Steps) -> Steps | None:
        if not self.is_file:
            return self.root if steps[: len(self.root)] == self.root else None
        if len(steps) < 2 or steps[0] in {"signals", "queues"}:  # noqa: PLR2004 - a key and a name
            return None
        other = {"definitions": "$defs", "$defs": "definitions"}.get(steps[0], steps[0])
        places = (steps[:2], (other, steps[1]))
        return next((place for place in places if is_schema(followed(self.value, place))), None)

    def _below(self, found: Found, old: Steps, modern: Steps, inner: Schema) -> Found:
        steps = (*found.steps, *old)
        context = self._entered(found.context, inner, steps)
        entered = (steps,) if context.resource == steps else ()
        is_shared = old[0] in SHARED
        return replace(
            found,
            steps=steps,
            schema=inner,
            context=context,
            container=steps if is_shared else found.container,
            around=context if is_shared else found.around,
            tail=() if is_shared else (*found.tail, *modern),
            whole=None if found.whole is None else (*found.whole, *modern),
            passed=() if is_shared else (*found.passed, *entered),
            passed_whole=(*found.passed_whole, *entered),
        )

    def _foreign(self, found: Found, rest: Steps) -> Found | None:
        """A schema under a word that JSON Schema does not know, as under ``components`` of OpenAPI."""
        inner = followed(found.schema, rest)
        if not is_schema(inner) or isinstance(found.schema, bool):
            return None
        if rest[0] in found.context.draft.living(found.schema) and rest[0] in _NO_PLACES:
            return None
        steps = (*found.steps, *rest)
        context = self._entered(found.context, inner, steps)
        return Found(self, steps, inner, context, steps, context, (), None)

    def _entered(self, context: Context, schema: Schema, steps: Steps) -> Context:
        inside = context.entered(schema, steps)
        return replace(inside, draft=SEALED) if self.seals and inside.draft is SEALING else inside

    def entered(self, context: Context, schema: Schema, steps: Steps) -> Context:
        """The context inside a schema."""
        return self._entered(context, schema, steps)

    # -- names

    @cached_property
    def named(self) -> "Names":
        """What the schemas are called."""
        names = Names()
        for steps in self.roots:
            schema = followed(self.value, steps)
            if is_schema(schema):
                names.collect(self, schema, steps)
        return names

    @property
    def roots(self) -> Iterator[Steps]:
        """The steps to the schemas that it consists of."""
        if not self.is_file:
            yield self.root
            return
        for word in sorted(SHARED):
            shared = followed(self.value, (word,))
            if isinstance(shared, Mapping):
                yield from ((word, name) for name in cast("Mapping[str, object]", shared))


_NO_PLACES = KEYWORDS | {"default", "examples"}


@dataclass
class Names:
    """
    What the schemas of a scope are called.

    :ivar ids: the steps to the schema of each URI
    :ivar anchors: the steps to the schema of each anchor, by the resource that it is an anchor of
    :ivar dynamic: the dynamic ones of each resource
    """

    ids: dict[str, Steps] = field(default_factory=dict[str, Steps])
    anchors: dict[tuple[Steps, str], Steps] = field(default_factory=dict[tuple[Steps, str], Steps])
    dynamic: dict[Steps, dict[str, Steps]] = field(default_factory=dict[Steps, dict[str, Steps]])

    def collect(self, scope: Scope, schema: Schema, steps: Steps) -> None:
        """Add the names of the schema and of every schema inside it."""
        waiting = [(schema, steps, scope.start)]
        while waiting:
            each, place, around = waiting.pop()
            if isinstance(each, bool):
                continue
            context = scope.entered(around, each, place)
            living = context.draft.living(each)
            self._add(living, place, around, context)
            waiting += [(inner, (*place, *old), context) for old, _, inner in inner_schemas(living, context.draft)]

    def _add(self, living: Mapping[str, Any], place: Steps, around: Context, context: Context) -> None:
        said = context.draft
        if context.resource == place and context.base != around.base:
            self.ids.setdefault(context.base, place)
        anchors = [living.get("$anchor"), living.get("$dynamicAnchor")]
        if said.anchors:
            anchors.append(identifier(living, said).partition("#")[2] or None)
        for anchor in anchors:
            if isinstance(anchor, str):
                self.anchors.setdefault((context.resource, anchor), place)
        of_resource = self.dynamic.setdefault(context.resource, {})
        if isinstance(dynamic := living.get("$dynamicAnchor"), str):
            of_resource.setdefault(dynamic, place)
        if living.get("$recursiveAnchor") is True and context.resource == place:
            of_resource.setdefault(RECURSIVE, place)


def followed(document: object, steps: Steps) -> object:
    """What the steps lead to, or None."""
    try:
        return follow(document, steps)
    except (LookupError, ValueError):
        return None


def is_uri(text: str) -> bool:
    """Whether other references can be relative to the text."""
    try:
        return bool(urljoin(text, "x"))
    except ValueError:
        return False
