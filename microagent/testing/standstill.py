"""Taking the time of an event loop into other hands."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from selectors import SelectorKey
from typing import Any, Protocol, TypeAlias

from microagent import wallclock

Events: TypeAlias = list[tuple[SelectorKey, int]]

PATIENCE = 5.0  # real seconds without anything to do, until a test is told that it waits in vain
BUSY = 10.0  # real seconds without a moment's rest, until a test is told that time cannot pass


class Hands(Protocol):
    """What moves the time of a loop."""

    @property
    def wall(self) -> datetime:
        """What the wall clock shows."""
        ...

    def time(self) -> float:
        """What the loop's clock shows."""
        ...

    def pass_until(self, timeout: float | None) -> bool:
        """The loop has nothing to do for ``timeout`` seconds: whether time has been moved."""
        ...


def take(loop: asyncio.AbstractEventLoop, hands: Hands) -> None:
    """
    From now on, time passes in ``loop`` as ``hands`` move it.

    :raises TypeError: if it is none of asyncio's own loops, or its time has been taken already
    """
    parts = vars(loop)
    selector = parts.get("_selector")
    if selector is None or isinstance(selector, _Standstill):
        raise TypeError(f"the time of {loop!r} cannot be taken: it needs a loop of asyncio itself, and is taken once")
    standstill = _Standstill(selector, hands.pass_until)
    parts.update(time=hands.time, run_in_executor=standstill.waiting_for(loop.run_in_executor), _selector=standstill)
    wallclock.hang(loop, lambda: hands.wall)


def give_back(loop: asyncio.AbstractEventLoop) -> None:
    """Real time passes again."""
    parts = vars(loop)
    parts["_selector"] = parts["_selector"].real
    del parts["time"], parts["run_in_executor"]
    wallclock.take_down(loop)


class _Standstill:
    """In the place of a loop's selector, which is where a loop waits: moves time on, or waits for all but time."""

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
        self._look_at(is_idle)
        if is_idle and (self._threads or not self._pass_until(timeout)):
            return self._wait()
        return events

    def _look_at(self, is_idle: bool) -> None:
        now = time.monotonic()
        if is_idle:
            self._idle_at = now
        elif now - self._idle_at > BUSY:
            self._idle_at = now  # for what is left to be cancelled
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

    def waiting_for(self, run_in_executor: Callable[..., "asyncio.Future[Any]"]) -> Callable[..., Any]:
        """The same, time standing still while a thread is at work."""

        def run(*args: Any) -> "asyncio.Future[Any]":
            work = run_in_executor(*args)
            self._threads += 1
            work.add_done_callback(self._ended)
            return work

        return run

    def _ended(self, work: "asyncio.Future[Any]") -> None:
        self._threads -= 1
