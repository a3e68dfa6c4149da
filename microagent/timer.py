"""Chains of timers that run the periodic and cron methods of an agent."""

import asyncio
import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from microagent import wallclock
from microagent.counted import CountedLog
from microagent.execution import Deadlines, Outcome, log_failure, run
from microagent.schedule import Cron, Every
from microagent.tasks import Tasks

LONGEST_NAP = 60.0  # seconds until a changed wall clock is noticed
CORRECTION = timedelta(hours=3)  # cron(8): a wall clock set back by more was wrong before


class Agent(Protocol):
    """What a timer needs of its agent."""

    @property
    def log(self) -> logging.Logger: ...


class _Chain(ABC):
    """
    Timers of which each sets the next before it runs the handler; runs that overlap know nothing of each other.

    :param agent: the argument of the handler; its log gets failed runs
    :param timeout: seconds that one run may take
    :param tasks: owns the runs; who passes it drains it
    :param deadlines: of the loop that this is started in
    """

    def __init__(
        self,
        agent: Agent,
        handler: Callable[[Any], Awaitable[None]],
        timeout: float,
        tasks: Tasks | None,
        deadlines: Deadlines | None,
    ) -> None:
        self.agent = agent
        self.handler = handler
        self.timeout = timeout
        self.name: str = f"{type(agent).__name__}.{getattr(handler, '__name__', type(handler).__name__)}"
        self._tasks = Tasks(agent.log) if tasks is None else tasks
        self._deadlines = Deadlines() if deadlines is None else deadlines
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Set the first timer, in the running loop; nothing if one is set already."""
        if self._timer is None:
            self._timer = self._first(asyncio.get_running_loop())

    def stop(self) -> None:
        """No run begins any more; those that began go on, as tasks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What ``info()`` says of it; JSON can hold it."""

    @abstractmethod
    def _first(self, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle: ...

    def _begin(self) -> None:
        self._tasks.spawn(self._run(), self.name)

    async def _run(self) -> None:
        if self._timer is None:  # stopped since this moment
            return
        outcome = await run(lambda: self.handler(self.agent), self.timeout, self._deadlines, self._abandon, self.agent)
        log_failure(self.agent.log, self.name, outcome)

    def _abandon(self, outcome: Outcome, task: "asyncio.Task[Any]") -> None:
        self._tasks.leave_behind(task)


class PeriodicTask(_Chain):
    """
    Runs ``handler(agent)`` at ``start_after + n * period`` seconds after the start, on the loop's clock.

    With ``start_after`` 0 the first run is at once. Delays do not add up. Of the moments that pass while the loop is
    blocked one is run, and the log tells how many are not.

    :raises ScheduleError: if ``period`` is not a finite number above 0
    """

    def __init__(
        self,
        agent: Agent,
        handler: Callable[[Any], Awaitable[None]],
        period: float,
        timeout: float,
        start_after: float = 0,
        *,
        tasks: Tasks | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        super().__init__(agent, handler, timeout, tasks, deadlines)
        self.period: float = Every(period).period
        self.start_after = start_after
        self._skipped = CountedLog(
            agent.log, "%s: the event loop was blocked, %d runs are skipped", arguments=(self.name,)
        )

    def describe(self) -> dict[str, Any]:
        return {
            "handler": self.name,
            "period": self.period,
            "timeout": self.timeout,
            "start_after": self.start_after,
        }

    def _first(self, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle:
        start = loop.time() + self.start_after
        return loop.call_at(start, self._fire, loop, start, 0)

    def _fire(self, loop: asyncio.AbstractEventLoop, start: float, count: int) -> None:
        passed = max(count, math.floor((loop.time() - start) / self.period))  # a timer may fire a little early
        self._skipped.add(passed - count)
        self._timer = loop.call_at(start + (passed + 1) * self.period, self._fire, loop, start, passed + 1)
        self._begin()


class CRONTask(_Chain):
    """
    Runs ``handler(agent)`` at the moments of ``cron``, on the wall clock.

    A changed wall clock is followed within a minute. Set forward, it runs once what it passes over. Set back by up to
    three hours, it runs no moment twice; set back by more, it was wrong before, and the schedule begins anew.

    :param wall_clock: the time now, with its zone
    """

    def __init__(
        self,
        agent: Agent,
        handler: Callable[[Any], Awaitable[None]],
        cron: Cron,
        timeout: float,
        *,
        tasks: Tasks | None = None,
        deadlines: Deadlines | None = None,
        wall_clock: Callable[[], datetime] = wallclock.now,
    ) -> None:
        super().__init__(agent, handler, timeout, tasks, deadlines)
        self.cron = cron
        self._wall_clock = wall_clock

    @property
    def start_after(self) -> float:
        """Seconds until the next moment."""
        now = self._now()
        return (self.cron.next(now) - now).total_seconds()

    @property
    def period(self) -> float:
        """Seconds until the next moment."""
        return self.start_after

    def describe(self) -> dict[str, Any]:
        return {"handler": self.name, "cron": self.cron.spec, "tz": str(self.cron.tz), "timeout": self.timeout}

    def _first(self, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle:
        now = self._now()
        return self._nap(loop, now, self.cron.next(now))

    def _nap(self, loop: asyncio.AbstractEventLoop, now: datetime, due: datetime) -> asyncio.TimerHandle:
        return loop.call_later(min((due - now).total_seconds(), LONGEST_NAP), self._wake, loop, now, due)

    def _wake(self, loop: asyncio.AbstractEventLoop, before: datetime, due: datetime) -> None:
        now = self._now()
        if now >= due:
            self._warn_of_skipped(due, now)
            self._timer = self._nap(loop, now, self.cron.next(now))
            self._begin()
        else:
            is_corrected = now < before - CORRECTION
            self._timer = self._nap(loop, now, self.cron.next(now) if is_corrected else due)

    def _warn_of_skipped(self, due: datetime, now: datetime) -> None:
        if self.cron.next(due) <= now:
            self.agent.log.warning("%s: late by %s, the moments since then run once", self.name, now - due)

    def _now(self) -> datetime:
        # In UTC, because the difference of two datetimes of one zone overlooks changes of its clocks.
        return self._wall_clock().astimezone(UTC)
