"""Declarations of signals and queues: frozen, and equal when their structure is."""

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
    What a signal and a queue have in common.

    ``compat`` is what is said for comparisons with earlier and later declarations: rules that may be broken, with the
    reason (``allow``), and names of arguments that are not to be used again (``reserved``). ``called`` are the names of
    the definitions as whoever wrote them knows them; see ``bundling``.
    """

    name: str
    origin: Problem | None = field(default=None, compare=False, kw_only=True)
    compat: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False, kw_only=True)
    called: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict[str, tuple[str, ...]], compare=False, kw_only=True, repr=False
    )

    def structure(self) -> str:
        """All but the name and what is there for people, as compact JSON: equal for equal declarations."""
        raise NotImplementedError

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the structure, in hexadecimal."""
        return sha256(self.structure().encode()).hexdigest()


@dataclass(frozen=True)
class SignalDeclaration(Declaration):
    """
    A signal as its file declares it.

    ``payload`` is always an object schema: ``providing_args`` in either form is rewritten as one (an argument without a
    type has the schema ``{}``, and every argument of ``providing_args`` is required).
    ``definitions`` are the ``$defs`` of the payload's file that the payload or ``returns`` refer to.
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
        """What types can say of the payload; ``read``, where that was found out before."""
        return self.read or shape(self.payload, self.definitions, self.called, payload=True)

    @cached_property
    def arguments(self) -> frozenset[str] | None:
        """The names of the arguments that may be sent; None: any."""
        found = self.reading.object
        return frozenset(field.name for field in found.fields) if found and found.extra is None else None

    @cached_property
    def taken(self) -> Schema:
        """The payload as receivers take it: arguments that nobody declares are delivered, or none could be added."""
        payload = referred(as_object(self.payload), self.definitions)
        if isinstance(payload, bool) or payload.get("additionalProperties") is not False:
            return payload
        closing = {"additionalProperties", "unevaluatedProperties"}  # beside the first, the second says nothing
        return {word: said for word, said in payload.items() if word not in closing}

    def structure(self) -> str:
        returns = {} if self.returns is None else {"returns": canonical(self.returns)}
        return canonical_text({"payload": canonical(as_object(self.payload)), **returns, **_defs(self.definitions)})


@dataclass(frozen=True)
class QueueDeclaration(Declaration):
    """
    A queue as its file declares it.

    ``payload`` None: a free structure, any JSON object. ``quorum`` None: of the kind that the broker makes.
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
        """What types can say of the payload; ``read``, where that was found out before."""
        payload = True if self.payload is None else self.payload
        return self.read or shape(payload, self.definitions, self.called, payload=True)

    def structure(self) -> str:
        payload = {} if self.payload is None else {"payload": canonical(as_object(self.payload))}
        exchange = {} if self.exchange is None else {"exchange": self.exchange}
        topics = {"topics": sorted(set(self.topics))} if self.topics else {}
        quorum = {} if self.quorum is None else {"quorum": self.quorum}
        return canonical_text({**payload, **exchange, **topics, **quorum, **_defs(self.definitions)})


@dataclass(frozen=True)
class Declarations:
    """
    All that one source declares, in its order, and what it should be warned of.

    ``compat`` is, as of a declaration, for what is not declared any more; ``reserved`` are ``signals`` and ``queues``.
    ``notes`` tell what else it says, and declarations cannot.
    """

    signals: tuple[SignalDeclaration, ...] = ()
    queues: tuple[QueueDeclaration, ...] = ()
    warnings: tuple[Problem, ...] = ()
    compat: Mapping[str, Any] = field(default_factory=dict[str, Any])
    notes: tuple[Problem, ...] = ()


def signal_from(name: str, structure: str) -> SignalDeclaration:
    """The signal whose ``structure()`` this is. The text is trusted: it was checked before it was written."""
    parts = _parts(structure)
    payload = parts.get("payload", {"type": "object"})
    return SignalDeclaration(name, payload, parts.get("returns"), definitions=parts.get("$defs", {}))


def queue_from(name: str, structure: str) -> QueueDeclaration:
    """The queue whose ``structure()`` this is. The text is trusted: it was checked before it was written."""
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
        raise DeclarationError([Problem(f"the structure of a declaration cannot be read: {exc}")]) from exc


def _defs(definitions: Mapping[str, Any]) -> dict[str, object]:
    return {"$defs": {name: canonical(schema) for name, schema in definitions.items()}} if definitions else {}
