"""Where the ledger is kept: each backend with its server, its proxy, and the faults that it can suffer."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from servers import Server
from servers.kafka import KafkaServer
from servers.rabbitmq import RabbitMQServer
from servers.redis import RedisServer

from faults.proxy import Proxy
from faults.schedule import Kind

LEASE = 3.0  # seconds
SESSION = 3.0  # of a group on Kafka
HEARTBEAT = 2  # seconds; RabbitMQ gives up on a client that is silent for two or three

QUORUM = {"quorum": True}

OUTAGES = (0, 4, 15)  # seconds
OF_SERVERS = tuple(
    Kind(name, seconds, "server") for name in ("restart the server", "kill the server") for seconds in OUTAGES
)
CUT = Kind("cut all connections", 0, "server")
OF_NETWORKS = (
    Kind("drop silently", 5, "network"),
    Kind("reset connections", 0, "network"),
    Kind("half-close connections", 0, "network"),
    Kind("delay", 3, "network"),
    Kind("dribble", 3, "network"),
    Kind("lose answers", 1, "network"),
)


def of_processes(lease: float) -> tuple[Kind, ...]:
    """A process that stands still does so for two leases."""
    return (
        Kind("kill a consumer"),
        Kind("end a consumer"),
        Kind("stop a consumer", 2 * lease),
        Kind("kill a producer"),
        Kind("end a producer"),
    )


@dataclass
class Place:
    """
    One backend.

    :ivar name: as ``make faults BACKEND=`` takes it

    :ivar backend: ``module:class`` of its broker
    :ivar options: of its broker
    :ivar lease: seconds after which what a silent process held comes again
    :ivar faults: that can happen here
    :ivar pause: seconds that its server needs to come back
    :ivar server: None: there is none
    :ivar cut: ends all connections from the server's side
    """

    name: str
    backend: str
    dsn: str
    lease: float
    faults: tuple[Kind, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    pause: float = 0.0
    server: Server | None = None
    proxy: Proxy | None = None
    cut: Callable[[], Awaitable[Any]] | None = None

    def make_broker(self) -> Any:
        """For the test itself."""
        module, _, name = self.backend.partition(":")
        return getattr(importlib.import_module(module), name)(self.dsn, **self.options)


@asynccontextmanager
async def local(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    dsn = f"local://{request.getfixturevalue('tmp_path')}/place"
    yield Place("local", "microagent.tools.local:LocalBroker", dsn, LEASE, of_processes(LEASE), {"lease": LEASE})


@asynccontextmanager
async def redis(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    folder, program = request.getfixturevalue("tmp_path") / "redis", request.getfixturevalue("redis_program")
    async with _proxied(RedisServer(folder, program)) as (server, proxy):

        async def cut() -> None:
            async with Redis.from_url(server.url) as operator:
                await operator.execute_command("CLIENT", "KILL", "TYPE", "normal")

        dsn, backend = f"redis://127.0.0.1:{proxy.port}/0", "microagent.tools.redis:RedisBroker"
        faults = (*of_processes(LEASE), *OF_SERVERS, CUT, *OF_NETWORKS)
        yield Place("redis", backend, dsn, LEASE, faults, {"lease": LEASE}, 1.0, server, proxy, cut)


@asynccontextmanager
async def amqp(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    folder, program = request.getfixturevalue("tmp_path") / "rabbitmq", request.getfixturevalue("rabbitmq_program")
    async with _proxied(RabbitMQServer(folder, program)) as (server, proxy):

        async def cut() -> None:
            await asyncio.to_thread(server.control, "close_all_connections", "for a test")

        dsn = f"amqp://guest:guest@127.0.0.1:{proxy.port}/?heartbeat={HEARTBEAT}"
        lease = 3.0 * HEARTBEAT
        faults = (*of_processes(lease), *OF_SERVERS, CUT, *OF_NETWORKS)
        yield Place("amqp", "microagent.tools.amqp:AMQPBroker", dsn, lease, faults, {}, 10.0, server, proxy, cut)


@asynccontextmanager
async def quorum(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    async with amqp(request) as place:
        yield replace(place, name="quorum", options=QUORUM)


@asynccontextmanager
async def kafka(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    folder, jars = request.getfixturevalue("tmp_path") / "kafka", request.getfixturevalue("kafka_jars")
    async with _proxied(KafkaServer(folder, jars, detour=True)) as (server, proxy):

        async def cut() -> None:
            proxy.reset()  # it has no command for that; its clients cannot tell the difference

        options = {"lease": SESSION, "partitions": 4}
        faults = (*of_processes(SESSION), *OF_SERVERS, CUT, *OF_NETWORKS)
        dsn, backend = f"kafka://127.0.0.1:{proxy.port}", "microagent.tools.kafka:KafkaBroker"
        yield Place("kafka", backend, dsn, SESSION, faults, options, 8.0, server, proxy, cut)


@asynccontextmanager
async def _proxied(server: Any) -> AsyncIterator[tuple[Any, Proxy]]:
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(_proxy(server))
        await asyncio.to_thread(server.start)
        stack.push_async_callback(asyncio.to_thread, server.stop)
        yield server, proxy


def _proxy(server: Server) -> Proxy:
    return Proxy(server.detour_port, server.entrance) if isinstance(server, KafkaServer) else Proxy(server.port)


def proxied(request: pytest.FixtureRequest, place: Place) -> Proxy:
    """A way to the shared server of a place that can be disturbed."""
    if place.name == "kafka":
        return _proxy(request.getfixturevalue("kafka_detour"))
    return Proxy(urlsplit(place.dsn).port or 0)


def shared(request: pytest.FixtureRequest, name: str) -> Place:
    """A backend on the server that all tests share."""
    if name == "local":
        dsn = f"local://{request.getfixturevalue('tmp_path')}/place"
        return Place("local", "microagent.tools.local:LocalBroker", dsn, 0.0, ())
    dsn = request.getfixturevalue(f"{'rabbitmq' if name in ('amqp', 'quorum') else name}_url")
    if name == "redis":
        return Place("redis", "microagent.tools.redis:RedisBroker", dsn, LEASE, (), {"lease": LEASE})
    if name in ("amqp", "quorum"):
        return Place(name, "microagent.tools.amqp:AMQPBroker", dsn, 0.0, (), QUORUM if name == "quorum" else {})
    request.getfixturevalue("real_kafka")
    options = {"lease": SESSION, "partitions": 4}
    return Place("kafka", "microagent.tools.kafka:KafkaBroker", dsn, SESSION, (), options)


PLACES = {"local": local, "redis": redis, "amqp": amqp, "quorum": quorum, "kafka": kafka}
