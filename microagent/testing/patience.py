"""Waiting for what has to come true."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PAUSE = 0.005


@overload
async def until(condition: Callable[[], Awaitable[T]], timeout: float = 5.0) -> T: ...
@overload
async def until(condition: Callable[[], T], timeout: float = 5.0) -> T: ...
async def until(condition: Callable[[], Any], timeout: float = 5.0) -> Any:
    """
    What ``condition()`` gives, as soon as that is true::

        (letter,) = await until(broker.mailer.dead)
        await until(lambda: agent.greeted == ["a@example.org"])

    :param condition: called again and again; what it returns may have to be awaited
    :param timeout: real seconds, also where a :class:`Clock` moves the time
    :raises AssertionError: if it does not come true in time
    """
    deadline = time.monotonic() + timeout
    while not (value := await _value(condition)):
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {timeout:g} s: {_shown(condition)} is still {value!r}")
        await asyncio.to_thread(time.sleep, PAUSE)  # a thread has real time, whatever the loop's is
    return value


async def _value(condition: Callable[[], Any]) -> Any:
    value = condition()
    return await value if inspect.isawaitable(value) else value


def _shown(condition: Callable[[], Any]) -> str:
    """Its source, if it is a line that can be found, or its name."""
    try:
        lines, _ = inspect.getsourcelines(condition)
    except (OSError, TypeError):
        lines = []
    return f"`{lines[0].strip()}`" if len(lines) == 1 else getattr(condition, "__qualname__", repr(condition))
