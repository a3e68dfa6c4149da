"""AsyncAPI documents of signals and queues, with their addresses on each server."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, TypeAlias

from microagent.asyncapi.schemas import Schemas
from microagent.declarations import QueueDeclaration, SignalDeclaration

VERSION = "3.0.0"
EXTENSION = "x-microagent"
GENERATED = "x-generated-by"
GENERATOR = "microagent-gen"
"""The generator of documents about declarations alone, without agents and servers."""
MARK = f'{{\n  "asyncapi": "{VERSION}",\n  "{GENERATED}": '.encode()
"""The beginning of every document that ``microagent-gen`` writes."""
REPLIES = "replies"
CALLS = "calls"

Node: TypeAlias = dict[str, Any]
Verb: TypeAlias = Literal["send", "receive", "call", "answer"]

_JSON = "application/json"
_PARAMETERS = {
    "prefix": {"description": "What keeps projects on one server apart.", "default": "PUBSUB"},
    "sender": {"description": "Who sends it."},
    "request_id": {"description": "Of the call: a reply repeats it."},
    "uid": {"description": "Of the bus that replies."},
}
_AMQP, _KAFKA = "0.3.0", "0.5.0"  # versions of the bindings


@dataclass(frozen=True, slots=True)
class Role:
    """
    What an agent does with a signal or a queue.

    :ivar agent: the name of the agent; empty for any
    :ivar handlers: the names of its methods that do so, as far as they are known
    """

    verb: Verb
    kind: Literal["signals", "queues"]
    name: str
    agent: str = ""
    handlers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """
    The content of a document.

    :ivar generator: the program that writes it
    :ivar compat: the top-level ``compat`` of the declarations
    :ivar roles: who does what; None if anybody may do anything
    :ivar buses: the servers of signals: Server Objects by their names
    :ivar brokers: the servers of queues, likewise
    :ivar prefixes: of the channels of signals; empty if they are not known
    """

    title: str
    generator: str
    signals: Sequence[SignalDeclaration] = ()
    queues: Sequence[QueueDeclaration] = ()
    compat: Mapping[str, Any] = field(default_factory=dict[str, Any])
    roles: Sequence[Role] | None = None
    buses: Mapping[str, Node] = field(default_factory=dict[str, Node])
    brokers: Mapping[str, Node] = field(default_factory=dict[str, Node])
    prefixes: Sequence[str] = ()


def text(api: Api) -> str:
    """The document as JSON, the same for the same declarations in any order."""
    return json.dumps(document(api), indent=2, ensure_ascii=False) + "\n"


def document(api: Api) -> Node:
    """The document. Its version is a digest of the declarations."""
    signals = sorted(api.signals, key=lambda each: each.name)
    queues = sorted(api.queues, key=lambda each: each.name)
    schemas = Schemas([*signals, *queues])
    roles = api.roles if api.roles is not None else [*_anybody(signals, queues)]
    channels, messages = _channels(signals, queues, api), _messages(signals, queues, schemas)
    operations = {_operation_key(role): _operation(role, channels) for role in roles if _channel_key(role) in channels}
    parameters = _parameters(channels.values(), api.prefixes)
    components = {"messages": messages, "parameters": parameters, "schemas": schemas.components()}
    return {
        "asyncapi": VERSION,
        GENERATED: api.generator,
        **({EXTENSION: _compat(api.compat)} if api.compat else {}),
        "info": {"title": api.title, "version": _version(signals, queues)},
        "defaultContentType": _JSON,
        **({"servers": {**api.buses, **api.brokers}} if api.buses or api.brokers else {}),
        "channels": channels,
        "operations": dict(sorted(operations.items())),
        "components": {key: found for key, found in components.items() if found},
    }


def pointer(*steps: str) -> Node:
    """A Reference Object."""
    return {"$ref": f"#/{'/'.join(steps)}"}


def _version(signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration]) -> str:
    listed = [f"{kind} {each.name} {each.fingerprint}\n" for kind, found in _kinds(signals, queues) for each in found]
    return sha256("".join(listed).encode()).hexdigest()[:12]


def _kinds(
    signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration]
) -> Iterator[tuple[Literal["signals", "queues"], Iterable[SignalDeclaration | QueueDeclaration]]]:
    yield "signals", signals
    yield "queues", queues


# -- channels


def _channels(signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration], api: Api) -> Node:
    channels: Node = {}
    for signal in signals:
        for key, channel in _signal_channels(signal):
            channels[key] = {**channel, **_on_servers(api.buses)}
    for queue in queues:
        channels[f"queues.{queue.name}"] = {**_queue_channel(queue), **_on_servers(api.brokers)}
    return dict(sorted(channels.items()))


def _on_servers(servers: Iterable[str]) -> Node:
    listed = [pointer("servers", name) for name in servers]
    return {"servers": listed} if listed else {}


def _signal_channels(signal: SignalDeclaration) -> Iterator[tuple[str, Node]]:
    """The channel of a signal and, if it ``returns`` something, those of a call and its reply."""
    name, address = signal.name, f"{{prefix}}:{signal.name}:{{sender}}"
    own: Node = {"kind": "signal", "name": name}
    message = f"signals.{name}"
    yield message, _on_bus(address, message, {**own, **_extension(signal)}, _described(signal))
    if signal.returns is not None:
        yield f"{CALLS}.{name}", _on_bus(f"{address}#{{request_id}}", message, {**own, "kind": "call"})
        reply, message = "{prefix}:response:{uid}#{request_id}", f"{REPLIES}.{name}"
        yield message, _on_bus(reply, message, {**own, "kind": "reply"})


def _on_bus(address: str, message: str, own: Node, described: Mapping[str, Any] | None = None) -> Node:
    return {
        "address": address,
        **(described or {}),
        "parameters": {each: pointer("components", "parameters", each) for each in re.findall(r"{(\w+)}", address)},
        "messages": {message: pointer("components", "messages", message)},
        "bindings": {"redis": {}},
        EXTENSION: own,
    }


def _parameters(channels: Iterable[Mapping[str, Any]], prefixes: Sequence[str]) -> Node:
    used = sorted({name for channel in channels for name in channel.get("parameters", ())})
    found: Node = {name: dict(_PARAMETERS[name]) for name in used}
    if "prefix" in found and prefixes:
        found["prefix"] = {"description": found["prefix"]["description"], "enum": sorted(set(prefixes))}
    return found


def _queue_channel(queue: QueueDeclaration) -> Node:
    own: Node = {"kind": "queue", "name": queue.name, **_extension(queue)}
    if queue.topics:
        own["topics"] = list(queue.topics)
    if queue.quorum is not None:
        own["quorum"] = queue.quorum
    return {
        "address": queue.name,
        **_described(queue),
        "messages": {f"queues.{queue.name}": pointer("components", "messages", f"queues.{queue.name}")},
        "bindings": {
            "amqp": _amqp(queue),
            "kafka": {"topic": queue.name, "bindingVersion": _KAFKA},
            "redis": {},
        },
        EXTENSION: own,
    }


def _amqp(queue: QueueDeclaration) -> Node:
    if queue.exchange is not None:
        exchange = {"name": queue.exchange, "type": "topic", "durable": True, "autoDelete": False}
        return {"is": "routingKey", "exchange": exchange, "bindingVersion": _AMQP}
    own = {"name": queue.name, "durable": True, "exclusive": False, "autoDelete": False}
    return {"is": "queue", "queue": own, "bindingVersion": _AMQP}


def _compat(compat: Mapping[str, Any]) -> Node:
    return {"compat": dict(compat)} if compat else {}


def _extension(declaration: SignalDeclaration | QueueDeclaration) -> Node:
    """What AsyncAPI cannot express, for our extension."""
    named = {"class_name": declaration.class_name} if declaration.class_name else {}
    return {**_compat(declaration.compat), **named}


def _described(declaration: SignalDeclaration | QueueDeclaration) -> Node:
    return {"description": declaration.description} if declaration.description else {}


# -- messages


def _messages(signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration], schemas: Schemas) -> Node:
    messages: Node = {}
    for kind, found in _kinds(signals, queues):
        for each in found:
            key = f"{kind}.{each.name}"
            payload = schemas.payload(each, f"/components/messages/{key}/payload")
            messages[key] = _message(each.name, payload, each.deprecated)
    for signal in signals:
        if signal.returns is not None:
            key = f"replies.{signal.name}"
            messages[key] = _message(signal.name, schemas.answers(signal, f"/components/messages/{key}/payload"))
    return dict(sorted(messages.items()))


def _message(name: str, payload: object, deprecated: bool = False) -> Node:
    return {
        "name": name,
        "contentType": _JSON,
        **({"deprecated": True} if deprecated else {}),
        **({} if payload is None else {"payload": payload}),
    }


# -- operations


def _anybody(signals: Iterable[SignalDeclaration], queues: Iterable[QueueDeclaration]) -> Iterator[Role]:
    """All roles that are possible, for any agent."""
    for signal in signals:
        verbs: list[Verb] = ["send", "receive"] if signal.returns is None else ["send", "receive", "call", "answer"]
        yield from (Role(verb, "signals", signal.name) for verb in verbs)
    for queue in queues:
        yield Role("send", "queues", queue.name)
        yield Role("receive", "queues", queue.name)


def _channel_key(role: Role) -> str:
    return f"{CALLS if role.verb in {'call', 'answer'} else role.kind}.{role.name}"


def _operation_key(role: Role) -> str:
    return ".".join(part for part in (role.agent, role.verb, role.kind, role.name) if part)


def _operation(role: Role, channels: Mapping[str, Any]) -> Node:
    key = _channel_key(role)
    [message] = channels[key]["messages"]
    extension = {"agent": role.agent, "handlers": list(role.handlers)}
    return {
        "action": "send" if role.verb in {"send", "call"} else "receive",
        "channel": pointer("channels", key),
        **({"tags": [{"name": role.agent}]} if role.agent else {}),
        **({"bindings": _queue_bindings(role)} if role.kind == "queues" else {}),
        "messages": [pointer("channels", key, "messages", message)],
        **({"reply": _reply(role.name)} if key.startswith(CALLS) else {}),
        **({EXTENSION: {name: value for name, value in extension.items() if value}} if role.agent else {}),
    }


def _reply(name: str) -> Node:
    key = f"{REPLIES}.{name}"
    return {"channel": pointer("channels", key), "messages": [pointer("channels", key, "messages", key)]}


def _queue_bindings(role: Role) -> Node:
    if role.verb == "send":
        return {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": _AMQP}}
    group = {"type": "string", "enum": [role.name]}
    return {
        "amqp": {"ack": True, "bindingVersion": _AMQP},
        "kafka": {"groupId": group, "bindingVersion": _KAFKA},
    }
