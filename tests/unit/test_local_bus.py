"""The bus of ``local://``, below the policies of the core."""

import asyncio
import gc
import os
import threading

import pytest
from support import until

from microagent import BackendConnectionError, SignalSerializingError
from microagent.channel import Pattern
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.local.frames import LONGEST
from microagent.tools.local.peer import WAITING

PAID = Pattern("P:paid:")


@pytest.fixture
def dsn(tmp_path):
    return f"local://{tmp_path}/place"


@pytest.fixture
async def opened(dsn):
    """Opens a bus each time it is called: another process, as far as the folder can tell."""
    buses = []

    async def opened() -> LocalSignalBus:
        bus = LocalSignalBus(dsn, prefix="P")
        buses.append(bus)
        await bus._open()
        return bus

    yield opened
    for bus in buses:
        await bus._close()


async def test_signal_goes_from_one_process_to_another(opened):
    """What one publishes the other receives, and the publisher knows how many there are."""
    publisher, listener = await opened(), await opened()
    assert await publisher._publish([("P:paid:shop", b"1")]) == [0]
    await listener._subscribe([PAID])
    assert await publisher._publish([("P:paid:shop", b"2"), ("P:late:shop", b"3")]) == [1, 0]
    assert await listener._receive() == [("P:paid:shop", b"2")]
    await listener._unsubscribe([PAID])
    assert await publisher._publish([("P:paid:shop", b"4")]) == [0]


async def test_reply_that_nobody_waits_for_goes_at_once(opened):
    """In the turn that handled the call, and not in the next one; what is too large is told."""
    replier, caller = await opened(), await opened()
    await caller._subscribe([PAID])
    told = []
    assert replier._begin([("P:paid:shop", b"1")], told.extend, idly=True)
    assert await caller._receive() == [("P:paid:shop", b"1")]
    assert replier._begin([("P:paid:shop", bytes(LONGEST))], told.extend, idly=True)
    reached, refusal = told
    assert reached == 1
    assert isinstance(refusal, SignalSerializingError)
    assert not replier._begin([("P:paid:shop", b"1")], pytest.fail, idly=False)


async def test_reply_waits_while_the_bus_is_closed(opened):
    """It is for the link to open it again."""
    replier = await opened()
    await replier._close()
    assert not replier._begin([("P:paid:shop", b"1")], pytest.fail, idly=True)


async def test_own_signals_are_heard(opened):
    """A process that subscribes hears itself, once."""
    bus = await opened()
    await bus._subscribe([PAID])
    assert await bus._publish([("P:paid:shop", b"1")]) == [1]
    assert await bus._receive() == [("P:paid:shop", b"1")]


async def test_bus_that_is_not_read_drops_and_counts(opened, caplog):
    """What a process publishes to itself is bounded like everything else."""
    bus = await opened()
    await bus._subscribe([PAID])
    await bus._publish([("P:paid:shop", b"")] * WAITING)
    await bus._publish([("P:paid:shop", b"")] * 7)
    assert "is read too slowly: 7 signals dropped" in caplog.text
    assert len(await bus._receive()) == WAITING


async def test_unread_signals_from_elsewhere_wait_at_their_sender(opened):
    """A full bus reads no more until it is taken empty; nothing that was accepted is lost."""
    publisher, listener = await opened(), await opened()
    await listener._subscribe([PAID])
    await publisher._publish([("P:paid:shop", b"1")] * WAITING)
    await publisher._publish([("P:paid:shop", b"2")] * 10)
    received = []
    while len(received) < WAITING + 10:
        received += await listener._receive()
    assert [body for _, body in received] == [b"1"] * WAITING + [b"2"] * 10


async def test_bus_can_be_closed_in_the_middle_of_publishing(opened, dsn):
    """Whoever publishes then is through or is told; nothing goes on, though somebody does not read."""
    listener = await opened()
    await listener._subscribe([PAID])
    bus = LocalSignalBus(dsn, prefix="P")
    await bus.send("P:paid:shop", "{}")
    listener._connected.flow(False)
    sending = [asyncio.ensure_future(bus.send("P:paid:shop", bytes(1_000_000))) for _ in range(30)]
    await asyncio.sleep(0)
    await bus.close()
    told = await asyncio.gather(*sending, return_exceptions=True)
    assert {type(each) for each in told} <= {type(None), BackendConnectionError}
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_reopened_bus_starts_empty(opened):
    """What was not received before closing does not come afterwards."""
    bus = await opened()
    await bus._subscribe([PAID])
    await bus._publish([("P:paid:shop", b"old")])
    await bus._close()
    await bus._open()
    await bus._subscribe([PAID])
    await bus._publish([("P:paid:shop", b"new")])
    assert await bus._receive() == [("P:paid:shop", b"new")]


async def test_closed_bus_says_so(dsn):
    """Before opening and after closing, an operation raises what makes the core open it."""
    bus = LocalSignalBus(dsn)
    with pytest.raises(BackendConnectionError, match="is closed"):
        await bus._publish([("P:paid:shop", b"1")])
    await bus._open()
    await bus._close()
    await bus._close()
    with pytest.raises(BackendConnectionError, match="is closed"):
        await bus._subscribe([PAID])


def test_one_object_serves_two_loops(dsn):
    """``asyncio.run`` twice with the same bus."""
    bus = LocalSignalBus(dsn)

    async def run():
        await bus._open()
        await bus._subscribe([PAID])
        await bus._publish([("P:paid:shop", b"1")])
        received = await bus._receive()
        await bus._close()
        return received

    assert asyncio.run(run()) == asyncio.run(run()) == [("P:paid:shop", b"1")]


def test_constructor_touches_nothing(tmp_path, monkeypatch):
    """No folder appears before the first await."""
    monkeypatch.chdir(tmp_path)
    assert LocalSignalBus().dsn == "local://"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("other", [LocalSignalBus, LocalBroker])
def test_end_of_a_loop_is_the_end_of_what_it_left_open(dsn, caplog, other):
    """
    The process lives on, a view of Django for example: nobody who comes in waits for an answer of what is not there any
    more, and what was left open works again on the next loop.
    """
    left = LocalSignalBus(dsn), LocalBroker(dsn)

    async def use(*ends):
        for end in ends:
            await (end.bind("paid") if isinstance(end, LocalSignalBus) else end.queue_length("paid"))

    async def come_in():
        async with other(dsn) as end:
            await use(end)

    asyncio.run(use(*left))
    asyncio.run(come_in())
    asyncio.run(use(*left))

    async def close():
        for end in left:
            await end.close()

    asyncio.run(close())
    assert caplog.records == []


def test_nothing_is_left_of_what_nobody_closed(dsn):
    """Neither files nor threads, once the loop has ended: a view that does so each time would run out of them."""

    async def forget():
        bus, broker = LocalSignalBus(dsn), LocalBroker(dsn)
        await bus.bind("paid")
        await broker.send("paid", "{}")

    asyncio.run(forget())
    gc.collect()
    before = len(os.listdir("/proc/self/fd")), threading.active_count()
    for _ in range(3):
        asyncio.run(forget())
    gc.collect()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == before
