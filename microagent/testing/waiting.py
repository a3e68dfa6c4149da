"""Waits in a test until a condition is true."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PAUSE = 0.005  # seconds between two calls of the condition


@overload
async def until(condition: Callable[[], Awaitable[T]], timeout: float = 5.0) -> T: ...
@overload
async def until(condition: Callable[[], T], timeout: float = 5.0) -> T: ...
async def until(condition: Callable[[], Any], timeout: float = 5.0) -> Any:
    """
    Wait until ``condition()`` is true; return its value::

        (letter,) = await until(broker.mailer.dead)
        await until(lambda: agent.greeted == ["a@example.org"])

    :param condition: a function, called every few milliseconds; an awaitable that it returns is awaited
    :param timeout: in real seconds, even under a :class:`Clock`
    :raises AssertionError: if the condition is still false then
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
    """The source of a condition, if it is a single line that can be found, else its name."""
    try:
        lines, _ = inspect.getsourcelines(condition)
    except (OSError, TypeError):
        lines = []
    return f"`{lines[0].strip()}`" if len(lines) == 1 else getattr(condition, "__qualname__", repr(condition))
