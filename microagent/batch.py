"""Sharing round trips: what waits at the same time goes out in one call."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from microagent.errors import BackendConnectionError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class _Entry(Generic[T, R]):
    item: T
    since: float
    result: "asyncio.Future[R] | None"

    @property
    def abandoned(self) -> bool:
        return self.result is not None and self.result.cancelled()


class Batcher(Generic[T, R]):
    """
    Collects items and hands them to ``flush`` together, one batch at a time, in order.

    The first item of a quiet time is flushed in the same turn of the loop, together with all that was added in it; what
    comes while a flush is under way goes out with the next one.

    :param flush: ``flush(items, since)`` gives a result for each item, or an exception in its place; ``since`` is when
        the oldest of them was added, on the loop's clock. What it raises is the result of each item.
    :param limit: most items in one batch
    :param unheard: called with the error of an item that nobody waits for
    """

    def __init__(
        self,
        flush: Callable[[list[T], float], Awaitable[Sequence[R | Exception]]],
        limit: int = 1000,
        unheard: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self._flush = flush
        self._limit = limit
        self._unheard = unheard
        self._under_way: list[_Entry[T, R]] = []
        self._waiting: deque[_Entry[T, R]] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, item: T) -> "asyncio.Future[R]":
        """The result of ``item``, as soon as its batch is through. Cancelled before that, it is not sent."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._append(item, result)
        return result

    def post(self, item: T) -> None:
        """Send ``item`` along; nobody waits for its result."""
        self._append(item, None)

    def _append(self, item: T, result: "asyncio.Future[R] | None") -> None:
        loop = asyncio.get_running_loop()
        if self._sending() is None:
            self._give_up()  # what an earlier loop left behind
            self._task = loop.create_task(self._run(), name="microagent batch")
            self._task.add_done_callback(self._ended)
        self._waiting.append(_Entry(item, loop.time(), result))

    async def drain(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until all is through; whether it is."""
        if (task := self._sending()) is None:
            return True
        await asyncio.wait([task], timeout=timeout)
        return task.done()

    async def cancel(self) -> None:
        """Give up what still waits; its senders get a BackendConnectionError."""
        if (task := self._sending()) is None:
            self._give_up()
        else:
            task.cancel()
            await asyncio.wait([task])

    def _sending(self) -> "asyncio.Task[None] | None":
        """The task that sends, if there is one on this loop."""
        task = self._task
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            return None
        return task

    async def _run(self) -> None:
        while batch := self._next():
            self._under_way = batch
            await self._send(batch)
            self._under_way = []

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if task is self._task:
            self._task = None
            self._give_up()

    def _give_up(self) -> None:
        """What is left when a task has ended, which is nothing unless it was cancelled."""
        for entry in (*self._under_way, *self._waiting):
            if entry.result is not None and not entry.result.done() and not entry.result.get_loop().is_closed():
                entry.result.set_exception(BackendConnectionError("closed before it was sent"))
        self._under_way = []
        self._waiting.clear()

    def _next(self) -> list[_Entry[T, R]]:
        batch: list[_Entry[T, R]] = []
        while self._waiting and len(batch) < self._limit:
            entry = self._waiting.popleft()
            if not entry.abandoned:
                batch.append(entry)
        return batch

    async def _send(self, batch: list[_Entry[T, R]]) -> None:
        try:
            results = await self._flush([entry.item for entry in batch], batch[0].since)
            told = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001 - it is the senders' to handle
            told = [(entry, error) for entry in batch]
        for entry, result in told:
            self._tell(entry, result)

    def _tell(self, entry: _Entry[T, R], result: R | Exception) -> None:
        if entry.result is None:
            if isinstance(result, Exception):
                self._unheard(result)
        elif entry.result.done():
            pass  # its sender has been cancelled
        elif isinstance(result, Exception):
            entry.result.set_exception(result)
        else:
            entry.result.set_result(result)
