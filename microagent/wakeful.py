"""Staying awake for what comes sooner than a process is woken."""

import asyncio
from collections.abc import Callable
from time import monotonic

LONGEST = 100e-6  # seconds to stay awake for one answer of a server
EACH = 4e-6  # seconds more for each that is awaited with it
MOST_SLEPT_THROUGH = 1000  # waits, after many that took longer


class Wakeful:
    """
    Keeps the loop turning while something is awaited that usually comes within microseconds.

    To put a processor to sleep and to wake it takes longer than a server on the same machine, or near it, needs for its
    answer. Whatever else there is to do is done meanwhile. Where it takes longer than ``longest``, the loop sleeps
    through the next waits, through ever more of them as long as that goes on.

    :param awaits: whether something is awaited
    :param longest: seconds of the real time; a loop may have another one, in tests
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, awaits: Callable[[], object], longest: float = LONGEST) -> None:
        self.loop = loop
        self._awaits = awaits
        self._longest = longest
        self._until = 0.0
        self._is_turning = False
        self._to_sleep_through = 0
        self._last_slept_through = 0

    def wait(self, count: int = 1) -> None:
        """So many things are awaited from now on."""
        if self._to_sleep_through:
            self._to_sleep_through -= 1
            return
        self._until = monotonic() + self._longest + count * EACH
        if not self._is_turning:
            self._is_turning = True
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        if not self._awaits():
            self._is_turning = False
            self._last_slept_through = 0
        elif monotonic() < self._until:
            self.loop.call_soon(self._turn)
        else:
            self._is_turning = False
            self._last_slept_through = min(2 * self._last_slept_through + 1, MOST_SLEPT_THROUGH)
            self._to_sleep_through = self._last_slept_through
