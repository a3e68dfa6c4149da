"""The channels of an AsyncAPI document, with their messages and replies."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, cast

from microagent.asyncapi.bundles import UnsayableError
from microagent.asyncapi.writing import EXTENSION
from microagent.jsontext import Complaint, Steps
from microagent.names import shown
from microagent.pointers import follow, fragment_steps

Node: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = tuple[object, Steps]
"""A Schema Object or Multi Format Schema Object, and the steps to it."""

_HOPS = 10  # references in a row
_JSON = re.compile(r"(application|text)/([\w.+-]+\+)?json(;.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """A Message Object, the steps to it, and its name."""

    node: Node
    steps: Steps
    name: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A Channel Object with its messages."""

    key: str
    node: Node
    steps: Steps
    messages: tuple[Message, ...]

    @property
    def own(self) -> Node:
        """Our extension of the Channel Object."""
        return node_of(self.node.get(EXTENSION))

    def binding(self, protocol: str) -> Node:
        return node_of(node_of(self.node.get("bindings")).get(protocol))


@dataclass
class Outline:
    """
    The structure of a document, with references followed.

    :ivar notes: gains what is left out because a reference leads nowhere
    """

    document: Node
    notes: list[Complaint] = field(default_factory=list[Complaint])

    def channels(self) -> Iterator[Channel]:
        """All channels; those with broken references are left out with a note."""
        for key, value in node_of(self.document.get("channels")).items():
            try:
                node, steps = self.dereferenced(value, ("channels", key))
                messages = tuple(self._messages(node, steps))
            except UnsayableError as exc:
                self.notes.append(Complaint(f"left out: {exc}", exc.complaint.steps))
            else:
                yield Channel(key, node, steps, messages)

    def _messages(self, channel: Node, steps: Steps) -> Iterator[Message]:
        for key, value in node_of(channel.get("messages")).items():
            node, at = self.dereferenced(value, (*steps, "messages", key))
            name = node.get("name")
            yield Message(node, at, name if isinstance(name, str) else key)

    def dereferenced(self, value: object, steps: Steps) -> tuple[Node, Steps]:
        """
        Follow references to an object.

        :return: the object, and the steps to it
        :raises UnsayableError: if a reference leads out of the document, or nowhere
        """
        for _ in range(_HOPS):
            if not isinstance(value, Mapping):
                raise UnsayableError("an object is expected here", steps)
            node = cast("Node", value)
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node, steps
            if not reference.startswith("#/"):
                raise UnsayableError(f"$ref {shown(reference)} leads out of this document", steps)
            target = fragment_steps(reference)
            try:
                value = follow(self.document, target)
            except LookupError:
                raise UnsayableError(f"$ref {shown(reference)} leads nowhere", steps) from None
            steps = target
        raise UnsayableError("$ref leads from reference to reference", steps)

    def protocols(self, channel: Channel) -> set[str]:
        """The protocols that a channel has bindings for, or else those of its servers."""
        servers = list_of(channel.node.get("servers")) or list(node_of(self.document.get("servers")).values())
        found = set(node_of(channel.node.get("bindings")))
        for server in () if found else servers:
            try:
                found.add(str(self.dereferenced(server, channel.steps)[0].get("protocol")))
            except UnsayableError as exc:
                self.notes.append(Complaint(str(exc), exc.complaint.steps))
        return found

    def refuse_foreign(self, message: Message) -> None:
        """:raises UnsayableError: if the message is not JSON"""
        content_types = [node.get("contentType") for node in (message.node, *self._traits(message))]
        content = next(
            (each for each in (*content_types, self.document.get("defaultContentType")) if isinstance(each, str)), ""
        )
        if content and not _JSON.fullmatch(content):
            raise UnsayableError(f"messages must be JSON, not {shown(content)}", (*message.steps, "contentType"))

    def _traits(self, message: Message) -> Iterator[Node]:
        for trait in list_of(message.node.get("traits")):
            try:
                yield self.dereferenced(trait, message.steps)[0]
            except UnsayableError as exc:
                self.notes.append(Complaint(str(exc), exc.complaint.steps))

    def answer(self, channel: Channel) -> Answer | None:
        """The schema of the reply to a channel; None if it has no reply."""
        key = self._answered.get(channel.steps)
        if key is None:
            return None
        try:
            return self._replied(self.document["operations"][key]["reply"], ("operations", key, "reply"))
        except UnsayableError as exc:
            self.notes.append(Complaint(f"the reply is left out: {exc}", exc.complaint.steps))
            return True, ("operations", key)

    @cached_property
    def _answered(self) -> dict[Steps, str]:
        """The steps to the channels with a reply, each with the key of the first operation that has it."""
        found: dict[Steps, str] = {}
        for key, value in node_of(self.document.get("operations")).items():
            operation = node_of(value)
            if "reply" in operation:
                with suppress(UnsayableError):
                    found.setdefault(self.dereferenced(operation.get("channel"), ())[1], key)
        return found

    def _replied(self, value: object, steps: Steps) -> Answer:
        reply, at = self.dereferenced(value, steps)
        found = list_of(reply.get("messages"))
        if not found and "channel" in reply:
            channel, at = self.dereferenced(reply["channel"], (*at, "channel"))
            found = list(node_of(channel.get("messages")).values())
        if len(found) != 1:
            raise UnsayableError(f"it has {len(found)} messages, and one is expected", at)
        message, at = self.dereferenced(found[0], at)
        return message.get("payload", True), (*at, "payload")


def node_of(value: object) -> Node:
    """The value if it is an object, otherwise an empty one."""
    return cast("Node", value) if isinstance(value, Mapping) else {}


def list_of(value: object) -> list[object]:
    """The value if it is a list, otherwise an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []
