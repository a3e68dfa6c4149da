"""What a document declares, and what is wrong with it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from microagent.declarations import QueueDeclaration, SignalDeclaration
from microagent.drafts import modern
from microagent.jsonschemas import format_complaints, known_keys
from microagent.jsontext import Complaint, Steps
from microagent.names import argument_problem, guess, queue_name_problem, shown, signal_name_problem
from microagent.reading import shape
from microagent.references import used_definitions
from microagent.schema import Schema, as_object, is_schema
from microagent.schemachecks import misspelt_keywords, schema_complaints
from microagent.shapes import Anything, Object, Shape
from microagent.shapes import Mapping as MappingShape

Entry: TypeAlias = Mapping[str, Any]

VERSION = 2

_NOT_OBEYED = {
    "jsonlib": "no declaration names a module to import",
    "default_prefix": "the prefix is for the bus to know",
}


class Contents:
    """
    A document that was read, and all that there is to say of it.

    ``signals`` and ``queues`` can be asked for when there are no ``complaints``.
    """

    def __init__(self, document: object) -> None:
        self._document = _object(document)
        self._definitions = {
            name: modern(found) for name, found in _object(self._document.get("$defs")).items() if is_schema(found)
        }
        self.warnings = list(self._unknown_keys())
        of_definitions = list(self._definition_complaints())
        self._is_readable = not of_definitions
        self.complaints = [
            *format_complaints(document),
            *self._version_complaints(),
            *of_definitions,
            *self._name_complaints("signals", signal_name_problem),
            *self._name_complaints("queues", queue_name_problem),
            *(complaint for steps, entry in self._entries("signals") for complaint in self._in_signal(steps, entry)),
            *(complaint for steps, entry in self._entries("queues") for complaint in self._in_queue(steps, entry)),
        ]
        if not self.complaints:
            self.warnings += self._misspelt_keywords()

    # -- what it declares

    def signals(self) -> Iterator[tuple[Steps, SignalDeclaration]]:
        """Every signal, with the steps to it."""
        for steps, entry in self._entries("signals"):
            payload, returns = _payload(entry), _returns(entry)
            used = used_definitions([payload, *([] if returns is None else [returns])], self._definitions)
            yield steps, SignalDeclaration(payload=payload, returns=returns, definitions=used, **_told(entry))

    def queues(self) -> Iterator[tuple[Steps, QueueDeclaration]]:
        """Every queue, with the steps to it."""
        for steps, entry in self._entries("queues"):
            payload = _payload(entry) if "payload" in entry else None
            yield (
                steps,
                QueueDeclaration(
                    payload=payload,
                    exchange=entry.get("exchange"),
                    topics=tuple(entry.get("topics", ())),
                    quorum=entry.get("quorum"),
                    definitions=used_definitions([] if payload is None else [payload], self._definitions),
                    **_told(entry),
                ),
            )

    def _entries(self, kind: str) -> Iterator[tuple[Steps, Entry]]:
        listed = self._document.get(kind)
        for index, entry in enumerate(cast("list[object]", listed) if isinstance(listed, list) else []):
            yield (kind, str(index)), _object(entry)

    # -- what is wrong with it

    def _unknown_keys(self) -> Iterator[Complaint]:
        yield from _unknown_keys((), self._document, "")
        for kind in ("signals", "queues"):
            for steps, entry in self._entries(kind):
                yield from _unknown_keys(steps, entry, kind[:-1])

    def _misspelt_keywords(self) -> Iterator[Complaint]:
        listed: list[tuple[Steps, object]] = [
            (("$defs", name), found) for name, found in _object(self._document.get("$defs")).items()
        ]
        for kind in ("signals", "queues"):
            for steps, entry in self._entries(kind):
                listed += [((*steps, key), entry.get(key)) for key in ("payload", "returns")]
        for place, schema in listed:
            if is_schema(schema):
                yield from (found.below(*place) for found in misspelt_keywords(schema))

    def _version_complaints(self) -> Iterator[Complaint]:
        if (version := self._document.get("version", VERSION)) != VERSION:
            yield Complaint(f"version {shown(str(version))} cannot be read, only {VERSION}", ("version",))

    def _definition_complaints(self) -> Iterator[Complaint]:
        for name, schema in self._definitions.items():
            for complaint in schema_complaints(schema, self._definitions, in_file=True):
                yield complaint.below("$defs", name)

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

    def _in_signal(self, steps: Steps, entry: Entry) -> Iterator[Complaint]:
        for place, name in _listed_arguments(entry):
            if (problem := argument_problem(name)) is not None:
                yield Complaint(problem, (*steps, "providing_args", place), of_key=True)
        if isinstance(entry.get("payload"), Mapping):
            found, complaints = self._payload_shape(steps, entry)
            yield from complaints
            yield from _argument_complaints(steps, entry, found) if isinstance(found, Object) else ()
        if is_schema(returns := entry.get("returns")):  # a short form was checked with the format
            yield from self._schema_complaints((*steps, "returns"), modern(returns))

    def _in_queue(self, steps: Steps, entry: Entry) -> Iterator[Complaint]:
        if is_schema(entry.get("payload")):
            yield from self._payload_shape(steps, entry)[1]

    def _payload_shape(self, steps: Steps, entry: Entry) -> tuple[Shape, list[Complaint]]:
        """What a payload is, which is nothing in particular as long as there are complaints about it."""
        payload, place = _payload(entry), (*steps, "payload")
        complaints = list(self._schema_complaints(place, payload))
        if complaints or not self._is_readable:
            return Anything(), complaints
        found = shape(payload, self._definitions, payload=True).shape
        if payload is False or not isinstance(found, (Object, MappingShape, Anything)):
            complaints.append(Complaint("a payload is an object", place))
        return found, complaints

    def _schema_complaints(self, place: Steps, schema: Schema) -> Iterator[Complaint]:
        yield from (found.below(*place) for found in schema_complaints(schema, self._definitions))


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
    known = known_keys(kind)
    for key in entry:
        if key in _NOT_OBEYED:
            yield Complaint(f"{key!r} is not obeyed: {_NOT_OBEYED[key]}", (*steps, key), of_key=True)
        elif key not in known and not key.startswith("x-"):
            yield Complaint(f"unknown key {shown(key)}{guess(key, known)}", (*steps, key), of_key=True)


def _object(value: object) -> Entry:
    return cast("Entry", value) if isinstance(value, Mapping) else {}


def _listed_arguments(entry: Entry) -> list[tuple[str, str]]:
    """The names in ``providing_args``, each with the step to it."""
    listed = entry.get("providing_args")
    if isinstance(listed, list):
        numbered = enumerate(cast("list[object]", listed))
        return [(str(index), name) for index, name in numbered if isinstance(name, str)]
    return [(name, name) for name in _object(listed)]


def _payload(entry: Entry) -> Any:
    """The payload in the words of 2020-12; that of ``providing_args``, where nothing else is said."""
    if "payload" in entry:
        return as_object(modern(entry["payload"]))
    listed = entry["providing_args"]
    types = _object(listed)
    properties = {name: {"type": types[name]} if name in types else {} for name in cast("list[str]", listed)}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _returns(entry: Entry) -> Schema | None:
    returns = entry.get("returns")
    if returns is None:
        return None
    return modern(returns) if is_schema(returns) else {"type": returns}


def _told(entry: Entry) -> dict[str, Any]:
    """What every declaration has."""
    return {
        "name": entry["name"],
        "description": entry.get("description", ""),
        "deprecated": entry.get("deprecated", False),
    }
