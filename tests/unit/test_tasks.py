"""Background tasks that have an owner."""

import asyncio
import logging

import pytest
from support import until

from microagent.tasks import Tasks


@pytest.fixture
def tasks():
    return Tasks(logging.getLogger("test.tasks"))


async def test_a_task_is_kept_while_it_runs(tasks):
    """The owner holds its tasks until they end, so that none is collected in between."""
    end = asyncio.Event()
    tasks.spawn(end.wait(), "waits")
    assert len(tasks) == 1
    end.set()
    assert await tasks.drain(5) == 0
    assert len(tasks) == 0


async def test_a_task_that_fails_is_reported_once(tasks, caplog):
    """One error line with a traceback, and the name of the task."""

    async def fail() -> None:
        raise LookupError("it is not there")

    tasks.spawn(fail(), "the seeker")
    await tasks.drain(5)
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "Task the seeker failed"
    assert "it is not there" in caplog.text


async def test_drain_gives_up_after_its_timeout(tasks):
    """What still runs is counted, and still runs."""
    task = tasks.spawn(asyncio.Event().wait(), "endless")
    assert await tasks.drain(0.01) == 1
    assert not task.done()
    await tasks.cancel()


async def test_cancel_ends_all(tasks, caplog):
    """Cancelled tasks are gone, without a word in the log."""
    endless = [tasks.spawn(asyncio.Event().wait(), "endless") for _ in range(3)]
    assert await tasks.cancel() == 0
    assert all(task.cancelled() for task in endless)
    assert len(tasks) == 0
    assert caplog.records == []


async def test_a_task_that_ignores_its_cancellation_is_named(tasks, caplog):
    """It is counted, named in the log, and left behind."""
    end = asyncio.Event()

    async def stubborn() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    task = tasks.spawn(stubborn(), "stubborn")
    await asyncio.sleep(0)
    assert await tasks.cancel(grace=0.01) == 1
    assert "Task stubborn ignores its cancellation and is left behind" in caplog.text
    end.set()
    await until(task.done)


async def test_nothing_to_drain_or_cancel_is_fine(tasks):
    """An owner without tasks closes at once."""
    assert await tasks.drain(5) == 0
    assert await tasks.cancel() == 0
