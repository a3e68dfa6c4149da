"""Sharing round trips: what waits at the same time goes out in one call."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any

import pytest
from support import until

from microagent.batch import Batcher
from microagent.errors import BackendConnectionError


class Flushes:
    """Remembers the batches that were flushed; answers each item with its double, or as ``script`` says."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.since: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: BaseException | None = None

    async def __call__(self, items: list[int], since: float) -> list[int | Exception]:
        self.batches.append(items)
        self.since.append(since)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return [ValueError(f"{item} is odd") if item % 2 else item * 2 for item in items]


@pytest.fixture
def flushes():
    return Flushes()


async def test_what_is_added_in_one_turn_goes_out_together(flushes):
    """Each item has its own result."""
    batcher = Batcher(flushes)
    results = await asyncio.gather(*(batcher.add(item) for item in (2, 4, 6)))
    assert results == [4, 8, 12]
    assert flushes.batches == [[2, 4, 6]]


async def test_what_comes_during_a_flush_goes_out_with_the_next(flushes):
    """One batch at a time, in order."""
    flushes.gate.clear()
    batcher = Batcher(flushes)
    first = batcher.add(2)
    await until(lambda: flushes.batches)
    others = [batcher.add(item) for item in (4, 6, 8)]
    assert len(batcher) == 3
    flushes.gate.set()
    assert await asyncio.gather(first, *others) == [4, 8, 12, 16]
    assert flushes.batches == [[2], [4, 6, 8]]


async def test_senders_that_began_apart_soon_go_together():
    """One whose item went out before the others' does not take turns with them for ever."""
    sizes: list[int] = []
    begun = asyncio.Event()

    async def flush(items: list[int], since: float) -> list[int]:
        sizes.append(len(items))
        begun.set()
        for _ in range(5):
            await asyncio.sleep(0)
        return items

    batcher = Batcher(flush)

    async def send() -> None:
        for _ in range(10):
            await batcher.add(1)

    first = asyncio.create_task(send())
    await begun.wait()
    await asyncio.gather(first, *(send() for _ in range(4)))
    assert sizes == [1, *[5] * 9, 4]


async def test_batch_has_a_limit(flushes):
    """What is beyond it goes out with the next."""
    batcher = Batcher(flushes, limit=2)
    await asyncio.gather(*(batcher.add(item) for item in (2, 4, 6)))
    assert flushes.batches == [[2, 4], [6]]


async def test_an_item_fails_alone(flushes):
    """An exception in the place of a result is raised to the sender of that item."""
    batcher = Batcher(flushes)
    results = await asyncio.gather(*(batcher.add(item) for item in (2, 3, 4)), return_exceptions=True)
    assert [str(result) for result in results] == ["4", "3 is odd", "8"]


async def test_what_the_flush_raises_is_raised_to_all(flushes):
    """And the next batch is another try."""
    flushes.error = OSError("broken")
    batcher = Batcher(flushes)
    results = await asyncio.gather(batcher.add(2), batcher.add(4), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError]
    flushes.error = None
    assert await batcher.add(2) == 4


async def test_flush_with_too_few_results_fails_all_and_not_the_batcher():
    """A backend that miscounts is told so, and nobody waits for ever."""

    async def short(items: list[int], since: float) -> list[int]:
        return items[:-1]

    batcher: Batcher[int, int] = Batcher(short)
    results = await asyncio.gather(batcher.add(1), batcher.add(2), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]


async def test_flush_that_is_cancelled_from_within_fails_its_items(flushes):
    """A driver's stray CancelledError does not cancel the senders, nor end the batcher."""
    flushes.error = asyncio.CancelledError()
    batcher = Batcher(flushes)
    with pytest.raises(BackendConnectionError):
        await batcher.add(2)
    flushes.error = None
    assert await batcher.add(2) == 4


async def test_item_whose_sender_is_cancelled_before_the_flush_is_not_sent(flushes):
    """In the same turn, or while another batch is under way."""
    flushes.gate.clear()
    batcher = Batcher(flushes)
    batcher.add(2).cancel()
    first = batcher.add(4)
    await until(lambda: flushes.batches)
    batcher.add(6).cancel()
    last = batcher.add(8)
    flushes.gate.set()
    assert await asyncio.gather(first, last) == [8, 16]
    assert flushes.batches == [[4], [8]]


async def test_since_is_when_the_oldest_was_added(flushes):
    """So that a deadline holds for who has waited longest."""
    flushes.gate.clear()
    batcher, loop = Batcher(flushes), asyncio.get_running_loop()
    start = loop.time()
    first = batcher.add(2)
    await until(lambda: flushes.batches)
    second = batcher.add(4)
    between = loop.time()
    flushes.gate.set()
    await asyncio.gather(first, second)
    assert start <= flushes.since[0] <= flushes.since[1] <= between


async def test_posted_item_goes_along_and_its_error_is_heard(flushes):
    """Nobody waits for it; who made the batcher is told when it fails."""
    heard: list[Exception] = []
    batcher = Batcher(flushes, unheard=heard.append)
    for item in (2, 3):
        batcher.post(item)
    assert await batcher.drain(5)
    assert flushes.batches == [[2, 3]]
    assert [str(error) for error in heard] == ["3 is odd"]


async def test_drain_tells_whether_all_is_through(flushes):
    """It waits no longer than it is told to."""
    batcher = Batcher(flushes)
    assert await batcher.drain(5)
    flushes.gate.clear()
    result = batcher.add(2)
    assert not await batcher.drain(0.01)
    flushes.gate.set()
    assert await batcher.drain(5)
    assert await result == 4


@pytest.mark.parametrize("turns", [0, 3])
async def test_cancel_raises_to_the_senders(flushes, turns):
    """Also to one whose batch has not begun; they are not cancelled: it is not they who were to end."""
    flushes.gate.clear()
    batcher = Batcher(flushes, limit=1)
    results = [batcher.add(2), batcher.add(4)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await batcher.cancel()
    told = await asyncio.gather(*results, return_exceptions=True)
    assert [type(error) for error in told] == [BackendConnectionError, BackendConnectionError]
    assert len(batcher) == 0
    flushes.gate.set()
    assert await batcher.add(6) == 12


def test_batcher_serves_one_loop_after_the_other():
    """What an ended loop left behind is not sent by the next."""

    async def leave_behind() -> None:
        flushes.gate = asyncio.Event()
        batcher.post(2)
        batcher.post(4)
        await until(lambda: flushes.batches)
        batcher.post(6)

    async def go_on() -> int:
        flushes.gate = asyncio.Event()
        flushes.gate.set()
        return await batcher.add(8)

    flushes = Flushes()
    batcher = Batcher(flushes)
    asyncio.run(leave_behind())
    assert asyncio.run(go_on()) == 16
    assert flushes.batches == [[2, 4], [8]]


def test_batcher_ends_with_its_loop(caplog):
    """Also when what is posted as everything is cancelled does not get through any more: no task is left pending."""

    async def post_late(batcher: Batcher[int, int]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            batcher.post(2)

    async def leave_behind() -> None:
        late.append(asyncio.create_task(post_late(Batcher(flushes))))
        await asyncio.sleep(0)
        flushes.gate.clear()

    flushes = Flushes()
    late: list[asyncio.Task[None]] = []
    asyncio.run(leave_behind())
    late.clear()
    flushes.gate = asyncio.Event()  # nobody refers to what waited for the other one
    gc.collect()
    assert flushes.batches == [[2]]
    assert caplog.text == ""


def test_batcher_can_be_ended_after_its_loop():
    """Draining and cancelling on the next loop wait for nothing of the last one, and what it left is given up."""

    async def post_late() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            batcher.post(2)

    async def leave_behind() -> None:
        flushes.gate = asyncio.Event()
        late.append(asyncio.create_task(post_late()))
        await asyncio.sleep(0)

    async def end() -> bool:
        drained = await batcher.drain(5)
        await batcher.cancel()
        return drained

    flushes = Flushes()
    batcher = Batcher(flushes)
    late: list[asyncio.Task[None]] = []
    asyncio.run(leave_behind())
    assert asyncio.run(end())
    assert len(batcher) == 0


class Begins:
    """Takes every batch, or none; ``told`` are those who are to be told of what was taken."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.told: list[Callable[[Any], None]] = []
        self.idle: list[bool] = []
        self.takes = True
        self.error: Exception | None = None

    def __call__(self, items: list[int], told: Callable[[Any], None], idly: bool) -> bool:
        if self.error is not None:
            raise self.error
        if self.takes:
            self.batches.append(items)
            self.told.append(told)
            self.idle.append(idly)
        return self.takes


@pytest.fixture
def begins():
    return Begins()


@pytest.fixture
def quick(flushes, begins):
    """A batcher whose flushes may be begun without a task."""
    return Batcher(flushes, begin=begins)


async def test_batch_that_needs_not_wait_is_told_without_a_task(quick, begins, flushes):
    """Each item has its own result; what comes meanwhile goes out with the next, and so do those who were just told."""

    async def send(*items: int) -> list[int]:
        return [await quick.add(item) for item in items]

    senders = asyncio.gather(send(1, 4), send(2, 5))
    await until(lambda: begins.told)
    late = quick.add(3)
    begins.told.pop()([10, 20])
    await until(lambda: begins.told)
    begins.told.pop()([30, 40, 50])
    assert await senders == [[10, 40], [20, 50]]
    assert await late == 30
    assert begins.batches == [[1, 2], [3, 4, 5]]
    assert flushes.batches == []


async def test_lone_item_begins_in_its_own_turn_when_the_last_one_was_alone_too(quick, begins):
    """The first of many does not go before the others."""
    for item, begun in ((1, []), (2, [[1], [2]])):
        result = quick.add(item)
        assert begins.batches == begun
        await until(lambda: begins.told)
        begins.told.pop()([item])
        await result
    many = [quick.add(item) for item in (3, 4, 5)]
    assert begins.batches == [[1], [2], [3]]
    begins.told.pop()([3])
    await until(lambda: begins.told)
    begins.told.pop()([4, 5])
    await asyncio.gather(*many)
    again = [quick.add(item) for item in (6, 7)]
    await until(lambda: begins.told)
    begins.told.pop()([6, 7])
    await asyncio.gather(*again)
    assert begins.batches == [[1], [2], [3], [4, 5], [6, 7]]


async def test_batch_that_cannot_begin_now_is_flushed(quick, begins, flushes):
    """And so is one of which nothing was done after all, before what came meanwhile."""
    begins.takes = False
    assert await quick.add(2) == 4
    begins.takes = True
    first = quick.add(4)
    await until(lambda: begins.told)
    second = quick.add(6)
    begins.told.pop()(None)
    assert await asyncio.gather(first, second) == [8, 12]
    assert flushes.batches == [[2], [4, 6]]


async def test_error_that_begins_or_ends_a_batch_is_its_senders(quick, begins):
    """And the next batch is another try."""
    begins.error = OSError("broken")
    results = await asyncio.gather(quick.add(2), quick.add(4), return_exceptions=True)
    assert [type(result) for result in results] == [OSError, OSError]
    begins.error = None
    items = [quick.add(2), quick.add(4)]
    items[1].cancel()
    await until(lambda: begins.told)
    begins.told.pop()([ValueError("no")])
    with pytest.raises(ValueError, match="no"):
        await items[0]
    assert begins.batches == [[2]]


async def test_batch_under_way_without_a_task_is_drained_or_given_up(quick, begins):
    """What comes of it after that is for nobody."""
    first = quick.add(2)
    assert not await quick.drain(0.01)
    draining = asyncio.create_task(quick.drain(5))
    await asyncio.sleep(0)
    begins.told[0]([4])
    assert await draining
    assert await first == 4
    second, third = quick.add(6), quick.add(8)
    await until(lambda: len(begins.told) == 2)
    await quick.cancel()
    told = await asyncio.gather(second, third, return_exceptions=True)
    assert [type(error) for error in told] == [BackendConnectionError, BackendConnectionError]
    fourth = quick.add(10)
    await until(lambda: len(begins.told) == 3)
    begins.told[1]([12, 16])
    assert not fourth.done()
    begins.told[2]([20])
    assert await fourth == 20


async def test_item_that_is_in_no_hurry_begins_at_once_and_holds_up_none(quick, begins):
    """Others begin while it is under way; while they are, it goes with the next."""
    idle, first = quick.add(1, idly=True), quick.add(2)
    await until(lambda: len(begins.told) == 2)
    late = quick.add(3, idly=True)
    assert begins.batches == [[1], [2]]
    begins.told[1]([20])
    assert await first == 20
    await until(lambda: len(begins.told) == 3)
    begins.told[2]([30])
    begins.told[0]([10])
    assert [await idle, await late] == [10, 30]
    assert begins.idle == [True, False, False]


async def test_posted_items_may_begin_before_the_turn_ends(quick, begins):
    """Beside what is under way; what is added after them goes out as ever, and all of it is drained."""
    for item in (1, 2):
        quick.post(item)
    quick.begin_now()
    quick.post(3)
    quick.begin_now()
    quick.post(4)
    assert begins.batches == [[1, 2], [3]]
    await until(lambda: len(begins.told) == 3)
    assert begins.batches[2:] == [[4]]
    for told, results in zip(begins.told, ([10, 20], [30]), strict=False):
        told(results)
    assert not await quick.drain(0.01)
    begins.told[2]([40])
    assert await quick.drain(5)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_items_begun_early_hold_up_what_comes_later(quick, begins, order):
    """It goes out once the last batch is through, whichever is that, and it goes together."""
    quick.post(1)
    quick.post(2)
    quick.begin_now()
    quick.post(3)
    quick.post(4)
    await until(lambda: len(begins.told) == 2)
    late = [quick.add(item) for item in (5, 6)]
    for number in order:
        begins.told[number]([0, 0])
    await until(lambda: len(begins.told) == 3)
    assert begins.batches == [[1, 2], [3, 4], [5, 6]]
    begins.told[2]([50, 60])
    assert await asyncio.gather(*late) == [50, 60]


async def test_items_that_somebody_waits_for_do_not_begin_early(quick, begins, flushes):
    """Nor do any where nothing can begin; nothing is lost and the order stays."""
    result = quick.add(1)
    quick.post(2)
    quick.begin_now()
    assert begins.batches == []
    await until(lambda: begins.told)
    begins.told[0]([10, 20])
    assert await result == 10
    assert await quick.drain(5)
    begins.takes = False
    for item in (4, 6):
        quick.post(item)
    quick.begin_now()
    assert await quick.drain(5)
    assert begins.batches == [[1, 2]]
    assert flushes.batches == [[4, 6]]


async def test_items_begun_early_in_vain_are_flushed(quick, begins, flushes):
    """Also while others are under way; and what is given up then is for nobody."""
    for item in (2, 4):
        quick.post(item)
    quick.begin_now()
    begins.told[0](None)
    assert await quick.drain(5)
    assert flushes.batches == [[2, 4]]
    quick.post(6)
    quick.begin_now()
    await quick.cancel()
    begins.told[1](None)
    assert await quick.drain(5)
    assert flushes.batches == [[2, 4]]


async def test_item_in_no_hurry_that_cannot_begin_or_was_in_vain_is_flushed(quick, begins, flushes):
    """Before those that wait."""
    begins.takes = False
    assert await quick.add(2, idly=True) == 4
    begins.takes = True
    idle = quick.add(4, idly=True)
    begins.told[0](None)
    later = quick.add(6)
    assert [await idle, await later] == [8, 12]
    assert flushes.batches == [[2], [4, 6]]
    assert await Batcher(flushes).add(8, idly=True) == 16


async def test_error_of_an_item_in_no_hurry_is_its_senders(flushes, begins):
    """Or told where nobody waits."""
    unheard: list[Exception] = []
    quick = Batcher(flushes, begin=begins, unheard=unheard.append)
    begins.error = OSError("broken")
    with pytest.raises(OSError, match="broken"):
        await quick.add(1, idly=True)
    begins.error = None
    quick.post(2, idly=True)
    begins.told[0]([ValueError("no")])
    assert [type(error) for error in unheard] == [ValueError]


async def test_item_in_no_hurry_is_given_up_with_the_others(quick, begins):
    """What comes of it after that is for nobody."""
    idle = quick.add(1, idly=True)
    assert await quick.drain(5)
    await quick.cancel()
    with pytest.raises(BackendConnectionError):
        await idle
    begins.told[0](None)
    assert len(quick) == 0


def test_batch_that_an_earlier_loop_has_begun_is_for_nobody(begins, flushes):
    """The next loop begins anew."""

    async def leave_behind() -> None:
        quick.post(2)
        await until(lambda: begins.told)
        quick.post(4)

    async def go_on() -> int:
        result = quick.add(6)
        await until(lambda: len(begins.told) == 2)
        begins.told[0]([4])
        begins.told[1]([12])
        return await result

    quick = Batcher(flushes, begin=begins)
    asyncio.run(leave_behind())
    assert asyncio.run(go_on()) == 12
    assert begins.batches == [[2], [6]]
