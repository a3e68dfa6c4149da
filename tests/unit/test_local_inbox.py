"""Messages that wait for the bus."""

import asyncio

import pytest

from microagent.tools.local.inbox import Inbox
from microagent.tools.local.peer import WAITING, WAITING_BYTES


async def test_all_that_waits_is_taken_in_order():
    """``get`` gives everything at once, the oldest first."""
    inbox = Inbox(lambda on: None)
    inbox.put([("a", b"1"), ("b", b"2")])
    inbox.put([("c", b"3")])
    assert await inbox.get() == [("a", b"1"), ("b", b"2"), ("c", b"3")]


async def test_get_waits_for_the_first():
    """Who waits is woken by the first message."""
    inbox = Inbox(lambda on: None)
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    inbox.put([("a", b"1")])
    assert await waiting == [("a", b"1")]


async def test_cancelled_get_loses_nothing():
    """A message that comes in the same turn as the cancellation is still there."""
    inbox = Inbox(lambda on: None)
    waiting = asyncio.ensure_future(inbox.get())
    await asyncio.sleep(0)
    inbox.put([("a", b"1")])
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await inbox.get() == [("a", b"1")]


@pytest.mark.parametrize("messages", [[("a", b"")] * WAITING, [("a", bytes(WAITING_BYTES))]], ids=["count", "bytes"])
async def test_full_inbox_asks_for_quiet_and_refuses(messages):
    """Bounded by number and by size; taken empty, it asks for more."""
    flow: list[bool] = []
    inbox = Inbox(flow.append)
    assert inbox.put(messages) == 0
    assert flow == [False]
    assert inbox.put([("b", b""), ("b", b"")]) == 2
    assert await inbox.get() == messages
    assert flow == [False, True]
    assert inbox.put([("b", b"")]) == 0


async def test_room_waits_for_the_reader():
    """A publisher to itself gives the reader a moment, and no more."""
    inbox = Inbox(lambda on: None)
    inbox.put([("a", b"")] * WAITING)
    await inbox.room(0.01)
    waiting = asyncio.ensure_future(inbox.room(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    await inbox.get()
    await waiting
