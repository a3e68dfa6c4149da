"""The broker of ``local://``, below the policies of the core."""

import asyncio
import inspect
import os
import sqlite3
import subprocess
import sys
import time

import pytest
from support import settled, unique, until

from microagent import (
    BackendConnectionError,
    BackendError,
    ConfigurationError,
    MicroAgent,
    Queue,
    QueueSerializingError,
    consumer,
)
from microagent.delivery import Outgoing, Verdict
from microagent.tools.local import LocalBroker
from microagent.tools.local import broker as module
from microagent.tools.local.store import Store

HOLDER = """
import asyncio, sys
from microagent.tools.local import LocalBroker

async def main():
    broker = LocalBroker(sys.argv[1])
    await broker._open()
    deliveries = await broker._take("q", 10)
    print(len(deliveries), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


VISITOR = """
import asyncio, sys
from microagent.tools.local import LocalBroker

async def main():
    async with LocalBroker(sys.argv[1]) as broker:
        print(await broker.queue_length("q"))

asyncio.run(main())
"""


@pytest.fixture
def dsn(tmp_path):
    return f"local://{tmp_path}/place"


@pytest.fixture
async def opened(dsn):
    """Opens a broker each time it is called: another process, as far as the folder can tell."""
    brokers = []

    async def opened(**options) -> LocalBroker:
        brokers.append(LocalBroker(dsn, **options))
        broker = brokers[-1]
        await broker._open()
        return broker

    yield opened
    for broker in brokers:
        await broker._close()


async def holder(dsn):
    """Another process, that holds what there was when it started."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, dsn, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert int(await process.stdout.readline()) > 0
    return process


async def push(broker, *bodies):
    return await broker._push([Outgoing("q", body) for body in bodies])


async def test_message_goes_from_one_process_to_another(opened):
    """What one has pushed the other takes, and settles."""
    sender, taker = await opened(), await opened()
    assert await push(sender, b"1", b"2") == [None, None]
    deliveries = await taker._take("q", 10)
    assert [delivery.body for delivery in deliveries] == [b"1", b"2"]
    await taker._settle([settled(delivery, Verdict.ACK) for delivery in deliveries])
    assert await sender._length("q") == 0


async def test_waiting_ends_with_a_message_from_elsewhere(opened):
    """No polling: a push in another process rings."""
    sender, taker = await opened(), await opened()
    assert await taker._take("q", 1) == []
    waiting = asyncio.ensure_future(taker._wait("q", 3600))
    await push(sender, b"1")
    await waiting
    assert [delivery.body for delivery in await taker._take("q", 1)] == [b"1"]


async def test_message_between_take_and_wait_is_not_waited_for(opened):
    """A push after an empty take ends the wait that follows at once."""
    broker = await opened()
    assert await broker._take("q", 1) == []
    await push(broker, b"1")
    await broker._wait("q", 3600)


@pytest.mark.parametrize("verdict", [Verdict.RETRY, Verdict.RELEASE])
async def test_what_comes_back_wakes_others(opened, verdict):
    """A message that one process gives back is taken by another that waits."""
    first, second = await opened(), await opened()
    await push(first, b"1")
    deliveries = await first._take("q", 1)
    assert await second._take("q", 1) == []
    waiting = asyncio.ensure_future(second._wait("q", 3600))
    await first._settle([settled(deliveries[0], verdict)])
    await waiting
    assert len(await second._take("q", 1)) == 1


async def test_waiting_ends_when_a_delayed_message_is_due(opened):
    """The delay is kept by who waits, whoever asked for it."""
    first, second = await opened(), await opened()
    await push(first, b"1")
    (delivery,) = await first._take("q", 1)
    assert await second._take("q", 1) == []
    due = time.time() + 0.1
    await first._settle([settled(delivery, Verdict.RETRY, delay=0.1)])

    async def taken():
        await second._wait("q", 3600)
        return await second._take("q", 1)

    await until(taken)
    assert due <= time.time() < due + 5


async def test_killed_process_gives_back_at_once(opened, dsn):
    """After ``kill -9`` its messages are taken by who waits for them, without a sweep, their crashed runs counted."""
    broker = await opened()
    await push(broker, b"1", b"2")
    process = await holder(dsn)
    assert await broker._take("q", 10) == []
    process.kill()
    await asyncio.wait_for(broker._wait("q", 3600), 10)
    await process.communicate()
    assert [(each.body, each.attempt, each.crashes) for each in await broker._take("q", 10)] == [
        (b"1", 1, 1),
        (b"2", 1, 1),
    ]


async def test_what_the_dead_held_is_found_by_a_newcomer(opened, dsn):
    """Nobody needs to be there when a process dies."""
    broker = await opened()
    await push(broker, b"1")
    await broker._close()
    process = await holder(dsn)
    process.kill()
    await process.communicate()
    late = await opened()
    assert 0 < await late._maintain("q") <= module.SWEEP
    assert [(each.body, each.crashes) for each in await late._take("q", 10)] == [(b"1", 1)]


async def test_lease_that_is_not_renewed_ends(opened):
    """A process that hangs loses its messages, and is told when it comes to itself."""
    first, second = await opened(lease=0.05), await opened()
    await push(first, b"1")
    (hung,) = await first._take("q", 1)

    async def taken():
        await second._maintain("q")
        return await second._take("q", 1)

    await until(taken)
    assert await first._renew([hung]) == {hung}


async def test_renewed_lease_is_kept(opened):
    """Renewing says that nothing is lost."""
    broker = await opened()
    await push(broker, b"1")
    deliveries = await broker._take("q", 1)
    assert await broker._renew(deliveries) == set()


async def test_closing_hands_back(opened):
    """What a broker still holds when it closes is there for others, with nothing counted."""
    first, second = await opened(), await opened()
    await push(first, b"1")
    await first._take("q", 1)
    await second._take("q", 1)
    await first._close()
    await asyncio.wait_for(second._wait("q", 3600), 10)
    assert [(each.attempt, each.crashes) for each in await second._take("q", 1)] == [(1, 0)]


async def test_too_large_message_is_refused_alone(opened, monkeypatch):
    """One message that is too large is its sender's error, not its neighbours'."""
    monkeypatch.setattr(module, "LONGEST", 10)
    broker = await opened()
    refused, accepted = await push(broker, bytes(11), bytes(10))
    assert isinstance(refused, QueueSerializingError)
    assert accepted is None
    assert await broker._length("q") == 1


async def test_full_disk_is_the_senders_error(opened):
    """``send`` raises, and works again when there is room."""
    broker = await opened()
    await broker._session.submit(lambda store: store._connection.execute("PRAGMA max_page_count = 20") and None)
    with pytest.raises(BackendError, match="disk is full"):
        await push(broker, bytes(200_000))
    await broker._session.submit(lambda store: store._connection.execute("PRAGMA max_page_count = 100000") and None)
    assert await push(broker, bytes(200_000)) == [None]


async def test_verdicts_wait_for_room_on_the_disk(opened, monkeypatch, caplog):
    """A verdict that cannot be written is tried again until it is, and the log says so."""
    monkeypatch.setattr(module, "PAUSE", 0.01)
    broker = await opened()
    await push(broker, b"1", b"2")
    deliveries = await broker._take("q", 2)
    room = asyncio.Event()

    def settle(store, batch):
        if not room.is_set():
            raise sqlite3.OperationalError("database or disk is full")
        carry_out(store, batch)

    carry_out = Store.settle
    monkeypatch.setattr(Store, "settle", settle)
    settling = asyncio.ensure_future(broker._settle([settled(each, Verdict.ACK) for each in deliveries]))
    await until(lambda: "cannot store what became of its messages" in caplog.text)
    assert not settling.done()
    room.set()
    await settling
    assert await broker._session.submit(lambda store: store._value("SELECT count(*) FROM message")) == 0


async def test_closed_broker_says_so(dsn):
    """Before opening and after closing, an operation raises what makes the core open it."""
    broker = LocalBroker(dsn)
    with pytest.raises(BackendConnectionError, match="is closed"):
        await broker._length("q")
    await broker._close()
    await broker._open()
    assert await broker._length("q") == 0
    await broker._close()
    await broker._close()
    with pytest.raises(BackendConnectionError, match="is closed"):
        await broker._length("q")


async def test_two_brokers_of_a_process_keep_the_file_open(opened, dsn):
    """
    Another process that comes and goes does not take itself for the last one, and clear away what they write to.
    """
    first, _second = await opened(), await opened()
    await push(first, b"1")
    assert await visitor(dsn) == 1
    await push(first, b"2", b"3")
    assert await visitor(dsn) == 3
    assert await first._length("q") == 3


async def visitor(dsn) -> int:
    """Another process that looks how many messages wait, and leaves."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", VISITOR, dsn, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    return int(said)


async def test_refused_folder_leaves_nothing_open(tmp_path):
    """An error on opening is raised as it is, and no descriptor or file of ours stays."""
    (tmp_path / "place").mkdir(mode=0o700)
    (tmp_path / "place" / "queues.db").write_bytes(b"hello" * 1000)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(BackendError, match="not a database"):
        await LocalBroker(f"local://{tmp_path}/place")._open()
    assert len(os.listdir("/proc/self/fd")) == before
    assert not [name for name in os.listdir(tmp_path / "place") if name.startswith("broker-")]


def test_one_object_serves_two_loops(dsn):
    """``asyncio.run`` twice with the same broker: what the first left is there for the second."""
    broker = LocalBroker(dsn)

    async def run(work):
        await broker._open()
        try:
            return await work()
        finally:
            await broker._close()

    asyncio.run(run(lambda: push(broker, b"1")))
    deliveries = asyncio.run(run(lambda: broker._take("q", 1)))
    assert [delivery.body for delivery in deliveries] == [b"1"]


def test_what_a_loop_left_open_is_opened_anew_on_the_next(dsn):
    """``asyncio.run`` twice without closing in between works, and ends."""
    script = (
        "import asyncio, sys; from microagent.tools.local import LocalBroker, LocalSignalBus\n"
        "broker, bus = LocalBroker(sys.argv[1]), LocalSignalBus(sys.argv[1])\n"
        "async def use():\n"
        "    await bus.bind('any'); await broker.send('q', '{}'); await bus.send('PUBSUB:any:me', '{}')\n"
        "    return await broker.queue_length('q')\n"
        "print(asyncio.run(use()), asyncio.run(use()), asyncio.run(use()))"
    )
    result = subprocess.run([sys.executable, "-c", script, dsn], timeout=30, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("1 2 3\n", "")


def test_consumer_that_a_loop_left_running_can_be_stopped(dsn):
    """Closed on the next loop, a broker stops what the last one was in the middle of, and hands back what it held."""
    queue = Queue(unique("queue"))
    begun = asyncio.Event()

    class Agent(MicroAgent):
        @consumer(queue)
        async def handle(self, **_):
            begun.set()
            await asyncio.Event().wait()

    broker = LocalBroker(dsn)

    async def leave() -> None:
        await Agent(broker=broker).start()
        await broker[queue.name].send({})
        await begun.wait()

    async def stop() -> int:
        await broker.close()
        async with broker:
            return await broker.queue_length(queue.name)

    asyncio.run(leave())
    assert asyncio.run(stop()) == 1


def test_broker_left_open_ends_with_the_interpreter(dsn):
    """A script that forgets to close ends all the same."""
    script = (
        "import asyncio, sys; from microagent.tools.local import LocalBroker\n"
        "broker = LocalBroker(sys.argv[1]); asyncio.run(broker._open()); print('done')"
    )
    result = subprocess.run([sys.executable, "-c", script, dsn], timeout=30, capture_output=True, text=True, check=True)
    assert result.stdout == "done\n"


def test_unknown_durability_is_refused():
    """A wrong option is an error where it is written."""
    with pytest.raises(ConfigurationError, match="synchronous='SOMETIMES'"):
        LocalBroker(synchronous="SOMETIMES")


def test_constructor_touches_nothing(tmp_path, monkeypatch):
    """No folder appears, and the parameters can be read."""
    monkeypatch.chdir(tmp_path)
    assert LocalBroker().dsn == "local://"
    assert os.listdir(tmp_path) == []
    assert list(inspect.signature(LocalBroker).parameters)[:3] == ["dsn", "uid", "log"]
