"""Redis that comes late, goes away, is killed, refuses or falls silent: what agents on it live through."""

import asyncio
import contextlib
import os
import signal
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis
from servers.redis import RedisServer
from support import LIVE_AGAIN, OUTAGES, unique, until

from microagent import (
    AuthError,
    BackendConnectionError,
    BackendError,
    MicroAgent,
    NoReceivers,
    Queue,
    Signal,
    consumer,
    receiver,
)
from microagent.tools.redis import RedisBroker, RedisSignalBus


@pytest.fixture
async def admin(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """An operator's own connection."""
    async with Redis.from_url(redis_server.url) as client:
        yield client


class Pair:
    """An agent that listens and consumes, and the ends that send to it."""

    def __init__(self, url: str) -> None:
        self.signal, self.queue = Signal(unique("signal"), ["number"]), Queue(unique("queue"))
        self.heard: list[int] = []
        self.consumed: list[int] = []
        self.bus, self.broker = RedisSignalBus(url), RedisBroker(url)
        pair = self

        class Listening(MicroAgent):
            @receiver(self.signal)
            async def hear(self, number: int, **_: Any) -> int:
                pair.heard.append(number)
                return number

            @consumer(self.queue)
            async def consume(self, number: int) -> None:
                pair.consumed.append(number)

        self.agent = Listening(bus=RedisSignalBus(url), broker=RedisBroker(url))

    async def works(self, number: int) -> None:
        """A call is answered, and a message consumed."""
        assert await self.bus[self.signal.name].call("test", number=number) == {"Listening.hear": number}
        await self.broker[self.queue.name].send({"number": number})
        await until(lambda: number in self.consumed)

    async def answers(self) -> bool:
        """Whether the subscription is live."""
        with contextlib.suppress(NoReceivers, TimeoutError, BackendConnectionError):
            return bool(await self.bus[self.signal.name].call("test", timeout=1, number=0))
        return False


@pytest.fixture
async def pair(redis_server: RedisServer) -> AsyncIterator[Pair]:
    pair = Pair(redis_server.url)
    yield pair
    await pair.agent.stop(timeout=0)
    await pair.bus.close()
    await pair.broker.close()


async def test_start_waits_for_a_server_that_is_not_there_yet(redis_server, pair):
    """``start`` returns as soon as the server is there, and everything works then."""
    redis_server.stop()
    starting = asyncio.create_task(pair.agent.start())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(starting), 0.5)
    redis_server.start()
    await asyncio.wait_for(starting, LIVE_AGAIN)
    await pair.works(1)


@pytest.mark.parametrize("end", ["restart", "kill"])
async def test_everything_is_live_soon_after_the_server_is_back(redis_server, pair, end):
    """Subscriptions and consumers live again within 5 s, and nothing that was sent is lost."""
    await pair.agent.start()
    await pair.works(1)
    if end == "kill":
        redis_server.kill()
    else:
        redis_server.stop()
    sending = asyncio.create_task(pair.broker[pair.queue.name].send({"number": 2}))
    await asyncio.sleep(0.3)
    redis_server.start()
    await until(pair.answers, LIVE_AGAIN)
    await sending
    await pair.works(3)
    await until(lambda: set(pair.consumed) == {1, 2, 3})


@pytest.mark.parametrize("seconds", OUTAGES)
async def test_agent_works_again_soon_after_an_outage(redis_server, pair, seconds):
    """However long it lasts, everything is live again within 5 s of its end; those who only send know of both."""
    await pair.agent.start()
    await pair.works(0)
    idle = (pair.bus, pair.broker)
    redis_server.stop()
    await until(lambda: not any(end._is_connected() for end in idle))
    await asyncio.sleep(seconds)
    redis_server.start()
    async with asyncio.timeout(LIVE_AGAIN):
        await until(lambda: all(end._is_connected() for end in idle))
        await until(pair.answers)
        await pair.works(1)


async def test_send_gives_up_on_a_server_that_stays_away(redis_server):
    """After ``send_timeout`` seconds ``send`` raises, for signals and for messages."""
    queue, declared = Queue(unique("queue")), Signal(unique("signal"), [])
    redis_server.stop()
    async with contextlib.AsyncExitStack() as ends:
        broker, bus = (
            RedisBroker(redis_server.url, send_timeout=0.3),
            RedisSignalBus(redis_server.url, send_timeout=0.3),
        )
        ends.push_async_callback(broker.close)
        ends.push_async_callback(bus.close)
        with pytest.raises(BackendConnectionError, match="no connection in time"):
            await broker[queue.name].send({})
        with pytest.raises(BackendConnectionError, match="no connection in time"):
            await bus[declared.name].send("test")


async def test_killed_clients_come_back(admin, pair):
    """An operator who kills all connections interrupts nothing for long."""
    await pair.agent.start()
    await pair.works(1)
    for kind in ("pubsub", "normal"):
        await admin.execute_command("CLIENT", "KILL", "TYPE", kind)
    await until(pair.answers, LIVE_AGAIN)
    await pair.works(2)


async def test_scripts_that_the_server_forgot_are_sent_again(admin, pair):
    """SCRIPT FLUSH changes nothing."""
    await pair.agent.start()
    await pair.works(1)
    await admin.script_flush()
    await pair.works(2)


async def test_signals_of_a_server_that_was_frozen_arrive(redis_server, pair):
    """A server that answers nothing for a while is waited for."""
    await pair.agent.start()
    await pair.works(1)
    process = redis_server.pid
    os.kill(process, signal.SIGSTOP)
    try:
        sending = asyncio.create_task(pair.bus[pair.signal.name].send("test", number=2))
        await asyncio.sleep(3)
    finally:
        os.kill(process, signal.SIGCONT)
    await sending
    await until(lambda: 2 in pair.heard, LIVE_AGAIN)


async def test_consuming_goes_on_when_the_memory_is_full(admin, pair):
    """A server without memory refuses what is sent, with one error that says so; what it has is consumed."""
    for number in range(20):
        await pair.broker[pair.queue.name].send({"number": number})
    await admin.config_set("maxmemory", "1")
    with pytest.raises(BackendError, match="maxmemory"):
        await pair.broker[pair.queue.name].send({"number": 99})
    await pair.agent.start()
    await until(lambda: sorted(pair.consumed) == list(range(20)))
    await until(lambda: pair.agent.broker._workers[pair.queue.name].held == 0)
    assert await pair.broker[pair.queue.name].length() == 0


@pytest.mark.parametrize("dsn", ["redis://:Xyzzy@127.0.0.1:{port}/0", "redis://127.0.0.1:{port}/0"])
async def test_wrong_password_is_one_error(redis_program, tmp_path, dsn):
    """A wrong or missing password is an AuthError within 5 s; it names the server, and not the password."""
    queue, declared = Queue(unique("queue")), Signal(unique("signal"), [])
    with RedisServer(tmp_path / "locked", redis_program, "--requirepass", "right") as server:
        url = dsn.format(port=server.port)
        for end, send in (
            (broker := RedisBroker(url), lambda: broker[queue.name].send({})),
            (bus := RedisSignalBus(url), lambda: bus[declared.name].send("test")),
        ):
            with pytest.raises(AuthError, match="refuses us") as raised:
                await asyncio.wait_for(send(), 5)
            assert str(raised.value).startswith(f"{end!r}: ")
            await end.close()
            assert "Xyzzy" not in "".join(traceback.format_exception(raised.value))


async def test_user_without_rights_is_told_at_the_start(admin, redis_server):
    """An ACL that does not let a consumer work makes its start fail, with one error."""
    queue = Queue(unique("queue"))

    class Consuming(MicroAgent):
        @consumer(queue)
        async def consume(self) -> None:
            """Never comes to it."""

    await admin.acl_setuser("guest", enabled=True, passwords=["+Xyzzy"], keys=["other*"], commands=["+@all"])
    broker = RedisBroker(f"redis://guest:Xyzzy@127.0.0.1:{redis_server.port}/0")
    with pytest.raises(AuthError, match="refuses us") as raised:
        await asyncio.wait_for(Consuming(broker=broker).start(), 5)
    assert "Xyzzy" not in "".join(traceback.format_exception(raised.value))
    await broker.close()


async def test_stop_leaves_no_connection(admin, pair):
    """After ``stop`` and ``close`` the server's list of clients holds the operator's alone."""
    await pair.agent.start()
    await pair.works(1)
    assert len(await admin.client_list()) > 1
    await pair.agent.stop()
    await pair.bus.close()
    await pair.broker.close()
    await until(lambda: _alone(admin))


async def _alone(admin: Redis) -> bool:
    return len(await admin.client_list()) == 1


async def test_messages_do_not_cost_connections(admin, pair):
    """However many messages and signals pass, idle times between them included, no connection is made for one."""
    await pair.agent.start()
    await pair.works(0)
    before = (await admin.info("stats"))["total_connections_received"]
    for number in range(1, 30):
        await pair.works(number)
    assert (await admin.info("stats"))["total_connections_received"] == before
