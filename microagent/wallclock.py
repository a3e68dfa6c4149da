"""The wall clock, which tests can replace for one event loop."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

WallClock = Callable[[], datetime]

_installed: "WeakKeyDictionary[asyncio.AbstractEventLoop, WallClock]" = WeakKeyDictionary()


def real_now() -> datetime:
    """The time of this machine, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time now, timezone-aware: that of the clock installed for the running loop, else the real one."""
    return _clock()() if _installed else real_now()


def install(loop: asyncio.AbstractEventLoop, clock: WallClock) -> None:
    """Make ``clock`` the wall clock of all that runs in ``loop``."""
    _installed[loop] = clock


def uninstall(loop: asyncio.AbstractEventLoop) -> None:
    """Give ``loop`` the real time again."""
    _installed.pop(loop, None)


def _clock() -> WallClock:
    try:
        return _installed.get(asyncio.get_running_loop(), real_now)
    except RuntimeError:  # no loop runs here
        return real_now
