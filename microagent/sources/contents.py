"""The content of a document of declarations, and everything that is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from microagent.compat.rules import RULES
from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent.jsontext import Complaint, Document, Steps
from microagent.names import argument_problem, class_name_problem, guess, queue_name_problem, shown, signal_name_problem
from microagent.schemas.bundling import Bundler, Normal
from microagent.schemas.declarationformat import format_complaints, known_keys
from microagent.schemas.drafts import SHARED
from microagent.schemas.library import Library
from microagent.schemas.plainschema import is_normal
from microagent.schemas.reading import Reading, Readings
from microagent.schemas.schemachecks import misspelt_words, slow_patterns
from microagent.schemas.shapes import Nothing, Object
from microagent.schemas.words import Schema, as_object, is_schema

Entry: TypeAlias = Mapping[str, Any]

VERSION = 2

_OTHER = {"signal": "queue", "queue": "signal"}

_IGNORED = {
    "jsonlib": "declarations cannot name modules to import",
    "default_prefix": "the prefix is an option of the bus",
}
"""Keys of microagent 1.9, with the reasons why they have no effect."""


class Contents:
    """
    A document of declarations.

    ``signals()`` and ``queues()`` may be called only if there are no ``complaints``.

    :param library: the document with those that it refers to
    :ivar complaints: why the document is refused
    :ivar warnings: what is probably a mistake
    """

    def __init__(self, document: Document, library: Library) -> None:
        self._document = _object(document.value)
        self._library = library
        self._bundler = Bundler(library)
        self._schemas: dict[Steps, _Schemas] = {}
        self._readings: dict[Steps, Reading] = {}
        self._reader = Readings()
        self._bundled: dict[Steps, list[str]] = {}
        self.warnings = [*self._unknown_keys(), *self._unknown_rules()]
        self._bundler.definition_complaints()
        self._is_readable = not library.complaints
        self.complaints = [
            *format_complaints(document.value),
            *self._version_complaints(),
            *self._name_complaints("signals", signal_name_problem),
            *self._name_complaints("queues", queue_name_problem),
            *self._class_name_complaints(),
            *(complaint for steps, entry in self._entries("signals") for complaint in self._in_signal(steps, entry)),
            *(complaint for steps, entry in self._entries("queues") for complaint in self._in_queue(steps, entry)),
        ]
        self.complaints += library.complaints
        if not self.complaints:
            self.warnings += [*library.warnings, *self._suspicious_keywords()]

    # -- declarations

    @property
    def compat(self) -> Mapping[str, Any]:
        """Its top-level ``compat``, which guides comparisons with other contracts."""
        return _object(self._document.get("compat"))

    def signals(self) -> Iterator[tuple[Steps, SignalDeclaration]]:
        """Every signal, with the steps to it."""
        for steps, entry in self._entries("signals"):
            found = self._normal(steps, entry)
            payload = cast("Mapping[str, Any]", found.payload)  # otherwise there are complaints
            yield (
                steps,
                SignalDeclaration(
                    payload=payload,
                    returns=found.returns,
                    definitions=found.definitions,
                    definition_names=found.definition_names,
                    read=self._readings.get(steps),
                    **_common_fields(entry),
                ),
            )

    def queues(self) -> Iterator[tuple[Steps, QueueDeclaration]]:
        """Every queue, with the steps to it."""
        for steps, entry in self._entries("queues"):
            found = self._normal(steps, entry)
            yield (
                steps,
                QueueDeclaration(
                    payload=found.payload,
                    exchange=entry.get("exchange"),
                    topics=tuple(entry.get("topics", ())),
                    quorum=entry.get("quorum"),
                    definitions=found.definitions,
                    definition_names=found.definition_names,
                    read=self._readings.get(steps),
                    **_common_fields(entry),
                ),
            )

    def _normal(self, steps: Steps, entry: Entry) -> "_Schemas":
        """The schemas of an entry in normal form; their problems are reported to the library."""
        if steps not in self._schemas:
            self._schemas[steps] = self._normalised(steps, entry)
        return self._schemas[steps]

    def _normalised(self, steps: Steps, entry: Entry) -> "_Schemas":
        own = {key: entry[key] for key in ("payload", "returns") if is_schema(entry.get(key))}
        bundled = {key: schema for key, schema in own.items() if not is_normal(schema)}
        self._bundled[steps] = list(bundled)
        if bundled:
            normal = self._bundler.normal(*(self._library.part((*steps, key)) for key in bundled))
            own.update(zip(bundled, normal.schemas, strict=True))
        else:
            normal = Normal((), {}, {})
        payload = as_object(own["payload"]) if "payload" in own else _listed_payload(entry)
        returns = {"type": entry["returns"]} if "returns" in entry and "returns" not in own else own.get("returns")
        return _Schemas(payload, returns, normal.definitions, normal.definition_names)

    def _entries(self, kind: str) -> Iterator[tuple[Steps, Entry]]:
        listed = self._document.get(kind)
        for index, entry in enumerate(cast("list[object]", listed) if isinstance(listed, list) else []):
            yield (kind, str(index)), _object(entry)

    # -- problems

    def _unknown_keys(self) -> Iterator[Complaint]:
        yield from _unknown_keys((), self._document, "")
        for kind in ("signals", "queues"):
            for steps, entry in self._entries(kind):
                yield from _unknown_keys(steps, entry, kind[:-1])

    def _unknown_rules(self) -> Iterator[Complaint]:
        """Names under ``compat.allow`` that are no rules."""
        entries = [((), self._document), *self._entries("signals"), *self._entries("queues")]
        for steps, entry in entries:
            for rule in _object(_object(entry.get("compat")).get("allow")):
                if rule not in RULES:
                    message = f"there is no rule {shown(rule)}{guess(rule, RULES)}"
                    yield Complaint(message, (*steps, "compat", "allow", rule), of_key=True)

    def _suspicious_keywords(self) -> Iterator[Complaint]:
        listed: list[tuple[Steps, object]] = [
            ((word, name), found)
            for word in sorted(SHARED)
            for name, found in _object(self._document.get(word)).items()
        ]
        for kind in ("signals", "queues"):
            for steps, entry in self._entries(kind):
                listed += [((*steps, key), entry.get(key)) for key in self._bundled.get(steps, ())]
        for place, schema in listed:
            if is_schema(schema):
                yield from (found.below(*place) for found in misspelt_words(schema))
        yield from slow_patterns((place, schema) for place, schema in listed if is_schema(schema))

    def _version_complaints(self) -> Iterator[Complaint]:
        if (version := self._document.get("version", VERSION)) != VERSION:
            advice = "it is the version of this format, not of what is declared"
            yield Complaint(f"version {shown(str(version))} is not supported, only {VERSION}: {advice}", ("version",))

    def _name_complaints(self, kind: str, problem_of: Callable[[str], str | None]) -> Iterator[Complaint]:
        names: set[str] = set()
        for steps, entry in self._entries(kind):
            name = entry.get("name")
            if not isinstance(name, str):
                continue
            if (problem := problem_of(name)) is not None:
                yield Complaint(problem, (*steps, "name"))
            elif name in names:
                yield Complaint(f"{kind[:-1]} {name!r} is declared twice in this file", (*steps, "name"))
            names.add(name)

    def _class_name_complaints(self) -> Iterator[Complaint]:
        for kind in ("signals", "queues"):
            for steps, entry in self._entries(kind):
                name = entry.get("class_name")
                if isinstance(name, str) and (problem := class_name_problem(name)) is not None:
                    yield Complaint(problem, (*steps, "class_name"))

    def _in_signal(self, steps: Steps, entry: Entry) -> Iterator[Complaint]:
        for place, name in _listed_arguments(entry):
            if (problem := argument_problem(name)) is not None:
                yield Complaint(problem, (*steps, "providing_args", place), of_key=True)
        if isinstance(entry.get("payload"), Mapping):
            found, complaints = self._payload_object(steps, entry)
            yield from complaints
            yield from _argument_complaints(steps, entry, found) if found else ()
        elif is_schema(entry.get("returns")):  # short forms are checked by the schema of the format
            self._normal(steps, entry)

    def _in_queue(self, steps: Steps, entry: Entry) -> Iterator[Complaint]:
        if is_schema(entry.get("payload")):
            yield from self._payload_object(steps, entry)[1]

    def _payload_object(self, steps: Steps, entry: Entry) -> tuple[Object | None, list[Complaint]]:
        """The payload as an object, None if it has problems or unknown properties, and complaints about it."""
        known = len(self._library.complaints)
        schemas = self._normal(steps, entry)
        if not self._is_readable or len(self._library.complaints) > known or schemas.payload is None:
            return None, []
        found = self._readings[steps] = self._reader.payload(
            schemas.payload, schemas.definitions, schemas.definition_names
        )
        if found.shape == Nothing():
            return None, [Complaint("a payload must be an object", (*steps, "payload"))]
        return found.object, []


@dataclass(frozen=True, slots=True)
class _Schemas:
    """The schemas of an entry in normal form."""

    payload: Schema | None
    returns: Schema | None
    definitions: Mapping[str, Schema]
    definition_names: Mapping[str, Steps]


def _argument_complaints(steps: Steps, entry: Entry, payload: Object) -> Iterator[Complaint]:
    names = {field.name: field for field in payload.fields}
    for name in names:
        if (problem := argument_problem(name)) is not None:
            yield Complaint(problem, (*steps, "payload", "properties", name), of_key=True)
    if "providing_args" in entry and (odd := sorted(names.keys() ^ {name for _, name in _listed_arguments(entry)})):
        one_sided = ", ".join(map(shown, odd))
        message = f"payload and providing_args must name the same arguments, but only one has {one_sided}"
        yield Complaint(message, (*steps, "providing_args"))


def _unknown_keys(steps: Steps, entry: Entry, kind: str) -> Iterator[Complaint]:
    known, known_elsewhere = known_keys(kind), known_keys(_OTHER[kind]) if kind else ()
    for key in entry:
        if key in _IGNORED:
            yield Complaint(f"{key!r} is ignored: {_IGNORED[key]}", (*steps, key), of_key=True)
        elif key in known_elsewhere and key not in known:
            yield Complaint(
                f"unknown key {key!r}: a {_OTHER[kind]} has it, a {kind} does not", (*steps, key), of_key=True
            )
        elif key not in known and not key.startswith("x-"):
            yield Complaint(f"unknown key {shown(key)}{guess(key, known)}", (*steps, key), of_key=True)


def _object(value: object) -> Entry:
    return cast("Entry", value) if isinstance(value, Mapping) else {}


def _listed_arguments(entry: Entry) -> list[tuple[str, str]]:
    """The names in ``providing_args``, each with its step: an index, or the name itself."""
    listed = entry.get("providing_args")
    if isinstance(listed, list):
        numbered = enumerate(cast("list[object]", listed))
        return [(str(index), name) for index, name in numbered if isinstance(name, str)]
    return [(name, name) for name in _object(listed)]


def _listed_payload(entry: Entry) -> Schema | None:
    """The payload that ``providing_args`` stands for; None if there is none."""
    if "providing_args" not in entry:
        return None
    types = _object(entry["providing_args"])
    properties = {name: {"type": types[name]} if name in types else {} for _, name in _listed_arguments(entry)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _common_fields(entry: Entry) -> dict[str, Any]:
    """The fields that declarations of signals and of queues have in common."""
    return {
        "name": entry["name"],
        "description": entry.get("description", ""),
        "deprecated": entry.get("deprecated", False),
        "compat": entry.get("compat", {}),
        "class_name": entry.get("class_name", ""),
    }
