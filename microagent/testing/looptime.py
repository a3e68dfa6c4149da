"""Replaces the clock of a running event loop, so that a test decides when time passes."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from selectors import SelectorKey
from typing import Any, Protocol, TypeAlias

from microagent import wallclock

Events: TypeAlias = list[tuple[SelectorKey, int]]

PATIENCE = 5.0  # real seconds without any event, until the test fails because nothing will ever happen
BUSY = 10.0  # real seconds in which the loop is never idle, until the test fails because time cannot pass


class TimeSource(Protocol):
    """The clock that a loop is given."""

    @property
    def wall(self) -> datetime:
        """What the wall clock shows."""
        ...

    def time(self) -> float:
        """Seconds on the loop's clock."""
        ...

    def pass_until(self, timeout: float | None) -> bool:
        """
        Called when the loop is idle for the next ``timeout`` seconds (None: until an event comes from outside).

        :return: whether time was moved
        """
        ...


def take_over(loop: asyncio.AbstractEventLoop, source: TimeSource) -> None:
    """
    Make ``source`` the clock of ``loop``, until :func:`give_back`.

    :raises TypeError: if the loop is not one of asyncio's own, or has been taken over already
    """
    attributes = vars(loop)
    selector = attributes.get("_selector")
    if selector is None or isinstance(selector, _TimelessSelector):
        raise TypeError(f"the time of {loop!r} cannot be taken: it needs a loop of asyncio itself, and is taken once")
    timeless = _TimelessSelector(selector, source.pass_until)
    attributes.update(time=source.time, run_in_executor=timeless.counting(loop.run_in_executor), _selector=timeless)
    wallclock.install(loop, lambda: source.wall)


def give_back(loop: asyncio.AbstractEventLoop) -> None:
    """Give the loop its own clock again."""
    attributes = vars(loop)
    attributes["_selector"] = attributes["_selector"].real
    del attributes["time"], attributes["run_in_executor"]
    wallclock.uninstall(loop)


class _TimelessSelector:
    """
    Stands in for the selector, which is where a loop waits: when the loop is idle, it moves time on instead of waiting,
    and waits only for events from outside, such as sockets and threads.
    """

    def __init__(self, real: Any, pass_until: Callable[[float | None], bool]) -> None:
        self.real = real
        self._pass_until = pass_until
        self._threads = 0
        self._idle_at = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def select(self, timeout: float | None = None) -> Events:
        events: Events = self.real.select(0)
        is_idle = not events and (timeout is None or timeout > 0)
        self._check_busy(is_idle)
        if is_idle and (self._threads or not self._pass_until(timeout)):
            return self._wait()
        return events

    def _check_busy(self, is_idle: bool) -> None:
        now = time.monotonic()
        if is_idle:
            self._idle_at = now
        elif now - self._idle_at > BUSY:
            self._idle_at = now  # so that the cancellation of what is left gets its turn
            raise RuntimeError(
                f"something keeps the loop busy for {BUSY:g} real seconds, so that no time can pass: "
                "a loop around 'await asyncio.sleep(0)', for instance"
            )

    def _wait(self) -> Events:
        events: Events = self.real.select(PATIENCE)
        if not events and not self._threads:
            raise RuntimeError(
                "the test waits for time, which stands still, or for something that never happens; "
                "time passes with clock.advance(seconds)"
            )
        return events

    def counting(self, run_in_executor: Callable[..., "asyncio.Future[Any]"]) -> Callable[..., Any]:
        """``loop.run_in_executor``; time stands still while one of its threads works."""

        def run(*args: Any) -> "asyncio.Future[Any]":
            work = run_in_executor(*args)
            self._threads += 1
            work.add_done_callback(self._thread_ended)
            return work

        return run

    def _thread_ended(self, work: "asyncio.Future[Any]") -> None:
        self._threads -= 1
