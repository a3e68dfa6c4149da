"""The places of a document that references can lead to, by steps, ``$id`` and anchors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias, cast
from urllib.parse import urljoin

from microagent.pointers import find
from microagent.schemas.drafts import (
    DEFAULT,
    KEYWORDS,
    SEALED,
    SEALING,
    SHARED,
    Draft,
    draft_of,
    inner_schemas,
    step_into,
)
from microagent.schemas.words import Schema, is_schema

Steps: TypeAlias = tuple[str, ...]

RECURSIVE = ""
"""The name of ``$recursiveAnchor`` among the dynamic anchors."""


@dataclass(frozen=True, slots=True)
class Context:
    """
    What a schema inherits from the schemas around it.

    :ivar base: the URI that its references are resolved against
    :ivar resource: the steps to the schema resource, which ``#`` refers to
    :ivar home: the outermost ``$id`` around it, or ""
    :ivar around: the steps to another resource that ``#`` may refer to, if the schema has a ``$schema`` but no ``$id``:
        it may have been copied from a document of its own
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
        named = draft_of(schema["$schema"]) if "$schema" in schema else None
        here = self if named is None else replace(self, draft=named, resource=steps, around=self.resource)
        uri = identifier(schema, here.draft).partition("#")[0]
        if not uri:
            return here
        try:
            base = urljoin(here.base, uri)
        except ValueError:  # reported with the other problems of the schema
            return here
        return replace(here, base=base, resource=steps, home=here.home or base, around=None)


def identifier(schema: Mapping[str, Any], draft: Draft) -> str:
    """The ``$id`` (draft 4: ``id``) of the schema, or ""."""
    found = draft.effective(schema).get(draft.identifier)
    return found if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class Found:
    """
    A schema that was found by its steps.

    :ivar context: the context inside the schema
    :ivar container: the steps to the definition that it is part of, or to the root
    :ivar around: the context inside the container
    :ivar tail: the steps from the container after translation to 2020-12
    :ivar whole: the steps from the root after translation; None if the place does not survive it
    :ivar passed: the resources on the way from the container
    :ivar passed_whole: the resources on the way from the root
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
    A document, or a part of one that is a schema of its own.

    :ivar value: the document
    :ivar uri: its URI
    :ivar name: its name in messages; empty for the main document
    :ivar root: the steps to the schema
    :ivar is_file: whether it is a file of declarations, with schemas in ``$defs`` only
    :ivar outer: where references into the document are looked up if they are not found here
    :ivar seals: whether it may have ``unevaluatedItems`` of 2019-09, see ``drafts.SEALED``
    :ivar is_dynamic: whether it may have dynamic anchors
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
        """The dynamic anchors of a resource; none if the document has none."""
        return self.named.dynamic.get(resource, {}) if self.is_dynamic else {}

    @property
    def start(self) -> Context:
        return Context(DEFAULT, self.uri, self.root)

    def find(self, steps: Steps) -> Found | None:
        """The schema at these steps from the top of the document; None if there is none."""
        root = self._root_of(steps)
        if root is None:
            return None
        schema = find(self.value, root)
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
        return next((place for place in places if is_schema(find(self.value, place))), None)

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
        """A schema below an unknown keyword, such as ``components`` of OpenAPI."""
        inner = find(found.schema, rest)
        if not is_schema(inner) or isinstance(found.schema, bool):
            return None
        if rest[0] in found.context.draft.effective(found.schema) and rest[0] in _NO_PLACES:
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
        """The identifiers and anchors of the schemas."""
        names = Names()
        for steps in self.roots:
            schema = find(self.value, steps)
            if is_schema(schema):
                names.collect(self, schema, steps)
        return names

    @property
    def roots(self) -> Iterator[Steps]:
        """The steps to the outermost schemas."""
        if not self.is_file:
            yield self.root
            return
        for word in sorted(SHARED):
            shared = find(self.value, (word,))
            if isinstance(shared, Mapping):
                yield from ((word, name) for name in cast("Mapping[str, object]", shared))


_NO_PLACES = KEYWORDS | {"default", "examples"}


@dataclass
class Names:
    """
    The identifiers and anchors of the schemas of a scope.

    :ivar ids: the steps to a schema by its URI
    :ivar anchors: the steps to a schema by its resource and its anchor
    :ivar dynamic: for each resource, the steps to a schema by its dynamic anchor
    """

    ids: dict[str, Steps] = field(default_factory=dict[str, Steps])
    anchors: dict[tuple[Steps, str], Steps] = field(default_factory=dict[tuple[Steps, str], Steps])
    dynamic: dict[Steps, dict[str, Steps]] = field(default_factory=dict[Steps, dict[str, Steps]])

    def collect(self, scope: Scope, schema: Schema, steps: Steps) -> None:
        """Add those of a schema and of every schema inside it."""
        waiting = [(schema, steps, scope.start)]
        while waiting:
            each, place, around = waiting.pop()
            if isinstance(each, bool):
                continue
            context = scope.entered(around, each, place)
            effective = context.draft.effective(each)
            self._add(effective, place, around, context)
            waiting += [(inner, (*place, *old), context) for old, _, inner in inner_schemas(effective, context.draft)]

    def _add(self, effective: Mapping[str, Any], place: Steps, around: Context, context: Context) -> None:
        draft = context.draft
        if context.resource == place and context.base != around.base:
            self.ids.setdefault(context.base, place)
        anchors = [effective.get("$anchor"), effective.get("$dynamicAnchor")]
        if draft.anchors:
            anchors.append(identifier(effective, draft).partition("#")[2] or None)
        for anchor in anchors:
            if isinstance(anchor, str):
                self.anchors.setdefault((context.resource, anchor), place)
        of_resource = self.dynamic.setdefault(context.resource, {})
        if isinstance(dynamic := effective.get("$dynamicAnchor"), str):
            of_resource.setdefault(dynamic, place)
        if effective.get("$recursiveAnchor") is True and context.resource == place:
            of_resource.setdefault(RECURSIVE, place)


def is_uri(text: str) -> bool:
    """Whether the text is a URI that references can be resolved against."""
    try:
        return bool(urljoin(text, "x"))
    except ValueError:
        return False
