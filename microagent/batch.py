"""Sharing round trips: what waits at the same time goes out in one call."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import chain
from typing import Generic, TypeAlias, TypeVar

from microagent.errors import BackendConnectionError
from microagent.tasks import task_of

T = TypeVar("T")
R = TypeVar("R")


_Entry: TypeAlias = tuple[T, float, asyncio.Future[R] | None]  # since when it waits, and who waits for its result
Results: TypeAlias = Sequence[R | Exception]
Begin: TypeAlias = Callable[[list[T], Callable[[Results[R] | None], None], bool], bool]


class _Batch(Generic[T, R]):
    """
    Entries that are under way together.

    :ivar is_idle: nobody is in a hurry for their results, so nothing waits until they are there
    """

    __slots__ = ("entries", "is_idle")

    def __init__(self, entries: list[_Entry[T, R]], *, is_idle: bool = False) -> None:
        self.entries = entries
        self.is_idle = is_idle

    @property
    def items(self) -> list[T]:
        return [item for item, _, _ in self.entries]


class Batcher(Generic[T, R]):
    """
    Collects items and hands them to ``flush`` together, one batch at a time, in order.

    The first item of a quiet time is flushed in the same turn of the loop, together with all that was added in it; what
    comes while a flush is under way goes out with the next one. An item whose result nobody is in a hurry for holds up
    none.

    :param flush: ``flush(items, since)`` gives a result for each item, or an exception in its place; ``since`` is when
        the oldest of them was added, on the loop's clock. What it raises is the result of each item.
    :param limit: most items in one batch
    :param unheard: called with the error of an item that nobody waits for
    :param begin: ``begin(items, told, idly)`` does what ``flush`` does, where it can be done without waiting for
        anything before the results come: whether that is so. ``told`` is called with the results, or with None if
        nothing was done after all and ``flush`` is to do it; ``idly``, nobody is in a hurry for them
    """

    def __init__(
        self,
        flush: Callable[[list[T], float], Awaitable[Results[R]]],
        limit: int = 1000,
        unheard: Callable[[Exception], None] = lambda error: None,
        begin: Begin[T, R] | None = None,
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._unheard = unheard
        self._begin = begin
        self._waiting: deque[_Entry[T, R]] = deque()
        self._under_way: list[_Batch[T, R]] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self._is_busy = False  # what is added now waits
        self._was_lone = False  # the last batch was of one item
        self._next: asyncio.Handle | None = None  # begins what waits
        self._task: asyncio.Task[None] | None = None  # flushes what waits
        self._rest: asyncio.Future[None] | None = None  # of who waits until nothing does

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: T, *, idly: bool = False) -> "asyncio.Future[R]":
        """
        The result of ``item``, as soon as its batch is through. Cancelled before that, it is not sent.

        :param idly: it is no hurry
        """
        loop = asyncio.get_running_loop()
        result: asyncio.Future[R] = loop.create_future()
        self._append(loop, item, result, idly)
        return result

    def post(self, item: T, *, idly: bool = False) -> None:
        """Send ``item`` along; nobody waits for its result."""
        self._append(asyncio.get_running_loop(), item, None, idly)

    def begin_now(self) -> None:
        """
        Begin what waits before this turn of the loop ends, and beside what is under way.

        Only where that can be done, and where nobody waits for the result of anything that waits: then nobody notices
        that it overtakes what could not be done at first and is done again.
        """
        if any(waiting is not None for _, _, waiting in self._waiting):
            return
        entries = self._taken()
        if entries and not self._is_begun(_Batch(entries)):
            self._waiting.extendleft(reversed(entries))

    def _append(self, loop: asyncio.AbstractEventLoop, item: T, result: "asyncio.Future[R] | None", idly: bool) -> None:
        if loop is not self.loop:
            self._give_up()  # what an earlier loop left behind
            self.loop = loop
        entry = item, loop.time(), result
        if idly and not self._is_busy and self._is_begun(_Batch([entry], is_idle=True)):
            return
        self._waiting.append(entry)
        if self._is_busy:
            return
        self._is_busy = True
        if self._begin is None:
            self._work(loop)
        elif self._was_lone:  # it is likely to be one again, and need not wait for others
            self._go(loop)
        else:
            self._next = loop.call_soon(self._go, loop)

    async def drain(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until all is through that somebody is in a hurry for; whether it is."""
        loop = asyncio.get_running_loop()
        if not self._is_at_work(loop):
            return True
        if self._rest is None:
            self._rest = loop.create_future()
        await asyncio.wait([self._rest], timeout=timeout)
        return not self._is_at_work(loop)

    async def cancel(self) -> None:
        """Give up what still waits; its senders get a BackendConnectionError."""
        if self._task is not None and self._is_at_work(asyncio.get_running_loop()):
            self._task.cancel()
            await asyncio.wait([self._task])
        self._give_up()

    def _is_at_work(self, loop: asyncio.AbstractEventLoop) -> bool:
        return self._is_busy and self.loop is loop

    # -- without waiting

    def _go(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = None
        entries = self._taken()
        if not entries:
            self._rest_if_idle()
            return
        self._was_lone = len(entries) == 1
        if not self._is_begun(_Batch(entries)):
            self._flush_again(entries)

    def _is_begun(self, batch: _Batch[T, R]) -> bool:
        """Begin it, where that can be done without waiting; whether it is."""
        if self._begin is None:
            return False
        self._under_way.append(batch)
        try:
            is_begun = self._begin(batch.items, partial(self._told, batch), batch.is_idle)
        except Exception as error:  # noqa: BLE001 - it is the senders' to handle
            self._told(batch, [error] * len(batch.entries))
            return True
        if not is_begun:
            self._under_way.remove(batch)
        return is_begun

    def _told(self, batch: _Batch[T, R], results: Results[R] | None) -> None:
        if batch not in self._under_way or self.loop is None:
            return  # it was given up meanwhile
        self._under_way.remove(batch)
        if results is None:
            self._flush_again(batch.entries)
            return
        self._tell(batch, results)
        if not batch.is_idle and self._next is None and self._task is None:
            self._go_on(self.loop)

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waiting or not self._was_lone:
            self._next = loop.call_soon(self._go, loop)  # with what those who were just told add
        else:
            self._rest_if_idle()

    def _flush_again(self, entries: list[_Entry[T, R]]) -> None:
        """What could not be begun, or was in vain, before what waits."""
        assert self.loop is not None, "something was added"
        self._waiting.extendleft(reversed(entries))
        self._is_busy = True
        self._cancel_next()
        if self._task is None:
            self._work(self.loop)

    # -- with a task, which may wait

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = task_of(loop, self._run(), "microagent batch")
        self._task.add_done_callback(self._ended)

    async def _run(self) -> None:
        while entries := self._taken():
            batch = _Batch(entries)
            self._under_way.append(batch)
            results = await self._flushed(batch)
            self._under_way.remove(batch)
            self._tell(batch, results)
            if self._waiting:
                await asyncio.sleep(0)  # who was just told and adds again goes with them, and not in turns with them
        self._task = None
        self._rest_if_idle()

    async def _flushed(self, batch: _Batch[T, R]) -> Results[R]:
        try:
            return await self._flush(batch.items, batch.entries[0][1])
        except Exception as error:  # noqa: BLE001 - it is the senders' to handle
            return [error] * len(batch.entries)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task is self._task:
            self._task = None
            self._give_up()  # it was cancelled

    # --

    def _taken(self) -> list[_Entry[T, R]]:
        """What goes into the next batch."""
        entries: list[_Entry[T, R]] = []
        while self._waiting and not entries:
            taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._limit))]
            entries = [entry for entry in taken if entry[2] is None or not entry[2].cancelled()]
        return entries

    def _tell(self, batch: _Batch[T, R], results: Results[R]) -> None:
        entries = batch.entries
        if len(results) != len(entries):
            results = [ValueError(f"{len(results)} results of {len(entries)} items")] * len(entries)
        for (_, _, waiting), result in zip(entries, results, strict=True):
            if isinstance(result, Exception):
                self._tell_error(waiting, result)
            elif waiting is not None and not waiting.done():  # else its sender has been cancelled
                waiting.set_result(result)

    def _tell_error(self, waiting: "asyncio.Future[R] | None", error: Exception) -> None:
        if waiting is None:
            self._unheard(error)
        elif not waiting.done():
            waiting.set_exception(error)

    def _give_up(self) -> None:
        """What is left: nothing, unless its loop has ended or its task was cancelled."""
        left = BackendConnectionError("closed before it was sent")
        under_way = chain.from_iterable(batch.entries for batch in self._under_way)
        for _, _, waiting in (*under_way, *self._waiting):
            if waiting is not None and not waiting.done() and not waiting.get_loop().is_closed():
                waiting.set_exception(left)
        self._under_way.clear()
        self._waiting.clear()
        self._task = None
        self._cancel_next()
        self._rest_if_idle()

    def _cancel_next(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _rest_if_idle(self) -> None:
        """Wait for what is added next, unless something is under way that it waits for."""
        if not all(batch.is_idle for batch in self._under_way):
            return
        self._is_busy = False
        if self._rest is not None and not self._rest.done() and not self._rest.get_loop().is_closed():
            self._rest.set_result(None)
        self._rest = None
