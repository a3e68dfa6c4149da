"""``local://`` between real processes: what one of them suffers, the others do not."""

import asyncio
import hashlib
import os
import signal
import time
from collections import Counter

import pytest
from local_agents import Processes
from support import unique, until

from microagent import Queue, Signal
from microagent.tools.local import LocalBroker, LocalSignalBus

HANDLES = """
class Agent(MicroAgent):
    @consumer(queue)
    async def handle(self, number, delivery):
        say("handled", number, delivery.attempt, delivery.crashes)
"""

HANGS = """
class Agent(MicroAgent):
    @consumer(queue, prefetch=20)
    async def handle(self, number, delivery):
        if number >= 100:
            say("hangs", number)
            await asyncio.Event().wait()
        say("handled", number, delivery.attempt, delivery.crashes)
"""

ENDS_LATE = """
class Agent(MicroAgent):
    @consumer(queue, concurrency=2, prefetch=10)
    async def handle(self, number, delivery):
        say("begins", number)
        await stopping.wait()
        await asyncio.sleep(0.1)
        say("handled", number, delivery.attempt, delivery.crashes)
"""

IS_SHARED = """
class Agent(MicroAgent):
    @consumer(queue, concurrency=1, prefetch=1)
    async def handle(self, number, delivery):
        say("handled", number, delivery.attempt, delivery.crashes)
        await asyncio.sleep(0.005)
"""

ANSWERS = """
class Agent(MicroAgent):
    @receiver(event)
    async def answer(self, body, **_):
        return os.getpid()
"""

WEIGHS = """
class Agent(MicroAgent):
    @consumer(queue)
    async def message(self, body):
        say("message", hashlib.sha256(body.encode()).hexdigest())

    @receiver(event)
    async def signal(self, body, **_):
        say("signal", hashlib.sha256(body.encode()).hexdigest())
"""


@pytest.fixture
def dsn(tmp_path):
    return f"local://{tmp_path}/place"


@pytest.fixture
def name():
    return unique("local")


@pytest.fixture
async def start(tmp_path, dsn, name):
    """Starts an agent in a process of its own; returns when it is ready."""
    processes = Processes(tmp_path, dsn, name)
    yield processes
    await processes.end()


@pytest.fixture
async def queue(dsn, name):
    """The queue, as the process of the test sends to it."""
    Queue(name)
    async with LocalBroker(dsn) as broker:
        yield broker[name]


async def send(queue, count: int) -> None:
    await asyncio.gather(*(queue.send({"number": number}) for number in range(count)))


async def test_nothing_is_lost_by_a_kill(start, queue):
    """
    A consumer killed with -9 in its handlers takes no message with it: of 500 all are handled, those that it held
    within 2 seconds, and their crashed runs are counted.
    """
    victim = await start(HANGS)
    await send(queue, 500)
    await until(lambda: len(victim.said("hangs")) == 10)
    survivor = await start(HANDLES)
    await until(lambda: len(victim.numbers()) + len(survivor.numbers()) == 480)
    victim.process.kill()
    began = time.monotonic()
    await until(lambda: set(victim.numbers()) | set(survivor.numbers()) == set(range(500)))
    assert time.monotonic() - began < 2
    crashed = {int(number) for number, _, crashes in survivor.said("handled") if crashes == "1"}
    assert {int(number) for (number,) in victim.said("hangs")} <= crashed
    assert await queue.length() == 0


async def test_termination_lets_handlers_finish_and_hands_back_the_rest(start, queue):
    """After SIGTERM what runs is finished, and what waits comes elsewhere at once, with nothing counted."""
    leaving = await start(ENDS_LATE)
    await send(queue, 10)
    await until(lambda: len(leaving.said("begins")) == 2)
    staying = await start(HANDLES)
    leaving.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(leaving.process.wait, 20) == 0
    assert leaving.said("stopped")
    await until(lambda: len(leaving.numbers()) + len(staying.numbers()) == 10)
    assert len(leaving.numbers()) == 2
    assert Counter(leaving.numbers() + staying.numbers()) == Counter(range(10))
    assert {(attempt, crashes) for _, attempt, crashes in staying.said("handled")} == {("1", "0")}


async def test_two_consumers_share_a_queue(start, queue):
    """Each message goes to one of them, and both get some."""
    first, second = await start(IS_SHARED), await start(IS_SHARED)
    await send(queue, 100)
    await until(lambda: len(first.numbers()) + len(second.numbers()) == 100)
    assert Counter(first.numbers() + second.numbers()) == Counter(range(100))
    assert first.numbers()
    assert second.numbers()


async def test_call_is_answered_by_each_process(start, dsn, name):
    """Two processes give two replies, and the caller learns that there are two."""
    answering = [await start(ANSWERS), await start(ANSWERS)]
    Signal(name, ["body"])
    async with LocalSignalBus(dsn) as bus, bus[name].waiter("test", timeout=20, body="") as replies:
        assert replies.receivers == 2
        answers = [await anext(replies), await anext(replies)]
    assert {answer["Agent.answer"] for answer in answers} == {each.process.pid for each in answering}


async def test_five_megabytes_arrive(start, queue, dsn, name):
    """A message and a signal of 5 MB come as they were sent."""
    weighing = await start(WEIGHS)
    body = os.urandom(2_500_000).hex()
    weight = hashlib.sha256(body.encode()).hexdigest()
    await queue.send({"body": body})
    Signal(name, ["body"])
    async with LocalSignalBus(dsn) as bus:
        await bus[name].send("test", body=body)
    await until(lambda: weighing.said("message") and weighing.said("signal"))
    assert weighing.said("message") == weighing.said("signal") == [[weight]]
