"""Work that begins at once, and not in the next turn of the loop."""

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Coroutine, Generator
from contextvars import copy_context
from typing import Any, TypeVar, cast

T = TypeVar("T")


def begun(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
    """
    A task of the running loop that has come to where it waits for something, or to its end, when this returns.

    Python 3.12 has ``eager_start`` for it; this is the same for 3.11, by what asyncio has for tasks of other makes.
    """
    rest, context = _Rest(work), copy_context()
    task = loop.create_task(rest, name=name, context=context)
    outer = asyncio.current_task(loop)
    if outer is not None:
        _leave_task(loop, outer)
    _enter_task(loop, task)
    try:
        context.run(rest.begin)
    finally:
        _leave_task(loop, task)
        if outer is not None:
            _enter_task(loop, outer)
    return task


def at_once(work: Coroutine[Any, Any, T]) -> T | None:
    """What it gives, if it waits for nothing; else None, and it is ended where it would begin to wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    return None


class _Rest(Coroutine[Any, Any, T]):
    """What is left of work whose first step is done by somebody else."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._is_told = False  # what came of the first step
        self._awaited: Any = None
        self._end: BaseException | None = None

    def begin(self) -> None:
        try:
            self._awaited = self._work.send(None)
        except BaseException as end:  # noqa: BLE001 - it is raised to the task
            self._end = end
        self._mark(is_awaited=False)  # not until the task does: others may wait for the same future meanwhile

    def send(self, value: Any) -> Any:
        if self._is_told:
            return self._work.send(value)
        self._is_told = True
        if self._end is not None:
            raise self._end
        self._mark(is_awaited=True)
        return self._awaited

    def _mark(self, *, is_awaited: bool) -> None:
        """As a future marks itself for the task that awaits it."""
        if asyncio.isfuture(self._awaited):
            self._awaited._asyncio_future_blocking = is_awaited

    def throw(self, *error: Any) -> Any:
        self._is_told = True
        if self._end is not None:
            raise self._end
        return self._work.throw(*error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, T]:
        raise NotImplementedError  # for tasks alone
