"""What handlers may do without harm to others, on every backend: raise anything, hang, block, stop their agent."""

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from contract.places import Place
from support import unique, until

from microagent import Delivery, MicroAgent, Queue, RemoteError, RetryPolicy, Signal, consumer, receiver
from microagent.execution import Deadlines

MANY = 10_000


class UnspeakableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("out of paper"),
    "UnspeakableError": UnspeakableError,
    "ExceptionGroup": lambda: ExceptionGroup("several", [ValueError("a"), KeyError("b")]),
    "BaseExceptionGroup": lambda: BaseExceptionGroup("several", [SystemExit(3), ValueError("a")]),
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": GeneratorExit,
    "CancelledError": lambda: asyncio.CancelledError("of its own"),
    "TimeoutError": TimeoutError,
    "StopAsyncIteration": StopAsyncIteration,
    "MemoryError": MemoryError,
    "RecursionError": lambda: RecursionError("too deep"),
}


def looped() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


UNSPEAKABLE: dict[str, Callable[[], Any]] = {
    "set": lambda: {1, 2},
    "nan": lambda: math.nan,
    "object": object,
    "bytes": lambda: b"bytes",
    "surrogate": lambda: "\ud800",
    "number as key": lambda: {1: 2},
    "itself": looped,
    "coroutine function": lambda: asyncio.sleep,
}


async def test_whatever_a_consumer_raises_takes_one_path(backend, queue_name):
    """Its message is tried again and then buried with the reason; the agent goes on with the next one."""
    queue = Queue(queue_name)
    runs: Counter[str] = Counter()

    class Raising(MicroAgent):
        @consumer(queue)
        async def handle(self, kind: str) -> None:
            runs[kind] += 1
            if kind in RAISED:
                raise RAISED[kind]()

    agent = await backend.consume(Raising)
    for kind in RAISED:
        await agent.broker[queue_name].send({"kind": kind})
    await until(partial(_are_dead, agent.broker, queue_name, len(RAISED)))
    letters = await agent.broker[queue_name].dead()
    assert sorted(letter.reason.partition(":")[0] for letter in letters) == sorted(RAISED)
    assert runs == dict.fromkeys(RAISED, 4)
    assert {letter.attempts for letter in letters} == {4}
    await agent.broker[queue_name].send({"kind": "none"})
    await until(lambda: runs["none"] == 1)


async def _are_dead(broker: Any, name: str, count: int) -> bool:
    return len(await broker.dead(name)) == count


async def test_whatever_a_receiver_raises_is_told_to_its_caller(backend, signal_name):
    """And the next call is answered."""
    signal = Signal(signal_name, ["kind"])

    class Raising(MicroAgent):
        @receiver(signal)
        async def reply(self, kind: str, **kwargs: Any) -> str:
            if kind in RAISED:
                raise RAISED[kind]()
            return kind

    await backend.listen(Raising)
    bus = backend.bus()
    for kind in RAISED:
        with pytest.raises(RemoteError, match=kind):
            await bus[signal_name].call("x", kind=kind)
    assert await bus[signal_name].call("x", kind="none") == {"Raising.reply": "none"}


async def test_answers_that_json_cannot_say_are_told_to_the_caller(backend, signal_name):
    """Each at once, and the next call is answered."""
    signal = Signal(signal_name, ["kind"])

    class Answering(MicroAgent):
        @receiver(signal)
        async def reply(self, kind: str, **kwargs: Any) -> Any:
            return UNSPEAKABLE[kind]() if kind in UNSPEAKABLE else kind

    await backend.listen(Answering)
    bus = backend.bus()
    for kind in UNSPEAKABLE:
        with pytest.raises(RemoteError, match="SerializingError"):
            await bus[signal_name].call("x", kind=kind)
    assert await bus[signal_name].call("x", kind="text") == {"Answering.reply": "text"}


async def test_what_a_consumer_returns_is_nobodys_business(backend, queue_name):
    """Whatever it is, the message is done."""
    queue = Queue(queue_name)
    runs: Counter[str] = Counter()

    class Returning(MicroAgent):
        @consumer(queue)
        async def handle(self, kind: str) -> Any:
            runs[kind] += 1
            return UNSPEAKABLE[kind]()

    agent = await backend.consume(Returning)
    for kind in UNSPEAKABLE:
        await agent.broker[queue_name].send({"kind": kind})
    await until(lambda: len(runs) == len(UNSPEAKABLE))
    await until(lambda: agent.broker._workers[queue_name].held == 0)
    assert runs == dict.fromkeys(UNSPEAKABLE, 1)
    assert await agent.broker[queue_name].length() == 0
    assert await agent.broker[queue_name].dead() == []


async def wedged_until(gate: asyncio.Event) -> None:
    """Swallow every cancellation."""
    while not gate.is_set():
        try:
            await gate.wait()
        except asyncio.CancelledError:
            continue


async def test_consumer_that_swallows_its_cancellation_loses_its_place(backend, queue_name, monkeypatch, caplog):
    """After timeout and grace its message goes the way of a failed one, and its place is free for the next."""
    monkeypatch.setattr("microagent.consuming.Deadlines", partial(Deadlines, grace=0.05))
    queue = Queue(queue_name)
    gate, done = asyncio.Event(), asyncio.Event()

    class Wedged(MicroAgent):
        @consumer(queue, concurrency=1, timeout=0.05, retry=RetryPolicy(retries=0))
        async def handle(self, good: bool) -> None:
            if good:
                done.set()
            else:
                await wedged_until(gate)

    agent = await backend.consume(Wedged)
    await agent.broker[queue_name].send({"good": False})
    await agent.broker[queue_name].send({"good": True})
    await asyncio.wait_for(done.wait(), 20)
    await until(agent.broker[queue_name].dead)
    (letter,) = await agent.broker[queue_name].dead()
    assert letter.reason.startswith("TimeoutError")
    assert caplog.text.count("Wedged.handle ignores its cancellation and is left behind") == 1
    gate.set()


async def test_receiver_that_swallows_its_cancellation_is_told_to_its_caller(backend, signal_name, monkeypatch):
    """After timeout and grace; the next call is answered."""
    monkeypatch.setattr("microagent.dispatch.Deadlines", partial(Deadlines, grace=0.05))
    signal = Signal(signal_name, ["good"])
    gate = asyncio.Event()

    class Wedged(MicroAgent):
        @receiver(signal, timeout=0.05)
        async def reply(self, good: bool, **kwargs: Any) -> bool:
            if not good:
                await wedged_until(gate)
            return good

    await backend.listen(Wedged)
    bus = backend.bus()
    with pytest.raises(RemoteError, match="TimeoutError"):
        await bus[signal_name].call("x", good=False)
    assert await bus[signal_name].call("x", good=True) == {"Wedged.reply": True}
    gate.set()


@pytest.mark.needs("loops of their own")
async def test_handler_that_blocks_its_loop_beyond_the_lease(backend, queue_name):
    """Somebody else gets its message, and its own verdict, which comes late, changes nothing for them."""
    queue = Queue(queue_name)
    runs: list[str] = []
    taken_over = threading.Event()
    late = threading.Event()

    class Blocking(MicroAgent):
        @consumer(queue, concurrency=1)
        async def handle(self) -> None:
            runs.append("blocking")
            if runs.count("blocking") == 1:
                assert taken_over.wait(30)

    class Other(MicroAgent):
        @consumer(queue, concurrency=1)
        async def handle(self, delivery: Delivery) -> None:
            runs.append("other")
            taken_over.set()
            if runs.count("other") == 1:
                await until(late.is_set)  # the verdict of the first has been sent
                raise ValueError("comes again, if the late verdict has not taken it away")

    blocking = threading.Thread(target=asyncio.run, args=(_blocked(backend, Blocking, runs, late),))
    blocking.start()
    try:
        await until(lambda: runs == ["blocking"])
        broker = backend.broker(**backend.impatient)
        await backend.start(Other(broker=broker))
        await until(lambda: len(runs) == 3, patience=40)
        await asyncio.to_thread(blocking.join)
        await until(lambda: broker._workers[queue_name].held == 0)
        assert runs[:2] == ["blocking", "other"]
        assert await broker[queue_name].length() == 0
        assert await broker[queue_name].dead() == []
    finally:
        taken_over.set()
        late.set()
        await asyncio.to_thread(blocking.join)


async def _blocked(place: Place, cls: type[MicroAgent], runs: list[str], late: threading.Event) -> None:
    """On a loop of its own: until its handler has ended, and the server has been told so."""
    broker = place.make_broker(**place.impatient)
    agent = cls(broker=broker)
    await agent.start()
    ((name, worker),) = broker._workers.items()
    await broker[name].send({})
    await until(lambda: runs, patience=40)
    await until(lambda: not worker.held, patience=40)
    late.set()
    await agent.stop(timeout=1)


async def test_consumer_that_stops_its_agent(backend, queue_name):
    """It goes on, and the agent has stopped when it has ended; its message is done, the next one still there."""
    queue = Queue(queue_name)
    notes: list[str] = []

    class Resigning(MicroAgent):
        @consumer(queue, concurrency=1, prefetch=1)
        async def resign(self, number: int) -> None:
            notes.append(f"resigns at {number}")
            await self.stop()
            notes.append("goes on")

    broker = backend.broker()
    for number in range(2):
        await broker[queue_name].send({"number": number})
    agent = await backend.consume(Resigning)
    await until(lambda: not agent.info()["started"])
    assert notes == ["resigns at 0", "goes on"]
    await until(partial(_waits, broker, queue_name, 1))


async def test_receiver_that_stops_its_agent(backend, signal_name):
    """Its caller gets the answer."""
    signal = Signal(signal_name)

    class Resigning(MicroAgent):
        @receiver(signal)
        async def resign(self, **kwargs: Any) -> str:
            await self.stop()
            return "resigned"

    agent = await backend.listen(Resigning)
    assert await backend.bus()[signal_name].call("x") == {"Resigning.resign": "resigned"}
    await until(lambda: not agent.info()["started"])


async def test_handler_that_sends_ten_thousand_messages(backend, queue_name):
    """All of them are there when it ends."""
    queue, other = Queue(queue_name), Queue(unique("queue"))
    done = asyncio.Event()

    class Sending(MicroAgent):
        @consumer(queue)
        async def handle(self) -> None:
            await asyncio.gather(*(self.broker[other.name].send({"number": number}) for number in range(MANY)))
            done.set()

    agent = await backend.consume(Sending)
    await agent.broker[queue_name].send({})
    await asyncio.wait_for(done.wait(), 60)
    await until(partial(_waits, agent.broker, other.name, MANY))


async def _waits(broker: Any, name: str, count: int) -> bool:
    return await broker.queue_length(name) == count


async def test_handler_that_sends_ten_thousand_signals(backend, signal_name):
    """Nobody is hurt: they arrive, in order, and those that a slow reader cannot take are dropped."""
    first, second = Signal(signal_name), Signal(unique("signal"), ["number"])
    got: list[int] = []

    class Sending(MicroAgent):
        @receiver(first)
        async def send(self, **kwargs: Any) -> str:
            for first in range(0, MANY, 100):
                sendings = (self.bus[second.name].send("x", number=number) for number in range(first, first + 100))
                await asyncio.gather(*sendings)
            return "sent"

    class Hearing(MicroAgent):
        @receiver(second)
        async def hear(self, number: int, **kwargs: Any) -> None:
            got.append(number)

    await backend.listen(Sending)
    await backend.listen(Hearing)
    bus = backend.bus()
    assert await bus[signal_name].call("x") == {"Sending.send": "sent"}
    await bus[second.name].send("x", number=MANY)
    await until(lambda: got and got[-1] == MANY)
    assert got == sorted(got)
