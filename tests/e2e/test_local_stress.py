"""``local://`` under stress: many processes, stopped ones, killed ones, a million messages."""

import asyncio
import json
import os
import signal
import statistics
import sys
import time
from collections import Counter

import pytest
from local_agents import Process, Processes
from support import settled, unique, until

from microagent import Queue, Signal
from microagent.delivery import Verdict
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.local.folder import Folder
from microagent.tools.local.lockholder import lock_holder
from microagent.tools.local.store import TURN, Store

MANY = 20
MILLION = 1_000_000

WORKS = """
class Agent(MicroAgent):
    @consumer(queue, concurrency=2, prefetch=5)
    async def handle(self, number, delivery):
        say("handled", number, delivery.attempt, delivery.crashes)

    @receiver(event)
    async def answer(self, body, **_):
        say("heard", body)
        return os.getpid()
"""

WAITS = """
class Agent(MicroAgent):
    @consumer(queue)
    async def handle(self, number, delivery):
        say("begins", number)
        await goes_on.wait()
        say("handled", number, delivery.attempt, delivery.crashes)

    @receiver(event)
    async def go_on(self, body, **_):
        if body == "go on":
            goes_on.set()

goes_on = asyncio.Event()
"""

SENDS = """
import asyncio, os, sys
from microagent.tools.local import LocalBroker

async def main():
    broker = LocalBroker(sys.argv[1], synchronous=sys.argv[3])
    for number in range(1_000_000):
        await broker.send(sys.argv[2], '{"number": %d}' % number)
        os.write(1, b"%d\\n" % number)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path):
    return f"{tmp_path}/place"


@pytest.fixture
def dsn(path):
    return f"local://{path}"


@pytest.fixture
def name():
    Queue(name := unique("stress"))
    Signal(name, ["body"])
    return name


@pytest.fixture
async def start(tmp_path, dsn, name):
    """Starts an agent in a process of its own; returns when it is ready."""
    processes = Processes(tmp_path, dsn, name)
    yield processes
    await processes.end()


@pytest.fixture
async def queue(dsn, name):
    """The queue, as the process of the test sends to it."""
    async with LocalBroker(dsn) as broker:
        yield broker[name]


@pytest.fixture
async def event(dsn, name):
    """The signal, as the process of the test sends it."""
    async with LocalSignalBus(dsn) as bus:
        yield bus[name]


async def send(queue, numbers) -> None:
    await asyncio.gather(*(queue.send({"number": number}) for number in numbers))


def handled(processes: list[Process]) -> Counter[int]:
    return Counter(number for each in processes for number in each.numbers())


def members(path: str, kind: str) -> list[str]:
    """The files of this kind that buses and brokers have."""
    return [name for name in os.listdir(path) if name.startswith(("bus-", "broker-")) and name.endswith(kind)]


async def test_twenty_processes_share_one_folder(start, queue, event):
    """Each message goes to one of them, each signal to all, and a call is answered by each."""
    processes = await asyncio.gather(*(start(WORKS) for _ in range(MANY)))
    await send(queue, range(1000))
    async with event.waiter("test", timeout=30, body="hello") as replies:
        assert replies.receivers == MANY
        answers = {(await anext(replies))["Agent.answer"] for _ in range(MANY)}
    assert answers == {each.process.pid for each in processes}
    await until(lambda: len(handled(processes)) == 1000)
    assert handled(processes) == Counter(range(1000))
    assert all(each.said("heard") == [["hello"]] for each in processes)
    assert await queue.length() == 0


async def test_what_killed_processes_leave_is_cleared_away(start, queue, event, path, dsn):
    """
    Of six processes four are killed at once while all are at work: no message is lost, nobody waits for the dead, and
    no socket or lock of theirs stays.
    """
    processes = await asyncio.gather(*(start(WORKS) for _ in range(6)))
    sending = asyncio.ensure_future(send(queue, range(1000)))
    await until(lambda: handled(processes))
    for each in processes[:4]:
        each.process.kill()
    await sending
    await until(lambda: set(handled(processes)) == set(range(1000)))
    async with event.waiter("test", timeout=30, body="hello") as replies:
        assert replies.receivers == 2
    async with LocalSignalBus(dsn), LocalBroker(dsn):  # newcomers clear away
        assert len(members(path, ".sock")) == len(members(path, ".lock")) == 2 * (2 + 2)
    assert await queue.length() == 0


async def test_stopped_process_hurts_nobody(start, event, caplog):
    """
    What a stopped process does not read is bounded and counted, the others hear everything in the meantime, and when it
    goes on it takes part again.
    """
    stopped, listening = await start(WORKS), await start(WORKS)
    stopped.process.send_signal(signal.SIGSTOP)
    count, body = 4000, "x" * 1000
    for _ in range(count // 100):
        await asyncio.gather(*(event.send("test", body=body) for _ in range(100)))
    await until(lambda: len(listening.said("heard")) == count)
    assert "signals dropped for processes that do not read" in caplog.text
    stopped.process.send_signal(signal.SIGCONT)
    await until(lambda: len(stopped.said("heard")) >= 1000)
    await event.send("test", body="again")
    await until(lambda: ["again"] in stopped.said("heard"))
    assert len(stopped.said("heard")) < count


async def stop(process: Process, path: str) -> None:
    """Stop it, but not in the middle of writing to the queues: there it would keep everybody else from writing."""
    folder = Folder.open(path)
    while True:
        process.process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitpid, process.process.pid, os.WUNTRACED)
        if str(process.process.pid) not in lock_holder(folder, TURN):
            return folder.close()
        process.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.01)


async def test_message_of_a_stopped_process_goes_to_another(start, queue, event, path):
    """When its lease is over; what the first one makes of it, once it goes on, does not count."""
    stopped = await start(WAITS, lease=0.5)
    await send(queue, [1])
    await until(lambda: stopped.said("begins"))
    await stop(stopped, path)
    other = await start(WORKS, lease=0.5)
    await until(lambda: other.said("handled") == [["1", "1", "1"]])
    stopped.process.send_signal(signal.SIGCONT)
    await event.send("test", body="go on")
    await until(lambda: stopped.said("handled") == [["1", "1", "0"]])
    stopped.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(stopped.process.wait, 20) == 0
    assert other.said("handled") == [["1", "1", "1"]]
    assert await queue.length() == 0
    assert await queue.dead() == []


@pytest.mark.parametrize("synchronous", ["FULL", "NORMAL", "OFF"])
async def test_accepted_message_survives_the_death_of_every_process(dsn, name, synchronous):
    """``send`` returned, the process is killed, nobody else is there: whatever ``synchronous`` is, it was stored."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SENDS, dsn, name, synchronous, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    for _ in range(50):
        await process.stdout.readline()
    process.kill()
    sent = 50 + len((await process.stdout.read()).splitlines())
    await process.wait()
    async with LocalBroker(dsn) as broker:
        taken: list[int] = []
        while deliveries := await broker._take(name, 1000):
            taken += [json.loads(delivery.body)["number"] for delivery in deliveries]
    assert taken[:sent] == list(range(sent))
    assert len(taken) - sent <= 1  # it died between the two


def resident() -> float:
    """Megabytes of this process."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cycle(store: Store, count: int = 100) -> None:
    """Take messages, acknowledge them, and send as many again."""
    with store.transaction(durable=False):
        deliveries, _ = store.take("q", count, 30)
    with store.transaction(durable=False):
        store.settle([settled(delivery, Verdict.ACK) for delivery in deliveries])
    with store.transaction(durable=True):
        store.push([("q", delivery.body, None) for delivery in deliveries])


def median_of_cycles(store: Store) -> float:
    """Milliseconds of one."""
    seconds: list[float] = []
    for _ in range(100):
        began = time.perf_counter()
        cycle(store)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


def fill(store: Store, count: int) -> None:
    for _ in range(count // 1000):
        with store.transaction(durable=False):
            store.push([("q", b'{"number": 1}', None)] * 1000)


def test_million_waiting_messages_cost_nothing(path):
    """With a million waiting, taking, acknowledging and sending are as quick as with a thousand, and memory is flat."""
    folder = Folder.open(path)
    store = Store(folder, "me", "FULL")
    fill(store, 1000)
    few, before = median_of_cycles(store), resident()
    fill(store, MILLION)
    many, after = median_of_cycles(store), resident()
    print(f"100 messages: {few:.2f} ms with 1,000, {many:.2f} ms with 1,000,000 waiting; {after - before:+.1f} MB")
    assert many < 5 * few
    assert after - before < 30
    with store.transaction(durable=False):
        assert store.length("q") == MILLION + 1000
    store.close()
    folder.close()


async def test_opening_and_closing_leaves_nothing(dsn, path):
    """A thousand buses and brokers that come and go leave no descriptor, task or file."""
    async with LocalSignalBus(dsn), LocalBroker(dsn):
        await come_and_go(dsn)
        descriptors, files = len(os.listdir("/proc/self/fd")), sorted(os.listdir(path))
        for _ in range(1000):
            await come_and_go(dsn)
        assert len(os.listdir("/proc/self/fd")) <= descriptors
        assert sorted(os.listdir(path)) == files


async def come_and_go(dsn: str) -> None:
    async with LocalSignalBus(dsn), LocalBroker(dsn):
        pass
