"""Background tasks that have an owner."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from microagent.beginning import begun

T = TypeVar("T")

GRACE = 2.0
PAUSE = 1.0  # seconds until a task that is to go on and has ended begins again


def is_cancelled() -> bool:
    """Whether it is the current task that is to end, where a CancelledError may also come from what it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def task_of(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
    """
    A task of the running loop, which ends with it.

    ``asyncio.run`` cancels the tasks that it finds when it ends; those that these begin in turn, to hand something back
    for example, it would leave pending.
    """
    task = loop.create_task(work, name=name)
    end = _end_of(loop)
    end.tasks.add(task)
    task.add_done_callback(end.tasks.discard)
    return task


class Closable(Protocol):
    """Something that is closed with the loop that it was opened on."""

    async def close(self) -> None:
        """Let go of everything; doing it again does nothing."""


def close_with(loop: asyncio.AbstractEventLoop, opened: Closable) -> None:
    """
    Close ``opened`` when the running loop ends, if nobody has closed it by then and it is still in use.

    For what other processes notice: to them it would seem to be there, and not to answer.
    """
    _end_of(loop).opened.add(opened)


class _End:
    """Cancels and closes what is left when a loop ends, which asynchronous generators are told."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self.opened: WeakSet[Closable] = WeakSet()
        self._notice: AsyncGenerator[None, None] | None = self._noticed()
        with suppress(StopIteration):
            self._notice.asend(None).send(None)  # on to where it waits

    async def _noticed(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._notice = None  # it knows the loop, which would never be forgotten
            for task in self.tasks:
                task.cancel()
            if self.tasks:
                await asyncio.wait(self.tasks)
            for each in tuple(self.opened):
                await each.close()


_ends: WeakKeyDictionary[asyncio.AbstractEventLoop, _End] = WeakKeyDictionary()


def _end_of(loop: asyncio.AbstractEventLoop) -> _End:
    if (end := _ends.get(loop)) is None:
        end = _ends[loop] = _End()
    return end


class Tasks:
    """
    The background tasks of one owner: kept while they run, reported when they fail, ended when the owner closes.

    :param log: gets one line with a traceback for every task that fails
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[Any]] = set()
        self._kept: list[Kept] = []
        self._left: set[asyncio.Task[Any]] = set()  # behind: they have ignored a cancellation
        self._emptied: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str, *, at_once: bool = False) -> asyncio.Task[Any]:
        """
        A task that runs ``coroutine``; needs the running loop.

        :param at_once: it begins now, and not in the next turn of the loop
        """
        loop = asyncio.get_running_loop()
        task = begun(loop, coroutine, name) if at_once else loop.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def keep(self, make: Callable[[], Coroutine[Any, Any, None]], name: str) -> "Kept":
        """A task that runs as long as its owner does: however it ends, it begins again."""
        kept = Kept(self, make, name, self._log)
        self._kept.append(kept)
        return kept

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        self._discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("Task %s failed", task.get_name(), exc_info=error)

    def leave_behind(self, task: asyncio.Task[Any]) -> None:
        """A task has ignored its cancellation, which the log says; ``drain`` does not wait for it any more."""
        self._log.error("Task %s ignores its cancellation and is left behind", task.get_name())
        if not task.done():
            self._left.add(task)
        self._discard(task)

    def _discard(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not self._tasks and self._emptied is not None and not self._emptied.done():
            self._emptied.set_result(None)

    async def drain(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds until none is left but those left behind; how many still run."""
        if self._tasks:
            if self._emptied is None or self._emptied.done():
                self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._emptied], timeout=timeout)
        return len(self._tasks)

    async def cancel(self, grace: float = GRACE) -> int:
        """
        Cancel all of them and wait up to ``grace`` seconds.

        :return: how many ignored it; each is named in the log
        """
        for kept in self._kept:
            kept.release()
        self._kept.clear()
        ended = self._tasks | self._left
        for task in ended:
            task.cancel()
        if ended:
            await asyncio.wait(ended, timeout=grace)
        wedged = len(self._tasks | self._left)
        for task in tuple(self._tasks):
            self.leave_behind(task)
        self._left.clear()
        return wedged


class Kept:
    """
    A task that begins again a second after it ended, until it is released.

    :ivar task: the one that runs, or ran last
    """

    def __init__(
        self, tasks: Tasks, make: Callable[[], Coroutine[Any, Any, None]], name: str, log: logging.Logger
    ) -> None:
        self._tasks = tasks
        self._make = make
        self._name = name
        self._log = log
        self._is_released = False
        self._begin()

    @property
    def is_running(self) -> bool:
        return not self.task.done()

    def release(self) -> None:
        """From now on it may end."""
        self._is_released = True

    def _begin(self) -> None:
        self.task: asyncio.Task[Any] = self._tasks.spawn(self._make(), self._name)
        self.task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not self._is_released:
            task.get_loop().call_later(PAUSE, self._begin_again)

    def _begin_again(self) -> None:
        if not self._is_released:
            self._log.error("Task %s had ended, and begins again", self._name)
            self._begin()
