"""The time on the wall, which tests move by hand."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

WallClock = Callable[[], datetime]

_hung: "WeakKeyDictionary[asyncio.AbstractEventLoop, WallClock]" = WeakKeyDictionary()


def real_now() -> datetime:
    """The time that this machine shows."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time now, with its zone; what runs in a loop with a wall clock of its own is told the time of that."""
    return _clock()() if _hung else real_now()


def hang(loop: asyncio.AbstractEventLoop, clock: WallClock) -> None:
    """From now on, ``clock`` says what time it is to whatever runs in this loop."""
    _hung[loop] = clock


def take_down(loop: asyncio.AbstractEventLoop) -> None:
    """The loop has the real time again."""
    _hung.pop(loop, None)


def _clock() -> WallClock:
    try:
        return _hung.get(asyncio.get_running_loop(), real_now)
    except RuntimeError:  # no loop runs here
        return real_now
