"""Finds the queues of a group of agents, each on the broker that the agents use it on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from microagent.boundqueue import BoundQueue
from microagent.broker import AbstractQueueBroker
from microagent.dsn import masked
from microagent.errors import BackendConnectionError, ConfigurationError
from microagent.names import guess
from microagent.queue import Queue
from microagent.running.blueprint import Blueprint
from microagent.running.group import Group
from microagent.running.send_calls import send_calls

EMBEDDED = "local://"


@dataclass(frozen=True, slots=True)
class GroupQueue:
    """
    A queue on a broker.

    :ivar broker: not connected
    :ivar group: the consumer group whose backlog counts, on Kafka, if it is not the broker's default
    """

    name: str
    broker: AbstractQueueBroker
    group: str | None = None

    @property
    def title(self) -> str:
        """Its name, and that of a consumer group of its own."""
        return self.name if self.group is None else f"{self.name} (group {self.group})"

    @property
    def bound(self) -> BoundQueue:
        return self.broker[self.name]

    async def waiting(self) -> int:
        """How many messages wait in it."""
        options = {} if self.group is None else {"group": self.group}
        return await self.broker.queue_length(self.name, **options)


@dataclass(slots=True)
class _Use:
    """A broker with the queues that agents use on it: those they consume, with the consumer group, and all."""

    entry: Mapping[str, Any]
    broker: AbstractQueueBroker
    consumed: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])
    known: set[str] = field(default_factory=set[str])

    def queues(self) -> Iterator[GroupQueue]:
        unconsumed = self.known - {name for name, _ in self.consumed}
        for name, group in sorted(self.consumed | {(name, None) for name in unconsumed}, key=str):
            yield GroupQueue(name, self.broker, group)


def group_queues(group: Group, only: str = "") -> list[GroupQueue]:
    """
    The queues that the agents consume or send to, by broker and name; of a single broker, all that are declared.

    :param only: a part of the DSN of the brokers to look at
    :raises ConfigurationError: if no agent has such a broker
    """
    uses: list[_Use] = []
    for backend, configuration in group.values():
        blueprint, entry = Blueprint.of(backend, configuration), configuration.get("broker")
        if blueprint.broker is not None and entry is not None and only in masked(blueprint.broker.dsn):
            use = next((use for use in uses if use.entry == entry), None)
            if use is None:
                uses.append(use := _Use(entry, blueprint.broker))
            use.consumed.update((each.queue.name, each.options.get("group")) for each in blueprint.roster.consumers())
            use.known.update(call.name for call in send_calls(blueprint.cls) or () if call.target == "broker")
    if not uses:
        raise ConfigurationError(f"no agent has a broker with {only!r} in its DSN" if only else "no agent has a broker")
    declared = Queue.get_all().keys()
    for use in uses:
        use.known = set(declared) if len(uses) == 1 else use.known & declared
    return [queue for use in uses for queue in use.queues()]


def find_queue(queues: list[GroupQueue], name: str) -> GroupQueue:
    """
    The queue of this name.

    :raises ConfigurationError: if there is none, or one on each of several brokers
    """
    found = [queue for queue in queues if queue.name == name]
    if not found:
        raise ConfigurationError(f"there is no queue {name!r}{guess(name, {queue.name for queue in queues})}")
    if len({id(queue.broker) for queue in found}) > 1:
        places = ", ".join(masked(queue.broker.dsn) for queue in found)
        raise ConfigurationError(f"queue {name!r} is on several brokers, choose one with --broker: {places}")
    return found[0]


def check_place(broker: AbstractQueueBroker) -> None:
    """
    Refuse a broker on which nothing can be seen from here, or which would be created by looking at it.

    :raises BackendConnectionError: if it is in the memory of another process, or a folder that does not exist
    """
    if broker.dsn.startswith("memory://"):
        raise BackendConnectionError(f"{broker!r}: these queues are in the memory of the agents' processes")
    if broker.dsn.startswith(EMBEDDED):
        path = os.path.abspath(broker.dsn.removeprefix(EMBEDDED) or ".microagent")
        if not os.path.isdir(path):
            raise BackendConnectionError(
                f"{broker!r}: there is no folder {path}; the agents may run in another working directory"
            )
