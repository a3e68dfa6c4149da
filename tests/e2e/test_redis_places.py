"""Agents on Redis that is encrypted, on a socket, watched by Sentinels, or a cluster."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from servers import free_port
from servers.certificates import certificate
from servers.redis import RedisServer
from servers.redis_groups import clustered, watched
from support import settled, unique, until

from microagent import BackendConnectionError, CallError, MicroAgent, Queue, Signal, consumer, receiver
from microagent.backends import make_broker, make_bus
from microagent.delivery import Verdict


class Flow:
    """An agent with a receiver and a consumer, and ends of another process that send to it."""

    def __init__(self, dsn: str) -> None:
        self.signal, self.queue = Signal(unique("signal"), ["number"]), Queue(unique("queue"))
        bus, broker = {"dsn": dsn, "prefix": unique("PREFIX")}, {"dsn": dsn}
        self.bus, self.broker = make_bus(bus), make_broker(broker)
        self.got: set[int] = set()
        flow = self

        class Working(MicroAgent):
            @receiver(self.signal)
            async def answer(self, number: int, **_: Any) -> int:
                return number + 1

            @consumer(self.queue)
            async def take(self, number: int) -> None:
                flow.got.add(number)

        self.agent = Working(bus=make_bus(bus), broker=make_broker(broker))

    async def passes(self, number: int) -> None:
        """A call is answered and a message consumed."""
        assert await self.bus[self.signal.name].call("test", number=number) == {"Working.answer": number + 1}
        await self.broker[self.queue.name].send({"number": number})
        await until(lambda: number in self.got)

    async def answers(self) -> bool:
        with contextlib.suppress(CallError, TimeoutError, BackendConnectionError):
            return bool(await self.bus[self.signal.name].call("test", timeout=1, number=0))
        return False


@contextlib.asynccontextmanager
async def flowing(dsn: str) -> AsyncIterator[Flow]:
    """A flow through the servers at ``dsn``."""
    flow = Flow(dsn)
    try:
        await flow.agent.start()
        yield flow
    finally:
        await flow.agent.stop(timeout=0)
        await flow.bus.close()
        await flow.broker.close()


async def test_tls(tls_redis_program, tmp_path):
    """``rediss://`` encrypts, and trusts the authority that ``ssl_ca_certs`` names."""
    port, pem = free_port(), str(certificate(tmp_path))
    files = ("--tls-cert-file", pem, "--tls-key-file", pem, "--tls-ca-cert-file", pem, "--tls-auth-clients", "no")
    with RedisServer(tmp_path / "tls", tls_redis_program, "--tls-port", str(port), *files):
        async with flowing(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={pem}") as flow:
            await flow.passes(1)


async def test_unix_socket(redis_program, tmp_path):
    """``unix://`` and the path of the socket."""
    path = tmp_path / "redis.sock"
    with RedisServer(tmp_path / "redis", redis_program, "--unixsocket", str(path)):
        async with flowing(f"unix://{path}?db=1") as flow:
            await flow.passes(1)


async def test_sentinel_names_the_next_master(redis_program, tmp_path):
    """When the master is gone, everything goes on with the one that the Sentinels name then."""
    with watched(tmp_path, redis_program) as (sentinel, master):
        async with flowing(sentinel.url) as flow:
            await flow.passes(1)
            master.kill()
            await until(flow.answers, 40)
            await flow.passes(2)


async def test_cluster(redis_program, tmp_path):
    """Queues lie on all nodes, signals go through any; nobody knows how many have heard one."""
    with clustered(tmp_path, redis_program) as dsn:
        async with contextlib.AsyncExitStack() as flows:
            for number in range(6):
                flow = await flows.enter_async_context(flowing(dsn))
                await flow.passes(number)
            assert await flow.bus._publish([(f"{flow.bus.prefix}:{flow.signal.name}:test", b"{}")]) == [None]
            names = [Queue(unique("queue")).name for _ in range(20)]
            for name in names:
                await flow.broker.send(name, "{}")
            await asyncio.gather(*(flow.broker.send(name, "{}", delay=3600) for name in names))
            assert [await flow.broker.queue_length(name) for name in names] == [2] * 20
            for name in names[:6]:
                await _buried(flow.broker, name)
                assert await flow.broker[name].resend(*await flow.broker.dead(name)) == 1
                await _buried(flow.broker, name)
                assert await flow.broker[name].discard(*await flow.broker.dead(name)) == 1


async def _buried(broker: Any, name: str) -> None:
    (delivery,) = await broker._take(name, 1)
    await broker._settle([settled(delivery, Verdict.BURY, reason="no")])
