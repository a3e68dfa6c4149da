"""Waiting for what has to come true."""

import asyncio
import time

import pytest

from microagent.testing import Clock, until


async def test_until_returns_what_came_true() -> None:
    """
    As soon as a condition is true, what it gave is returned.
    """
    got: list[int] = []
    asyncio.get_running_loop().call_later(0.02, got.append, 7)

    assert await until(lambda: got) == [7]


async def test_condition_may_have_to_be_awaited() -> None:
    """
    A coroutine function is a condition, too.
    """
    event = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, event.set)

    async def is_set() -> bool:
        await asyncio.sleep(0)
        return event.is_set()

    assert await until(is_set) is True


async def test_until_gives_up_with_a_sentence() -> None:
    """
    A condition that stays false fails the test, and is shown with what it gave last.
    """
    with pytest.raises(AssertionError, match=r"^not true within 0.01 s: `.*until\(lambda: \[\].*` is still \[\]$"):
        await until(lambda: [], timeout=0.01)


async def test_condition_without_a_line_is_shown_by_name() -> None:
    """
    A function is named, and so is what has no source.
    """

    def is_ready() -> bool:
        return False

    with pytest.raises(AssertionError, match="is_ready is still False"):
        await until(is_ready, timeout=0.01)
    with pytest.raises(AssertionError, match=r"dict is still \{\}"):
        await until(dict, timeout=0.01)


async def test_patience_is_real_time(clock: Clock) -> None:
    """
    Where time stands still, ``until`` waits all the same, and lets none of it pass.
    """
    before = clock.time()
    got: list[int] = []
    asyncio.get_running_loop().call_soon(got.append, 7)
    await until(lambda: got)
    started = time.monotonic()
    with pytest.raises(AssertionError, match=r"not true within 0.05 s"):
        await until(lambda: None, timeout=0.05)

    assert 0.05 <= time.monotonic() - started < 5
    assert clock.time() == before
