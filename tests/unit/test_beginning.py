"""Work that begins at once, and not in the next turn of the loop."""

import asyncio
from contextvars import ContextVar

import pytest

from microagent.beginning import at_once, begun

PLACE = ContextVar("PLACE", default="nowhere")


def begin(work):
    return begun(asyncio.get_running_loop(), work, "work")


async def test_work_has_come_to_where_it_waits():
    """In the task that it has then: its own, by name, with a context of its own; who began it is who he was."""
    gate, steps = asyncio.get_running_loop().create_future(), []

    async def work():
        PLACE.set("here")
        steps.append(asyncio.current_task())
        async with asyncio.timeout(5):
            steps.append(await gate)
        steps.append(asyncio.current_task())
        return PLACE.get()

    task = begin(work())
    assert steps == [task]
    assert task.get_name() == "work"
    assert asyncio.current_task() is not task
    assert PLACE.get() == "nowhere"
    gate.set_result("through")
    assert await task == "here"
    assert steps == [task, "through", task]


async def quick():
    return 1


async def gives_way():
    await asyncio.sleep(0)
    return 2


async def fails():
    raise ValueError("no")


async def test_work_may_wait_for_nothing_or_for_its_turn():
    """What it gives is what its task gives."""
    assert [await begin(work()) for work in (quick, gives_way)] == [1, 2]
    with pytest.raises(ValueError, match="no"):
        await begin(fails())


async def test_work_is_cancelled_as_any_other():
    """Also before its task had its first turn; what has ended by then has ended."""
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("cleaned up")
            raise

    for turns in (0, 2):
        task = begin(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ended == ["cleaned up"] * 2
    late = begin(quick())
    late.cancel()
    assert await late == 1


async def test_many_may_wait_for_one_future():
    """Those that began at once, and those that did not."""
    gate = asyncio.get_running_loop().create_future()

    async def work():
        return await gate

    tasks = [begin(work()), asyncio.create_task(work()), begin(work())]
    await asyncio.sleep(0)
    gate.set_result(3)
    assert await asyncio.gather(*tasks) == [3, 3, 3]


def test_work_may_begin_where_no_task_is():
    """In a callback of the loop, within the work of another."""
    told = []

    async def outer():
        told.append(await begin(quick()))
        return asyncio.current_task()

    async def main():
        done = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(lambda: done.set_result(begin(outer())))
        task = await done
        assert await task is task

    asyncio.run(main())
    assert told == [1]


async def test_work_that_waits_for_nothing_is_over_at_once():
    """What it raises is raised; what would wait is ended there, as if it were cancelled."""
    ended = []

    async def slow():
        try:
            await asyncio.sleep(0)
        finally:
            ended.append(True)

    async def failing():
        raise ValueError

    assert at_once(quick()) == 1
    assert at_once(slow()) is None
    assert ended == [True]
    with pytest.raises(ValueError):
        at_once(failing())
