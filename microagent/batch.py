"""Sharing round trips: what waits at the same time goes out in one call."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

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
    """

    def __init__(
        self, flush: Callable[[list[T], float], Awaitable[Sequence[R | Exception]]], limit: int = 1000
    ) -> None:
        self._flush = flush
        self._limit = limit
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
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._waiting.clear()  # what an earlier loop left behind
            self._task = loop.create_task(self._run(), name="microagent batch")
        self._waiting.append(_Entry(item, loop.time(), result))

    async def drain(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until all is through; whether it is."""
        task = self._task
        if task is None or task.done():
            return True
        await asyncio.wait([task], timeout=timeout)
        return task.done()

    async def cancel(self) -> None:
        """Give up what still waits: its senders are cancelled."""
        task = self._task
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        batch: list[_Entry[T, R]] = []
        try:
            while batch := self._next():
                await self._send(batch)
        finally:  # the normal end has nothing left; a cancellation has
            for entry in (*batch, *self._waiting):
                if entry.result is not None:
                    entry.result.cancel()
            self._waiting.clear()
            self._task = None

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
        except Exception as error:  # noqa: BLE001 - it is the senders' to handle
            results = [error] * len(batch)
        for entry, result in zip(batch, results, strict=True):
            if entry.result is None or entry.result.done():
                continue
            if isinstance(result, Exception):
                entry.result.set_exception(result)
            else:
                entry.result.set_result(result)
