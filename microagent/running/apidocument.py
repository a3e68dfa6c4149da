"""Builds the AsyncAPI document of a group: what is declared, and which agent sends and receives it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from microagent.asyncapi.writing import Api, Node, Role, Verb
from microagent.dsn import DSN
from microagent.errors import MicroAgentError
from microagent.queue import Queue
from microagent.running.blueprint import Blueprint
from microagent.running.send_calls import SendCall, send_calls
from microagent.signal import Signal

_PROTOCOLS = {"rediss": "redis", "unix": "redis", "kafka": "kafka", "amqps": "amqps"}


def api_document(title: str, blueprints: Mapping[str, Blueprint]) -> Api:
    """The document of these agents, given by their names."""
    signals = {name: word.declaration for name, word in Signal.get_all().items()}
    queues = {name: word.declaration for name, word in Queue.get_all().items()}
    servers: dict[str, Node] = {}
    return Api(
        title,
        "marun",
        tuple(signals.values()),
        tuple(queues.values()),
        roles=tuple(role for name, blueprint in blueprints.items() for role in _roles(name, blueprint)),
        buses=_named((blueprint.bus for blueprint in blueprints.values()), servers),
        brokers=_named((blueprint.broker for blueprint in blueprints.values()), servers),
        prefixes=sorted({blueprint.bus.prefix for blueprint in blueprints.values() if blueprint.bus is not None}),
    )


def omissions(name: str, blueprint: Blueprint) -> Iterator[str]:
    """What the document leaves out about an agent, one sentence each."""
    found = send_calls(blueprint.cls)
    if found is None:
        yield f"{name}: what it sends is left out, because its source cannot be read"
    for call in found or ():
        kind: type[Signal] | type[Queue] = Signal if call.target == "bus" else Queue
        try:
            kind.get(call.name)
        except MicroAgentError as error:
            yield f"{name}: a signal or queue that it sends to is left out: {error}"


def _roles(agent: str, blueprint: Blueprint) -> Iterator[Role]:
    heard: dict[Signal, list[str]] = {}
    for receiver in blueprint.roster.receivers():
        heard.setdefault(receiver.signal, []).append(receiver.key)
    for signal, handlers in heard.items():
        yield Role("receive", "signals", signal.name, agent, tuple(handlers))
        if signal.returns is not None:
            yield Role("answer", "signals", signal.name, agent, tuple(handlers))
    for consumer in blueprint.roster.consumers():
        yield Role("receive", "queues", consumer.queue.name, agent, (consumer.key,))
    yield from (_sender(agent, call) for call in send_calls(blueprint.cls) or ())


def _sender(agent: str, call: SendCall) -> Role:
    """A call of a signal that declares no ``returns`` is documented as a send: the reply has no schema."""
    if call.target == "broker":
        return Role("send", "queues", call.name, agent)
    known = Signal.get_all().get(call.name)
    verb: Verb = call.verb if known is not None and known.returns is not None else "send"
    return Role(verb, "signals", call.name, agent)


def _named(ends: Iterable[Any], known: dict[str, Node]) -> dict[str, Node]:
    """The servers of buses or brokers, named after their protocols; a server in ``known`` keeps its name."""
    servers = [server for end in ends if end is not None and (server := _server(end.dsn)) is not None]
    for server in servers:
        if server not in known.values():
            protocol = server["protocol"]
            taken = sum(each["protocol"] == protocol for each in known.values())
            known[f"{protocol}_{taken + 1}" if taken else protocol] = server
    return {name: server for name, server in known.items() if server in servers}


def _server(dsn: str) -> Node | None:
    parsed = DSN.parse(dsn)
    if parsed.scheme == "memory":
        return None  # no other process can reach it
    hosts = [f"{host}:{port}" if port else host for host, port in parsed.hosts if host]
    scheme = parsed.scheme.partition("+")[0]
    path = {"pathname": parsed.path} if parsed.path.strip("/") else {}
    return {"host": ",".join(hosts) or "localhost", **path, "protocol": _PROTOCOLS.get(scheme, scheme)}
