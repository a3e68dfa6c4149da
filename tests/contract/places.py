"""Where the contract is to be kept: each backend says how to make its ends, and what it is known to lack."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis
from support import unique

from microagent import AbstractQueueBroker, AbstractSignalBus, MicroAgent, RetryPolicy
from microagent.tools.amqp import AMQPBroker
from microagent.tools.kafka import KafkaBroker
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.memory import MemoryBroker, MemorySignalBus
from microagent.tools.redis import RedisBroker, RedisSignalBus

MEMORY_LACKS = frozenset({"loops of their own"})
AMQP_LACKS = frozenset({"leases", "counted crashes"})
KAFKA_LACKS = frozenset({"leases", "counted crashes", "messages for whoever is free", "delays"})
REDIS_LACKS = frozenset({"headers"})
KAFKA_LEASE = 2.0  # what the server takes for a session
QUORUM_LACKS = frozenset({"leases", "places kept in order"})
QUICK = RetryPolicy(first=0.02, factor=1.0)


@dataclass
class Place:
    """
    One place where buses and brokers meet; two ends of the same place stand for two processes.

    ``make_bus`` None: it has no signals. ``lacks`` names promises that the server cannot keep (``@needs(...)``).
    ``impatient`` are options of a broker whose messages somebody else gets soon after it has fallen silent.
    ``traces`` tells what its buses have left on the server or on the disk just now, where there is such a thing.
    """

    make_bus: Callable[..., AbstractSignalBus] | None
    make_broker: Callable[..., AbstractQueueBroker]
    lacks: frozenset[str] = frozenset()
    traces: Callable[[], Awaitable[Any]] | None = None
    impatient: Mapping[str, Any] = field(default_factory=lambda: {"lease": 1.0})
    ends: list[Any] = field(default_factory=list)
    agents: list[MicroAgent] = field(default_factory=list)

    def bus(self, **options: Any) -> AbstractSignalBus:
        assert self.make_bus is not None, "this backend has queues alone"
        self.ends.append(self.make_bus(**options))
        return self.ends[-1]

    def broker(self, **options: Any) -> AbstractQueueBroker:
        self.ends.append(self.make_broker(**{"retry": QUICK, **options}))
        return self.ends[-1]

    async def start(self, agent: MicroAgent) -> MicroAgent:
        self.agents.append(agent)
        await agent.start()
        return agent

    async def consume(self, cls: type[MicroAgent], **options: Any) -> MicroAgent:
        """An agent of this class on a broker of its own."""
        return await self.start(cls(broker=self.broker(**options)))

    async def listen(self, cls: type[MicroAgent], **options: Any) -> MicroAgent:
        """An agent of this class on a bus of its own."""
        return await self.start(cls(bus=self.bus(**options)))

    async def close(self) -> None:
        for agent in reversed(self.agents):
            await agent.stop(timeout=0)
        for end in reversed(self.ends):
            await end.close()


def memory(request: pytest.FixtureRequest) -> Place:
    dsn = f"memory://{unique('place')}"
    return Place(
        lambda **options: MemorySignalBus(dsn, **options), lambda **options: MemoryBroker(dsn, **options), MEMORY_LACKS
    )


def local(request: pytest.FixtureRequest) -> Place:
    folder = request.getfixturevalue("tmp_path") / "place"
    dsn = f"local://{folder}"

    async def traces() -> list[str]:
        return sorted(path.name for path in folder.rglob("*"))

    return Place(
        lambda **options: LocalSignalBus(dsn, **options), lambda **options: LocalBroker(dsn, **options), traces=traces
    )


def amqp(request: pytest.FixtureRequest) -> Place:
    dsn = request.getfixturevalue("rabbitmq_url")
    return _rabbitmq(dsn, AMQP_LACKS)


def amqp_quorum(request: pytest.FixtureRequest) -> Place:
    dsn = request.getfixturevalue("rabbitmq_url")
    return _rabbitmq(dsn, QUORUM_LACKS, quorum=True)


def _rabbitmq(dsn: str, lacks: frozenset[str], **own: Any) -> Place:
    def broker(dsn: str = dsn, **options: Any) -> AMQPBroker:
        return AMQPBroker(dsn, **own, **options)

    return Place(None, broker, lacks, impatient={"dsn": f"{dsn}?heartbeat=1"})


def kafka(request: pytest.FixtureRequest) -> Place:
    dsn = request.getfixturevalue("kafka_url")

    def broker(lease: float = KAFKA_LEASE, **options: Any) -> KafkaBroker:
        return KafkaBroker(dsn, lease=max(lease, KAFKA_LEASE), **{"partitions": 1, **options})

    return Place(None, broker, KAFKA_LACKS | request.getfixturevalue("kafka_lacks"))


def redis(request: pytest.FixtureRequest) -> Place:
    dsn, prefix = request.getfixturevalue("redis_url"), unique("PREFIX")
    return Place(
        lambda **options: RedisSignalBus(dsn, **{"prefix": prefix, **options}),
        lambda **options: RedisBroker(dsn, **options),
        REDIS_LACKS,
        traces=partial(_redis_traces, dsn, prefix),
    )


async def _redis_traces(dsn: str, prefix: str) -> list[Any]:
    async with Redis.from_url(dsn) as client:
        clients = await client.client_list()
        return [await client.keys(f"*{prefix}*"), await client.pubsub_numpat(), len(clients)]


PLACES: dict[str, Callable[[pytest.FixtureRequest], Place]] = {
    "memory": memory,
    "local": local,
    "redis": redis,
    "amqp": amqp,
    "kafka": kafka,
    "amqp_quorum": amqp_quorum,
}
QUEUES_ALONE = frozenset({"amqp", "amqp_quorum", "kafka"})
