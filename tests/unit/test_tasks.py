"""Background tasks that have an owner."""

import asyncio
import logging

import pytest
from support import until

from microagent import tasks as machinery
from microagent.tasks import Tasks, close_with, is_cancelled


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


@pytest.fixture
def soon(monkeypatch):
    """What has ended begins again at once."""
    monkeypatch.setattr(machinery, "PAUSE", 0.01)


@pytest.mark.parametrize("end", ["cancelled", "failed", "returned"])
async def test_what_is_kept_begins_again(tasks, caplog, soon, end):
    """However it ended, and the log tells."""
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)
        if end == "failed" and len(runs) == 1:
            raise LookupError
        if end == "returned" and len(runs) == 1:
            return
        await asyncio.Event().wait()

    kept = tasks.keep(work, "reads")
    await asyncio.sleep(0)
    if end == "cancelled":
        kept.task.cancel()
    await until(lambda: len(runs) == 2)
    assert kept.is_running
    assert "Task reads had ended, and begins again" in caplog.text
    await tasks.cancel()


async def test_what_is_released_may_end(tasks, caplog, soon):
    """By itself, or with its owner; also while it was about to begin again."""
    runs: list[int] = []

    async def work() -> None:
        runs.append(1)

    kept = tasks.keep(work, "reads")
    kept.release()
    tasks.keep(work, "reads too")
    await asyncio.sleep(0)  # one turn of the loop: both have run, and none has begun again yet
    assert runs == [1, 1]
    await tasks.cancel()
    await asyncio.sleep(0.05)
    assert runs == [1, 1]
    assert not kept.is_running
    assert caplog.text == ""


async def test_who_is_cancelled_knows():
    """A CancelledError of what a task waits for is none of its own."""
    told: list[bool] = []

    async def wait(something: "asyncio.Future[None]") -> None:
        try:
            await something
        except asyncio.CancelledError:
            told.append(is_cancelled())

    futures = [asyncio.get_running_loop().create_future() for _ in range(2)]
    first, second = (asyncio.create_task(wait(future)) for future in futures)
    await asyncio.sleep(0)
    futures[0].cancel()
    second.cancel()
    await asyncio.wait([first, second])
    assert told == [False, True]


def test_what_is_left_open_is_closed_with_its_loop():
    """Unless nobody has it any more, in which case there is nothing to close."""

    class Opened:
        closed = 0

        async def close(self) -> None:
            await asyncio.sleep(0)
            self.closed += 1

    kept = Opened()

    async def leave() -> None:
        close_with(asyncio.get_running_loop(), kept)
        close_with(asyncio.get_running_loop(), Opened())

    asyncio.run(leave())
    assert kept.closed == 1
