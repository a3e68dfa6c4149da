"""The timers that run the periodic and cron methods of an agent."""

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

LONGEST_NAP = 60.0  # seconds until a change of the wall clock is noticed
CORRECTION = timedelta(hours=3)  # cron(8): a clock set back by more than this was wrong before


class Agent(Protocol):
    """The part of an agent that a timer needs."""

    @property
    def log(self) -> logging.Logger: ...


class _Timer(ABC):
    """
    Runs a handler on a schedule; a run that takes longer than the period does not delay the next one.

    :param agent: passed to the handler; failed runs are logged with its logger
    :param timeout: seconds that one run may take
    :param tasks: owns the runs, and is drained by whoever passes it; None: one of its own
    :param deadlines: ends runs at the timeout; None: one of its own
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
        """Schedule the first run on the running loop; does nothing if it is started."""
        if self._timer is None:
            self._timer = self._first(asyncio.get_running_loop())

    def stop(self) -> None:
        """Start no more runs; those that have begun go on."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What ``MicroAgent.info()`` says about it, as JSON-compatible values."""

    @abstractmethod
    def _first(self, loop: asyncio.AbstractEventLoop) -> asyncio.TimerHandle: ...

    def _begin(self) -> None:
        self._tasks.spawn(self._run(), self.name)

    async def _run(self) -> None:
        if self._timer is None:  # stopped in the meantime
            return
        outcome = await run(lambda: self.handler(self.agent), self.timeout, self._deadlines, self._abandon, self.agent)
        log_failure(self.agent.log, self.name, outcome)

    def _abandon(self, outcome: Outcome, task: "asyncio.Task[Any]") -> None:
        self._tasks.leave_behind(task)


class PeriodicTask(_Timer):
    """
    Runs ``handler(agent)`` at ``start_after + n * period`` seconds after the start, on the loop's clock, without drift.

    Of the runs that fall due while the loop is blocked, one is made up for; the log says how many are skipped.

    :param period: seconds from the start of one run to the start of the next
    :param start_after: seconds until the first run
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


class CRONTask(_Timer):
    """
    Runs ``handler(agent)`` at the times of ``cron``, on the wall clock.

    A change of the wall clock is noticed within a minute. If it is set forward, the runs it skips are made up for by
    one. If it is set back by up to three hours, nothing runs twice; if by more, it was wrong before, and the schedule
    starts anew.

    :param cron: the schedule
    :param wall_clock: returns the time now, timezone-aware
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
        """Seconds until the next run."""
        now = self._now()
        return (self.cron.next(now) - now).total_seconds()

    @property
    def period(self) -> float:
        """Seconds until the next run, as for ``start_after``: cron has no fixed period."""
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
            self.agent.log.warning(
                "%s: late by %s, the runs due since then are made up for by one", self.name, now - due
            )

    def _now(self) -> datetime:
        # In UTC: the difference of two datetimes of the same zone ignores changes of its clocks.
        return self._wall_clock().astimezone(UTC)
