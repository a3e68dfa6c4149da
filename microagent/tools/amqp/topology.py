"""The queues and exchanges of a connection: made sure of before they are used, and never changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias, cast

import aiormq
from aiormq import spec

from microagent.declarations import QueueDeclaration
from microagent.errors import ConfigurationError, QueueNotFound
from microagent.queue import Queue
from microagent.tools.amqp.errors import MissingError
from microagent.tools.amqp.questions import Questions

STEPS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""The delays there are, in seconds: each is a queue whose messages expire into the one they came from."""


_Declared: TypeAlias = Awaitable[spec.Queue.DeclareOk]


class Fork(NamedTuple):
    """A topic exchange before a queue: what matches ``into`` goes there, what matches ``past`` to the queue beyond."""

    exchange: str
    into: str
    past: str


@dataclass(frozen=True, slots=True)
class Place:
    """
    A queue that is to be there: ``durable`` and ``arguments`` are for the case that it is not.

    :ivar beyond: where its messages go on to, which is to be there too
    """

    name: str
    durable: bool = True
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    declaration: QueueDeclaration | None = None
    beyond: "Place | None" = None
    fork: Fork | None = None


def declaration(name: str) -> QueueDeclaration | None:
    """What is declared of a queue, if anything is."""
    try:
        return Queue.get(name).declaration
    except QueueNotFound:
        return None


def is_quorum(declared: QueueDeclaration | None, otherwise: bool) -> bool:
    """What is declared of a queue; ``otherwise``, where nothing is."""
    return otherwise if declared is None or declared.quorum is None else declared.quorum


def step(delay: float) -> float:
    """The shortest delay there is that is not shorter than ``delay``; the longest, if none is."""
    return next((seconds for seconds in STEPS if seconds >= delay), STEPS[-1])


def delay_place(name: str, delay: float) -> Place:
    """Where messages of a queue wait for ``delay`` seconds, or a little longer, until they are back in it."""
    milliseconds = round(step(delay) * 1000)
    return Place(f"{name}.retry.{milliseconds}", arguments=expiring(milliseconds, "", name))


def expiring(milliseconds: int, exchange: str, routing_key: str | None = None) -> dict[str, object]:
    """
    The arguments of a queue which hands on what has waited so long, with its own routing key if none is given.

    Only quorum queues keep it until the next queue has it. Classic ones forget it at once: what is due while the server
    starts would be lost, for the next queue may not be there yet.
    """
    onward = {} if routing_key is None else {"x-dead-letter-routing-key": routing_key}
    return {
        "x-queue-type": "quorum",
        "x-message-ttl": milliseconds,
        "x-dead-letter-exchange": exchange,
        **onward,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",  # which this strategy needs
    }


def dead_place(name: str) -> Place:
    """
    Where the dead letters of a queue are; never a quorum queue, which drops what is looked at often.

    It says so, because a virtual host may have quorum queues as its default.
    """
    return Place(f"{name}.dead", arguments={"x-queue-type": "classic"})


class Topology:
    """
    What was made sure of on one connection, so that it is asked for once.

    A queue or exchange that exists is used as it is; one that does not is declared.

    :param durable: new queues outlive the server
    :param quorum: new queues are quorum queues, unless their declaration says otherwise
    """

    def __init__(self, questions: Questions, durable: bool, quorum: bool) -> None:
        self._ask = questions.ask
        self._durable = durable
        self._quorum = quorum
        self._sure: set[str] = set()
        self._lock = asyncio.Lock()

    def place(self, name: str) -> Place:
        """The queue itself; a quorum queue is durable, or there is none."""
        if self.is_quorum(name):
            return Place(name, True, {"x-queue-type": "quorum"}, declaration(name))
        return Place(name, self._durable, declaration=declaration(name))

    def is_quorum(self, name: str) -> bool:
        """Whether it is a quorum queue, if it was declared here."""
        return is_quorum(declaration(name), self._quorum)

    async def ensure(self, place: Place) -> None:
        """
        Make sure of a queue, and of what its declaration binds it to.

        :raises ConfigurationError: if the exchange is not of a kind that heeds its topics
        """
        if place.beyond is not None and place.name not in self._sure:
            await self.ensure(place.beyond)
        await self._once(place.name, lambda: self._make(place))

    async def ensure_exchange(self, name: str) -> None:
        """
        Make sure that there is such an exchange.

        :raises MissingError: if there is none
        """

        async def find() -> None:
            await self._ask(lambda channel: channel.exchange_declare(name, passive=True))

        await self._once(f"exchange {name}", find)

    def forget(self, place: Place) -> None:
        """It was found missing: make sure of it again, and of what is beyond it."""
        self._sure.discard(place.name)
        if place.beyond is not None:
            self.forget(place.beyond)

    async def declare(self, name: str, **options: Any) -> spec.Queue.DeclareOk:
        """
        Declare a queue with options of ``queue.declare``.

        :raises ConfigurationError: if it exists and is different; the server's words show both
        """
        options = {"durable": True, **options}
        return await self._ask(lambda channel: cast("_Declared", channel.queue_declare(name, **options)))

    async def length(self, name: str, **options: Any) -> int | None:
        """How many messages of a queue are ready; None if there is no such queue."""
        try:
            found = await self.declare(name, **{**options, "passive": True})
        except MissingError:
            return None
        return found.message_count or 0

    async def delayed(self, name: str) -> int:
        """How many messages of a queue wait for their next try."""
        lengths = await asyncio.gather(*(self.length(delay_place(name, seconds).name) for seconds in STEPS))
        return sum(length or 0 for length in lengths)

    async def _once(self, key: str, make: Callable[[], Awaitable[None]]) -> None:
        if key in self._sure:
            return
        async with self._lock:
            if key not in self._sure:
                await make()
                self._sure.add(key)

    async def _make(self, place: Place) -> None:
        if await self.length(place.name) is None:
            await self.declare(place.name, durable=place.durable, arguments=dict(place.arguments))
        if place.declaration is not None and place.declaration.exchange is not None:
            await self._bind(place.declaration, place.declaration.exchange)
        if place.fork is not None and place.beyond is not None:
            await self._make_fork(place, place.fork, place.beyond)

    async def _make_fork(self, place: Place, fork: Fork, beyond: Place) -> None:
        await self._ask(lambda channel: channel.exchange_declare(fork.exchange, exchange_type="topic", durable=True))
        await self._ask(partial(_bind, queue=place.name, exchange=fork.exchange, topic=fork.into))
        if beyond.fork is None:
            await self._ask(partial(_bind, queue=beyond.name, exchange=fork.exchange, topic=fork.past))
        else:
            await self._ask(partial(_join, exchange=beyond.fork.exchange, source=fork.exchange, topic=fork.past))

    async def _bind(self, queue: QueueDeclaration, exchange: str) -> None:
        """With its topics, or to all that there is; and under its own name, so that what is sent to it arrives."""
        await self._make_exchange(queue, exchange)
        for topic in (queue.name, *(queue.topics or ("#",))):
            await self._ask(partial(_bind, queue=queue.name, exchange=exchange, topic=topic))

    async def _make_exchange(self, queue: QueueDeclaration, exchange: str) -> None:
        """Without topics any kind of exchange will do; topics need one that heeds them."""
        try:
            await self._ask(lambda channel: channel.exchange_declare(exchange, exchange_type="topic", durable=True))
        except ConfigurationError as difference:
            if queue.topics and "'type'" in str(difference):
                raise ConfigurationError(f"queue '{queue.name}' has topics: {difference}") from difference


async def _bind(channel: aiormq.Channel, queue: str, exchange: str, topic: str) -> None:
    await channel.queue_bind(queue, exchange, topic)


async def _join(channel: aiormq.Channel, exchange: str, source: str, topic: str) -> None:
    await channel.exchange_bind(exchange, source, topic)
