"""Declarations from AsyncAPI documents: exact for our own, an approximation with notes for others."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from microagent.asyncapi.bundles import LEFT_OUT, Bundle, Place, UnsayableError, referred_place, schema_at
from microagent.asyncapi.outline import Answer, Channel, Message, Node, Outline, node_of
from microagent.asyncapi.writing import EXTENSION, GENERATED, GENERATOR
from microagent.jsontext import Complaint, Steps
from microagent.names import guess, queue_name_problem, shown, signal_name_problem, snake
from microagent.pointers import pointer_to
from microagent.schemas.words import is_schema

Kind: TypeAlias = Literal["signals", "queues"]

_KINDS: dict[str, Kind] = {"signal": "signals", "queue": "queues"}
_PARTS = ("call", "reply")  # channels that belong to a signal
_PROBLEMS = {"signals": signal_name_problem, "queues": queue_name_problem}
_QUEUEING = frozenset(
    """
    amqp amqps amqp1 anypointmq googlepubsub ibmmq jms kafka kafka-secure pulsar solace sqs stomp stomps
    """.split()  # noqa: SIM905 - a list to read
)
_BOUND = frozenset({"amqp", "kafka", "redis"})
_LEFT_OUT = {
    "document": ("servers", "id"),
    "channel": ("servers", "tags", "externalDocs"),
    "message": ("headers", "correlationId", "traits", "bindings", "examples", "tags", "externalDocs"),
}
"""Keys that declarations have no counterpart for; only the content type of traits is heeded."""


@dataclass(frozen=True, slots=True)
class Declared:
    """
    One declaration of a document, in the form of a file of declarations.

    :ivar places: for the steps to its payload, ``returns`` and definitions in that form, the steps in the document
    :ivar is_ours: whether the document itself says that it is a signal or a queue
    """

    kind: Kind
    entry: dict[str, Any]
    definitions: Mapping[str, Any]
    steps: Steps
    places: Mapping[Steps, Steps]
    is_ours: bool

    @property
    def document(self) -> dict[str, Any]:
        """A file with this declaration alone."""
        return {self.kind: [self.entry], **({"$defs": dict(self.definitions)} if self.definitions else {})}

    def placed(self, complaint: Complaint) -> Complaint:
        """A complaint about that file, as one about the AsyncAPI document."""
        steps = complaint.steps[2:] if complaint.steps[:1] == (self.kind,) else complaint.steps
        for inner, place in self.places.items():
            if steps[: len(inner)] == inner:
                return Complaint(complaint.message, (*place, *steps[len(inner) :]), complaint.of_key)
        return Complaint(complaint.message, self.steps)


@dataclass
class Draft:
    """A declaration under construction; ``bundle`` collects its definitions, ``more`` its further keys."""

    name: str
    channel: Channel
    message: Message | None
    bundle: Bundle
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    places: dict[Steps, Steps] = field(default_factory=dict[Steps, Steps])

    def schema(self, key: str, place: Place) -> None:
        self.places[key,] = place.steps
        schema = self.bundle.add(place)
        self.more[key] = {"type": "object"} if schema is True and key == "payload" else schema

    def declared(self, kind: Kind) -> Declared:
        own = {key: self.channel.own[key] for key in ("compat", "class_name") if key in self.channel.own}
        entry = {"name": self.name, **_annotations(self.channel.node, self.message), **own, **self.more}
        places = self.places | {("$defs", name): steps for name, steps in self.bundle.places.items()}
        places |= {(key,): (*self.channel.steps, EXTENSION, key) for key in own}
        return Declared(kind, entry, self.bundle.definitions, self.channel.steps, places, "kind" in self.channel.own)


class AsyncApi:
    """
    An AsyncAPI document.

    :ivar complaints: why it is refused
    :ivar notes: what declarations cannot express, and is left out
    """

    def __init__(self, document: Node) -> None:
        self.complaints: list[Complaint] = []
        self.notes: list[Complaint] = []
        self._noted: set[Complaint] = set()
        self._document = document
        self._outline = Outline(document, self.notes)
        self._channels = list(self._outline.channels())
        self._returned = {
            str(channel.own.get("name")): message
            for channel in self._channels
            if channel.own.get("kind") == "reply"
            for message in channel.messages
        }

    def declared(self) -> Iterator[Declared]:
        """Its declarations; those that cannot be expressed are left out with a note."""
        if (problem := version_problem(self._document["asyncapi"])) is not None:
            self.complaints.append(Complaint(problem, ("asyncapi",)))
            return
        self._leave_out("document", self._document, ())
        if self._document.get("operations") and self._document.get(GENERATED) != GENERATOR:
            self.notes.append(Complaint(LEFT_OUT, ("operations",), of_key=True))
        known: dict[tuple[Kind, str], Steps] = {}
        for found in (each for channel in self._channels for each in self._declared_by(channel)):
            first = known.setdefault((found.kind, found.entry["name"]), found.steps)
            if first is found.steps:
                yield found
            else:
                message = f"{found.kind[:-1]} {found.entry['name']!r} is declared at {pointer_to(first)} already"
                self.drop(Complaint(message, found.steps), found.is_ours)

    @property
    def compat(self) -> object:
        """The ``compat`` of our extension at the top level."""
        return node_of(self._document.get(EXTENSION)).get("compat")

    def drop(self, complaint: Complaint, is_ours: bool) -> None:
        """Leave out a declaration: the reason is a mistake in our own documents, and worth a note in others."""
        if is_ours:
            self.complaints.append(complaint)
        else:
            self._note(f"left out: {complaint.message}", complaint.steps)

    def _note(self, message: str, steps: Steps) -> None:
        if (note := Complaint(message, steps)) not in self._noted:
            self._noted.add(note)
            self.notes.append(note)

    def _leave_out(self, kind: str, node: Node, steps: Steps) -> None:
        for key in _LEFT_OUT[kind]:
            if node.get(key):
                self._note(LEFT_OUT, (*steps, key))

    def _declared_by(self, channel: Channel) -> Iterator[Declared]:
        own = channel.own.get("kind")
        if own in _PARTS:
            return
        if own is not None and not (isinstance(own, str) and own in _KINDS):
            message = f"{shown(str(own))} is not a kind of channel{guess(str(own), [*_KINDS, *_PARTS])}"
            self.complaints.append(Complaint(message, (*channel.steps, EXTENSION, "kind")))
            return
        self._leave_out("channel", channel.node, channel.steps)
        for protocol in sorted(node_of(channel.node.get("bindings")).keys() - _BOUND):
            self._note(LEFT_OUT, (*channel.steps, "bindings", protocol))
        answer = self._outline.answer(channel) if own is None else None
        kind = _KINDS[own] if own else self._kind(channel, answer)
        for draft in self._drafts(kind, channel):
            try:
                yield self._finished(kind, draft, answer)
            except UnsayableError as exc:
                self.drop(exc.complaint, own is not None)

    def _kind(self, channel: Channel, answer: Answer | None) -> Kind:
        """A channel with a reply is a signal, any other one on a queueing protocol a queue."""
        return "queues" if answer is None and self._outline.protocols(channel) & _QUEUEING else "signals"

    def _drafts(self, kind: Kind, channel: Channel) -> Iterator[Draft]:
        messages = channel.messages
        if len(messages) > 1 and kind == "queues":
            self._note("this queue has several messages: it accepts any object", (*channel.steps, "messages"))
        elif len(messages) > 1:
            self._note("this channel has several messages: each of them is a signal", (*channel.steps, "messages"))
        for message in messages if kind == "signals" and messages else messages[:1] if len(messages) == 1 else [None]:
            try:
                name = self._name(kind, channel, message)
            except UnsayableError as exc:
                self.drop(exc.complaint, "kind" in channel.own)
            else:
                yield Draft(name, channel, message, Bundle(self._document, notes=self.notes))

    def _name(self, kind: Kind, channel: Channel, message: Message | None) -> str:
        if isinstance(own := channel.own.get("name"), str):
            return own
        is_one_of_several = message is not None and len(channel.messages) > 1
        wanted = message.name if message and is_one_of_several else channel.key
        if kind == "queues":
            wanted = _place(channel) or channel.key
        name = wanted if _PROBLEMS[kind](wanted) is None else snake(re.sub(r"\{[^}]*\}", "", wanted))
        if (problem := _PROBLEMS[kind](name)) is not None:
            raise UnsayableError(problem, channel.steps)
        if name != wanted:
            self._note(f"{shown(wanted)} is called {name} here", channel.steps)
        return name

    def _finished(self, kind: Kind, draft: Draft, answer: Answer | None) -> Declared:
        if draft.message is not None:
            self._outline.refuse_foreign(draft.message)
            self._leave_out("message", draft.message.node, draft.message.steps)
            if "payload" in draft.message.node:
                steps = (*draft.message.steps, "payload")
                draft.schema("payload", schema_at(self._document, draft.message.node["payload"], steps))
        if kind == "signals":
            self._finish_signal(draft, answer)
        else:
            self._finish_queue(draft)
        return draft.declared(kind)

    def _finish_signal(self, draft: Draft, answer: Answer | None) -> None:
        draft.more.setdefault("payload", {"type": "object", "additionalProperties": True})
        if (message := self._returned.get(draft.name)) is not None and draft.channel.own:
            place = schema_at(self._document, message.node.get("payload"), (*message.steps, "payload"))
            draft.schema("returns", _of_each_handler(referred_place(self._document, place)))
        elif answer is not None:
            draft.schema("returns", schema_at(self._document, *answer))
        self._note_address(draft, f"{{prefix}}:{draft.name}:{{sender}}")

    def _finish_queue(self, draft: Draft) -> None:
        channel, amqp = draft.channel, draft.channel.binding("amqp")
        draft.more |= {key: channel.own[key] for key in ("topics", "quorum") if key in channel.own}
        exchange = node_of(amqp.get("exchange")).get("name")
        if amqp.get("is") == "queue" or not isinstance(exchange, str) or not exchange:
            self._note_address(draft, draft.name)
            return
        draft.more["exchange"] = exchange
        if "kind" not in channel.own and (topic := _topic(channel.node.get("address"))):
            draft.more["topics"] = [topic]

    def _note_address(self, draft: Draft, address: str) -> None:
        theirs = draft.channel.node.get("address")
        if isinstance(theirs, str) and theirs != address:
            self._note(f"left out: the address is {address}, not {shown(theirs)}", (*draft.channel.steps, "address"))


def version_problem(version: object) -> str | None:
    """Why a document of this version of AsyncAPI cannot be read; None if it can."""
    if isinstance(version, str) and version.startswith("3."):
        return None
    return f"AsyncAPI {shown(str(version))} is not supported, only 3: 'asyncapi convert' converts it"


def _of_each_handler(place: Place) -> Place:
    """The schema of an answer within the schema of a reply, which maps handlers to answers."""
    if isinstance(place.schema, bool):
        return place
    steps = (*place.steps, "additionalProperties")
    if not is_schema(inner := place.schema.get("additionalProperties", True)):
        raise UnsayableError("not a valid schema", steps)
    return Place(inner, steps, place.dialect)


def _place(channel: Channel) -> str | None:
    """The name of the queue on its server; None if the document does not give one."""
    amqp = channel.binding("amqp")
    if "exchange" in amqp and amqp.get("is") != "queue":
        return None
    candidates = (
        node_of(amqp.get("queue")).get("name"),
        channel.binding("kafka").get("topic"),
        channel.node.get("address"),
    )
    return next((each for each in candidates if isinstance(each, str) and each), None)


def _annotations(channel: Node, message: Message | None) -> dict[str, Any]:
    """The description and deprecation of a channel and its message."""
    nodes = [channel, *([message.node] if message else [])]
    texts = [node.get(key) for node in nodes for key in ("title", "summary", "description")]
    text = "\n\n".join(dict.fromkeys(each for each in texts if isinstance(each, str) and each))
    deprecated = message is not None and message.node.get("deprecated") is True
    return {**({"description": text} if text else {}), **({"deprecated": True} if deprecated else {})}


def _topic(address: object) -> str | None:
    """The address as a binding key: parameters become ``*``."""
    return re.sub(r"\{[^}]*\}", "*", address) if isinstance(address, str) and address else None
