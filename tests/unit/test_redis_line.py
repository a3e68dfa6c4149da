"""One connection to Redis: what it says when the server does not do as it should."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from support import unique, until

from microagent import AuthError, BackendConnectionError, BackendError, MicroAgent, Queue, Signal, receiver
from microagent.tools.redis import RedisBroker, RedisSignalBus
from microagent.tools.redis import line as line_module
from microagent.tools.redis import subscription as subscription_module
from microagent.tools.redis.faults import Unanswered
from microagent.tools.redis.line import Line
from microagent.tools.redis.servers import servers_of
from microagent.tools.redis.subscription import Subscription

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Impostor:
    """A server that does as it is told; ``heard`` is all that came."""

    def __init__(self, answer: Answer) -> None:
        self.heard = b""
        self.lines: list[asyncio.StreamWriter] = []
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                self.heard += data
                await self._answer(data, writer)
        writer.close()

    async def close(self) -> None:
        for writer in self.lines:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def polite(data: bytes, writer: asyncio.StreamWriter) -> None:
    """Says OK to everything."""
    writer.write(b"+OK\r\n" * data.count(b"*"))


async def hangs_up_on_messages(data: bytes, writer: asyncio.StreamWriter) -> None:
    """Lets everybody in, and closes the connection at the first message or signal."""
    if b"RPUSH" in data or b"PUBLISH" in data:
        writer.close()
    else:
        await polite(data, writer)


async def says_nothing_to_messages(data: bytes, writer: asyncio.StreamWriter) -> None:
    if b"RPUSH" not in data:
        await polite(data, writer)


@asynccontextmanager
async def impostor(answer: Answer) -> AsyncIterator[tuple[Impostor, str]]:
    """It, and its DSN."""
    server = Impostor(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    try:
        yield server, f"redis://127.0.0.1:{port}/0"
    finally:
        listener.close()
        await server.close()


async def test_server_that_is_loading_is_waited_for():
    """What it says then is no answer: messages and signals are sent when it has loaded."""
    refusals = [b"-LOADING Redis is loading the dataset in memory\r\n"] * 3

    async def loads(data: bytes, writer: asyncio.StreamWriter) -> None:
        if refusals and (b"RPUSH" in data or b"PUBLISH" in data or b"PING" in data):
            writer.write(refusals.pop())
        elif b"PUBLISH" in data or b"RPUSH" in data:
            writer.write(b":1\r\n" * data.count(b"PUSH" if b"RPUSH" in data else b"PUBLISH"))
        else:
            await polite(data, writer)

    queue, signal = Queue(unique("queue")), Signal(unique("signal"), [])
    async with impostor(loads) as (_, dsn), RedisBroker(dsn) as broker, RedisSignalBus(dsn) as bus:
        await broker[queue.name].send({})
        refusals.append(b"-LOADING Redis is loading the dataset in memory\r\n")
        await broker[queue.name].send({})
        refusals.append(b"-LOADING Redis is loading the dataset in memory\r\n")
        await bus[signal.name].send("test")
    assert refusals == []


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[Line]:
    servers = servers_of(redis_url)
    line = servers.line(servers.address(""))
    yield line
    await line.drop()


async def test_answers_come_in_order_errors_in_their_places(line):
    """One command that is refused takes none of the others with it."""
    key = unique("key")
    answers = await line.ask(("RPUSH", key, "a"), ("INCR", key), ("LLEN", key), ("NONSENSE",), ("DEL", key))
    assert [answer for answer in answers if not isinstance(answer, BackendError)] == [1, 1, 1]
    assert [isinstance(answer, BackendError) for answer in answers] == [False, True, False, True, False]


async def test_many_may_ask_at_once(line):
    """Each gets its own answer."""
    answers = await asyncio.gather(*(line.ask(("ECHO", str(number))) for number in range(50)))
    assert answers == [[str(number).encode()] for number in range(50)]


async def test_question_that_is_cancelled_does_not_confuse_the_next(line, redis_url):
    """Its answer is never taken for another one."""
    asking = asyncio.create_task(line.ask(("BLPOP", unique("key"), 0.2)))
    await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.wait([asking])
    assert await line.ask(("ECHO", "mine")) == [b"mine"]


async def test_connection_that_was_closed_while_the_loop_stood_still_is_opened_again(line, redis_url):
    """Its end has come and was not read yet: nothing is written to it, whether somebody waits for an answer or not."""
    (number,) = await line.ask(("CLIENT", "ID"))
    for _ in range(2):
        with SyncRedis.from_url(redis_url) as other:
            other.client_kill_filter(_id=number)
        assert not line.begin([("PUBLISH", "nobody", "")], lambda answers: None)
        (next_number,) = await line.ask(("CLIENT", "ID"))
        assert next_number != number
        number = next_number


async def test_connection_that_was_closed_meanwhile_is_opened_again(line, redis_url):
    """Nothing is written to the old one."""
    (number,) = await line.ask(("CLIENT", "ID"))
    async with Redis.from_url(redis_url) as other:
        await other.execute_command("CLIENT", "KILL", "ID", number)
    await until(line.has_more)
    (again,) = await line.ask(("CLIENT", "ID"))
    assert again != number


async def test_what_was_written_is_never_written_again():
    """A connection lost after that leaves it open whether the server has the message: ``send`` says so, once."""
    queue, signal = Queue(unique("queue")), Signal(unique("signal"), [])
    async with impostor(hangs_up_on_messages) as (server, dsn), RedisBroker(dsn) as broker, RedisSignalBus(dsn) as bus:
        with pytest.raises(Unanswered, match="before the server answered"):
            await broker[queue.name].send({})
        with pytest.raises(Unanswered, match="before the server answered"):
            await bus[signal.name].send("test")
        assert server.heard.count(b"RPUSH") == server.heard.count(b"PUBLISH") == 1


async def test_server_that_does_not_answer_counts_as_away(monkeypatch):
    """After some seconds the sender is told."""
    monkeypatch.setattr(line_module, "ANSWER", 0.1)
    queue = Queue(unique("queue"))
    async with impostor(says_nothing_to_messages) as (server, dsn), RedisBroker(dsn) as broker:
        with pytest.raises(BackendConnectionError, match="before the server answered"):
            await broker[queue.name].send({})
        assert server.heard.count(b"RPUSH") == 1


async def test_server_that_lets_nobody_in_counts_as_away(monkeypatch):
    """A port that takes connections and says nothing is no server, and is tried again."""
    monkeypatch.setattr(line_module, "CONNECT", 0.05)

    async def silent(data: bytes, writer: asyncio.StreamWriter) -> None:
        """Nothing."""

    async with impostor(silent) as (server, dsn):
        broker = RedisBroker(dsn, send_timeout=0.5)
        with pytest.raises(BackendConnectionError, match="no connection in time"):
            await broker[Queue(unique("queue")).name].send({})
        assert len(server.lines) > 1
        await broker.close()


async def test_silent_subscription_asks_whether_the_server_is_there(monkeypatch):
    """A connection that nobody closed, and nobody answers on, is replaced."""
    monkeypatch.setattr(subscription_module, "QUIET", 0.05)
    monkeypatch.setattr(subscription_module, "ANSWER", 0.1)
    signal = Signal(unique("signal"), [])

    subscribed: set[asyncio.StreamWriter] = set()

    async def deaf(data: bytes, writer: asyncio.StreamWriter) -> None:
        if b"PSUBSCRIBE" in data:
            subscribed.add(writer)
            pattern = data.split(b"\r\n")[-2]
            writer.write(b"*3\r\n$10\r\npsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (len(pattern), pattern))
        elif writer not in subscribed:
            await polite(data, writer)

    async with impostor(deaf) as (server, dsn), RedisSignalBus(dsn) as bus:
        await bus.bind(signal.name)
        await until(lambda: server.heard.count(b"PSUBSCRIBE") >= 2)


async def test_reply_that_the_server_refuses_is_sent_when_it_can():
    """Nobody waits for it, and it is not forgotten."""
    refusals = [b"-LOADING Redis is loading the dataset in memory\r\n"]
    signal = Signal(unique("signal"), [])
    listening: list[asyncio.StreamWriter] = []
    call = f"PUBSUB:{signal.name}:test#uid.1~2".encode()

    async def answer(data: bytes, writer: asyncio.StreamWriter) -> None:
        if b"PSUBSCRIBE" in data:
            listening.append(writer)
            pattern = data.split(b"\r\n")[-2]
            writer.write(b"*3\r\n$10\r\npsubscribe\r\n$%d\r\n%b\r\n:1\r\n" % (len(pattern), pattern))
        elif b"PUBLISH" in data:
            writer.write(refusals.pop() if refusals else b":1\r\n")
        else:
            await polite(data, writer)

    class Echo(MicroAgent):
        @receiver(signal)
        async def echo(self, **_: Any) -> int:
            return 7

    async with impostor(answer) as (server, dsn):
        agent = Echo(bus=RedisSignalBus(dsn))
        await agent.start()
        pattern = f"PUBSUB:{signal.name}:*".encode()
        parts = (b"pmessage", pattern, call, b"{}")
        listening[0].write(b"*4\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
        await until(lambda: server.heard.count(b"PUBLISH") == 2)
        assert not refusals
        assert server.heard.count(b'{"Echo.echo":7}') == 2
        await agent.stop()


async def test_subscription_that_is_refused_is_told_to_who_wants_it():
    """Others are confirmed, each in its turn; what makes no sense is for nobody."""

    async def refuses_some(data: bytes, writer: asyncio.StreamWriter) -> None:
        if b"PSUBSCRIBE" in data:
            writer.write(b"+NONSENSE\r\n-NOPERM no\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\nb\r\n:1\r\n")
            writer.write(b"*4\r\n$8\r\npmessage\r\n$1\r\nb\r\n$1\r\nb\r\n$2\r\n{}\r\n")
        else:
            await polite(data, writer)

    heard: list[Any] = []
    async with impostor(refuses_some) as (_, dsn):
        servers = servers_of(dsn)
        subscription = Subscription(servers.line(servers.address("")), heard.extend)
        await subscription.open()
        orders = [subscription.subscribe(pattern) for pattern in ("a", "b")]
        refused, confirmed = await asyncio.gather(*orders, return_exceptions=True)
        assert isinstance(refused, AuthError)
        assert confirmed is None
        await until(lambda: heard)
        await subscription.close()
        with pytest.raises(BackendConnectionError):
            await subscription.ended()
    assert heard == [("b", b"{}")]
