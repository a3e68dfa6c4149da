"""Immutable declarations of signals and queues, which are equal if their structures are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any, cast

from microagent.errors import DeclarationError, Problem
from microagent.schemas.reading import Reading, shape
from microagent.schemas.references import referred
from microagent.schemas.words import Schema, as_object, canonical, canonical_text

__all__ = [
    "Declaration",
    "Declarations",
    "QueueDeclaration",
    "Schema",
    "SignalDeclaration",
    "queue_from",
    "signal_from",
]


@dataclass(frozen=True)
class Declaration:
    """
    What declarations of signals and of queues have in common.

    :ivar origin: the place of the declaration; None if it was declared in Python
    :ivar compat: for comparisons with earlier and later declarations: the rules that may be broken, each with a reason
        (``allow``), and the names of arguments that must not be used again (``reserved``)
    :ivar definition_names: the original names of definitions that were renamed, see ``bundling``
    """

    name: str
    origin: Problem | None = field(default=None, compare=False, kw_only=True)
    compat: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, kw_only=True)
    definition_names: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]], compare=False, kw_only=True, repr=False
    )

    def structure(self) -> str:
        """The declaration as compact JSON, without its name and annotations; equal for equal declarations."""
        raise NotImplementedError

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the structure, in hexadecimal."""
        return sha256(self.structure().encode()).hexdigest()


@dataclass(frozen=True)
class SignalDeclaration(Declaration):
    """
    The declaration of a signal.

    :ivar payload: an object schema; ``providing_args`` is rewritten as one in which all arguments are required, and an
        argument without a type has the schema ``{}``
    :ivar returns: the schema of what a receiver answers to a call; None if it may be anything
    :ivar definitions: the ``$defs`` of the file that ``payload`` and ``returns`` refer to
    :ivar class_name: of the generated payload class; empty for one derived from the name
    :ivar read: the reading of the payload, if there is one already
    """

    payload: Mapping[str, Any]
    returns: Schema | None = None
    description: str = ""
    deprecated: bool = False
    definitions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    class_name: str = ""
    read: Reading | None = field(default=None, compare=False, repr=False)

    @cached_property
    def reading(self) -> Reading:
        """The payload as types can express it."""
        return self.read or shape(self.payload, self.definitions, self.definition_names, payload=True)

    @cached_property
    def arguments(self) -> frozenset[str] | None:
        """The names of the arguments that may be sent; None if any may."""
        found = self.reading.object
        return frozenset(field.name for field in found.fields) if found and found.extra is None else None

    @cached_property
    def accepted(self) -> Schema:
        """The payload that receivers accept: with undeclared arguments, so that adding one does not break them."""
        payload = referred(as_object(self.payload), self.definitions)
        if isinstance(payload, bool) or payload.get("additionalProperties") is not False:
            return payload
        closing = {"additionalProperties", "unevaluatedProperties"}  # the first makes the second ineffective
        return {keyword: value for keyword, value in payload.items() if keyword not in closing}

    def structure(self) -> str:
        returns = {} if self.returns is None else {"returns": canonical(self.returns)}
        return canonical_text({"payload": canonical(as_object(self.payload)), **returns, **_defs(self.definitions)})


@dataclass(frozen=True)
class QueueDeclaration(Declaration):
    """
    The declaration of a queue.

    :ivar payload: the schema of a message; None for any JSON object
    :ivar quorum: whether RabbitMQ's queue is a quorum queue; None for the kind that the broker is configured to declare
    :ivar definitions: the ``$defs`` of the file that ``payload`` refers to
    :ivar class_name: of the generated message class; empty for one derived from the name
    :ivar read: the reading of the payload, if there is one already
    """

    payload: Schema | None = None
    exchange: str | None = None
    topics: tuple[str, ...] = ()
    description: str = ""
    deprecated: bool = False
    definitions: Mapping[str, Any] = field(default_factory=dict[str, Any])
    quorum: bool | None = None
    class_name: str = ""
    read: Reading | None = field(default=None, compare=False, repr=False)

    @cached_property
    def reading(self) -> Reading:
        """The payload as types can express it."""
        payload = True if self.payload is None else self.payload
        return self.read or shape(payload, self.definitions, self.definition_names, payload=True)

    def structure(self) -> str:
        payload = {} if self.payload is None else {"payload": canonical(as_object(self.payload))}
        exchange = {} if self.exchange is None else {"exchange": self.exchange}
        topics = {"topics": sorted(set(self.topics))} if self.topics else {}
        quorum = {} if self.quorum is None else {"quorum": self.quorum}
        return canonical_text({**payload, **exchange, **topics, **quorum, **_defs(self.definitions)})


@dataclass(frozen=True)
class Declarations:
    """
    Everything that one source declares, in its order.

    :ivar compat: for comparisons, as that of a declaration, but about declarations that were removed; ``reserved`` has
        the names of ``signals`` and ``queues``
    :ivar notes: what the source says that declarations cannot express
    """

    signals: tuple[SignalDeclaration, ...] = ()
    queues: tuple[QueueDeclaration, ...] = ()
    warnings: tuple[Problem, ...] = ()
    compat: Mapping[str, Any] = field(default_factory=dict[str, Any])
    notes: tuple[Problem, ...] = ()


def signal_from(name: str, structure: str) -> SignalDeclaration:
    """The signal with this ``structure()``; the text is not checked again."""
    parts = _parts(structure)
    payload = parts.get("payload", {"type": "object"})
    return SignalDeclaration(name, payload, parts.get("returns"), definitions=parts.get("$defs", {}))


def queue_from(name: str, structure: str) -> QueueDeclaration:
    """The queue with this ``structure()``; the text is not checked again."""
    parts = _parts(structure)
    return QueueDeclaration(
        name,
        parts.get("payload"),
        parts.get("exchange"),
        tuple(parts.get("topics", ())),
        definitions=parts.get("$defs", {}),
        quorum=parts.get("quorum"),
    )


def _parts(structure: str) -> dict[str, Any]:
    try:
        return cast("dict[str, Any]", json.loads(structure))
    except ValueError as exc:
        raise DeclarationError([Problem(f"the structure of a declaration is not valid JSON: {exc}")]) from exc


def _defs(definitions: Mapping[str, Any]) -> dict[str, object]:
    return {"$defs": {name: canonical(schema) for name, schema in definitions.items()}} if definitions else {}
