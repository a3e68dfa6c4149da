"""What is promised of calls, on every backend with signals: each ends, with its own answer or a reason."""

import asyncio
import gc
import logging
import random
from typing import Any

import pytest
from redis.asyncio import Redis
from support import unique, until

from microagent import AbstractSignalBus, MicroAgent, RemoteError, Signal, receiver
from microagent.calls import Waiter
from microagent.channel import Channel
from microagent.tools.redis import RedisSignalBus

MANY = 10_000
LATE = 0.5  # seconds that a TimeoutError may be late
NO_REPLIES = [b"", b"[]", b"null", b"NaN", b"{", b"\xff", b"[" * 100_000, b'{"#errors": 1}', b'{"#errors": []}']


def echo(signal: Signal, least: float = 0.0, most: float = 0.0) -> type[MicroAgent]:
    """An agent class that answers calls with their number, after a random time in seconds."""

    class Echo(MicroAgent):
        @receiver(signal)
        async def reply(self, number: int, **kwargs: Any) -> int:
            await asyncio.sleep(random.uniform(least, most))
            return number

    return Echo


def deaf(signal: Signal) -> type[MicroAgent]:
    """An agent class that never answers."""

    class Deaf(MicroAgent):
        @receiver(signal)
        async def ignore(self, **kwargs: Any) -> None:
            await asyncio.Event().wait()

    return Deaf


def forge(bus: AbstractSignalBus, replier: str, request_id: str, body: bytes) -> Any:
    """Send a reply as ``replier`` would."""
    return bus.send(str(Channel(bus.prefix, "response", replier, request_id)), body)


async def test_thousand_calls_at_once_get_their_own_answers(backend, signal_name):
    """However their replies are shuffled."""
    signal = Signal(signal_name, ["number"])
    await backend.listen(echo(signal, most=0.02))
    await backend.listen(echo(signal, most=0.02))
    bus = backend.bus()
    answers = await asyncio.gather(*(bus[signal_name].call("x", number=number) for number in range(1000)))
    assert [answer["Echo.reply"] for answer in answers] == list(range(1000))


async def test_call_that_nobody_answers_ends_in_time(backend, signal_name):
    """``TimeoutError`` comes when it is due, at most half a second late."""
    await backend.listen(deaf(Signal(signal_name)))
    bus, loop = backend.bus(), asyncio.get_running_loop()
    lateness = []
    for _ in range(3):  # a busy machine delays one of them, and not all
        start = loop.time()
        with pytest.raises(TimeoutError, match=f"no answer to signal '{signal_name}' within 0.1 s"):
            await bus[signal_name].call("x", timeout=0.1)
        lateness.append(loop.time() - start - 0.1)
    assert 0 <= min(lateness) < LATE


async def test_replies_that_make_no_sense_are_dropped(backend, signal_name, caplog):
    """Each is one line of the log; the call goes on waiting, and gets the first one that does."""
    await backend.listen(deaf(Signal(signal_name)))
    caller, forger = backend.bus(uid="caller"), backend.bus()
    call = asyncio.create_task(caller[signal_name].call("x"))
    await until(lambda: len(caller._calls) == 1)
    for body in NO_REPLIES:
        await forge(forger, "forger", "caller.1~2", body)
    await forge(forger, "forger", "caller.1~2", b'{"Somebody.reply": 7}')
    assert await call == {"Somebody.reply": 7}
    lines = [record.getMessage() for record in caplog.records if "reply that makes no sense" in record.getMessage()]
    assert len(lines) == len(NO_REPLIES)


async def test_replies_to_nobody_are_dropped(backend, signal_name, caplog):
    """Late ones, those to another caller, to no call at all and to none of ours; not even a line is written."""
    signal = Signal(signal_name, ["number"])
    gate = asyncio.Event()

    class Slow(MicroAgent):
        @receiver(signal)
        async def reply(self, number: int, **kwargs: Any) -> int:
            if number == 0:
                await gate.wait()
            return number

    await backend.listen(Slow)
    caller, forger = backend.bus(uid="caller"), backend.bus()
    with pytest.raises(TimeoutError):
        await caller[signal_name].call("x", number=0, timeout=0.05)
    with caplog.at_level(logging.DEBUG, "microagent"):
        for request_id in ("caller.1~2", "caller.98~2", "caller.999~2", "other.1~2", "caller.", ""):
            await forge(forger, "forger", request_id, b'{"Slow.reply": "forged"}')
        gate.set()
        assert await caller[signal_name].call("x", number=7) == {"Slow.reply": 7}
    assert [record for record in caplog.records if record.name.startswith("microagent")] == []


async def test_doubled_replies_are_dropped(backend, signal_name):
    """Of each process, a waiter gives one reply."""
    await backend.listen(deaf(Signal(signal_name)))
    caller, forger = backend.bus(uid="caller"), backend.bus()
    async with caller[signal_name].waiter("x", timeout=20) as replies:
        for replier in ("one", "one", "two", "two", "one", "last"):
            await forge(forger, replier, "caller.1~2", b'{"Somebody.reply": "%s"}' % replier.encode())
        heard = []
        async for reply in replies:
            heard.append(reply["Somebody.reply"])
            if heard[-1] == "last":
                break
    assert heard == ["one", "two", "last"]


async def test_errors_of_a_reply_cannot_forge_a_line(backend, signal_name):
    """What another process says of its failure is one line of the error, and cut."""
    await backend.listen(deaf(Signal(signal_name)))
    caller, forger = backend.bus(uid="caller"), backend.bus()
    call = asyncio.create_task(caller[signal_name].call("x"))
    await until(lambda: len(caller._calls) == 1)
    await forge(forger, "forger", "caller.1~2", b'{"#errors": {"A\\nb": "x\\u001b[31m\\u2028\\r%s"}}' % (b"x" * 10_000))
    with pytest.raises(RemoteError) as caught:
        await call
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 2_200


async def test_call_that_cannot_be_read_is_told_to_its_caller(backend, signal_name):
    """As one that does not fit a strict receiver: nobody waits for what never comes."""
    signal = Signal(signal_name, {"number": "integer"})
    await backend.listen(echo(signal), validate="strict")
    bus = backend.bus(validate="off")
    with pytest.raises(RemoteError, match=r"Echo\.reply: SignalSerializingError.*number"):
        await bus[signal_name].call("x", number="7")
    async with bus.call(f"{bus.prefix}:{signal_name}:x", b"\xff", timeout=20) as replies:
        reply = await replies.next_reply()
    assert reply is not None
    assert reply.errors["Echo.reply"].startswith("SignalSerializingError")


async def test_caller_that_is_cancelled_leaves_nothing(backend, signal_name):
    """At whatever moment; the next call is answered."""
    signal = Signal(signal_name, ["number"])
    await backend.listen(echo(signal, most=0.005))
    bus = backend.bus()
    await bus[signal_name].call("x", number=0)
    for number in range(200):
        call = asyncio.create_task(bus[signal_name].call("x", number=number))
        for _ in range(number % 20):
            await asyncio.sleep(0)
        if number % 2:
            await asyncio.sleep(0.0001 * number)
        call.cancel()
        await asyncio.wait([call])
    assert len(bus._calls) == 0
    assert await bus[signal_name].call("x", number=7) == {"Echo.reply": 7}


async def test_handlers_call_back_while_all_places_are_taken(backend):
    """More than run at once, each of which calls somebody who calls back: replies pass by the bounds."""
    first, second, third = (Signal(unique("signal"), ["number"]) for _ in range(3))

    class Asking(MicroAgent):
        @receiver(first)
        async def begin(self, number: int, **kwargs: Any) -> int:
            answer = await self.bus[second.name].call("asking", number=number)
            return answer["Answering.go_on"]

        @receiver(third)
        async def detail(self, number: int, **kwargs: Any) -> int:
            return number + 1

    class Answering(MicroAgent):
        @receiver(second)
        async def go_on(self, number: int, **kwargs: Any) -> int:
            answer = await self.bus[third.name].call("answering", number=number)
            return answer["Asking.detail"]

    await backend.listen(Asking)
    await backend.listen(Answering)
    bus = backend.bus()
    answers = await asyncio.gather(*(bus[first.name].call("x", number=number) for number in range(250)))
    assert [answer["Asking.begin"] for answer in answers] == list(range(1, 251))


def running_timers() -> int:
    """Timers of the loop that have not been cancelled."""
    loop: Any = asyncio.get_running_loop()
    return sum(not handle.cancelled() for handle in loop._scheduled)


async def test_nothing_is_left_of_ten_thousand_calls(backend, signal_name):
    """No task, timer or waiting call in the process; no key, file, subscription or connection more on the server."""
    signal = Signal(signal_name, ["number"])
    await backend.listen(echo(signal))
    bus = backend.bus()
    await bus[signal_name].call("x", number=0)
    await until(lambda: len(asyncio.all_tasks()) <= 5)
    tasks, timers = len(asyncio.all_tasks()), running_timers()
    traces = await backend.traces() if backend.traces else None
    for _ in range(MANY // 500):
        await asyncio.gather(*(bus[signal_name].call("x", number=number) for number in range(500)))
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    gc.collect()
    assert len(bus._calls) == len(bus._outbox) == 0
    assert running_timers() <= timers
    assert not [found for found in gc.get_objects() if isinstance(found, Waiter)]
    if backend.traces:
        assert await backend.traces() == traces


async def test_server_that_cuts_the_connections_in_between(redis_url, signal_name):
    """The call is answered or times out, nothing is left of it, and the next one is answered, on Redis."""
    prefix, gate, asked = unique("PREFIX"), asyncio.Event(), asyncio.Event()
    signal = Signal(signal_name)

    class Slow(MicroAgent):
        @receiver(signal)
        async def reply(self, **kwargs: Any) -> str:
            asked.set()
            await gate.wait()
            return "answered"

    agent = Slow(bus=RedisSignalBus(redis_url, prefix=prefix))
    await agent.start()
    async with RedisSignalBus(redis_url, prefix=prefix) as bus, Redis.from_url(redis_url) as client:
        call = asyncio.create_task(bus[signal_name].call("x", timeout=2))
        await asked.wait()
        await client.client_kill_filter(_type="pubsub")
        await client.client_kill_filter(_type="normal", skipme=True)
        gate.set()
        await asyncio.wait([call])
        assert isinstance(call.exception(), TimeoutError) or call.result() == {"Slow.reply": "answered"}
        await until(lambda: agent.info()["healthy"])
        await until(bus._is_healthy)
        assert await bus[signal_name].call("x", timeout=20) == {"Slow.reply": "answered"}
        assert len(bus._calls) == 0
    await agent.stop()
