"""A clock that tests move by hand: timers, cron, retries, leases and timeouts follow it."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from microagent.testing.looptime import give_back, take_over

A_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


class Clock:
    """
    Replaces the time of the running event loop; it passes only when the test says so::

        async with Clock() as clock:
            await agent.start()
            await clock.advance(3600)

    ``asyncio.sleep``, ``asyncio.timeout`` and everything that agents do follow this clock. Time stands still while a
    thread of the loop's executor works; other processes and servers keep real time. A test that waits for time which
    nobody moves fails instead of hanging. Works with asyncio's own event loops, not with uvloop.

    :param wall: what the wall clock shows at first, timezone-aware; default: Monday, 2024-01-01 00:00 UTC
    """

    def __init__(self, wall: datetime = A_MONDAY) -> None:
        self._now = 0.0
        self._travels: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self.wall = wall

    def time(self) -> float:
        """Seconds on the loop's clock."""
        return self._now

    @property
    def wall(self) -> datetime:
        """What the wall clock shows. Setting it is like correcting a clock: it jumps, and no other time passes."""
        return self._wall + timedelta(seconds=self._now - self._wall_since)

    @wall.setter
    def wall(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError(f"the wall clock needs a time zone, and {moment!r} has none")
        self._wall, self._wall_since = moment.astimezone(UTC), self._now

    async def advance(self, seconds: float) -> None:
        """
        Let ``seconds`` pass. Whatever falls due in between happens at its time; this returns when everything that is
        due by then has been done.

        :raises ValueError: if ``seconds`` is negative
        """
        if seconds < 0:
            raise ValueError("time cannot run backwards; the wall clock can be set back with clock.wall = ...")
        arrival = asyncio.get_running_loop().create_future()
        heapq.heappush(self._travels, (self._now + seconds, next(self._numbers), arrival))
        await arrival

    async def advance_to(self, moment: datetime) -> None:
        """Let time pass until the wall clock shows ``moment``, a timezone-aware time in the future."""
        await self.advance((moment - self.wall).total_seconds())

    async def settle(self) -> None:
        """Return when everything that runs is waiting for time to pass, or for an event from outside."""
        await self.advance(0)

    def block(self, seconds: float) -> None:
        """Let ``seconds`` pass in which the loop does nothing, as if a handler blocked it."""
        self._now += seconds

    def pass_until(self, timeout: float | None) -> bool:
        """
        Called by the loop when it has nothing to do for ``timeout`` seconds (None: until an event comes from outside):
        move time on by that much, or to the end of the nearest ``advance``.

        :return: False if no ``advance`` is under way
        """
        if not self._travels:
            return False
        end, _, arrival = self._travels[0]
        if self._now < end:
            self._now = end if timeout is None else min(end, self._now + timeout)
        else:
            heapq.heappop(self._travels)
            if not arrival.done():
                arrival.set_result(None)
        return True

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        passed = loop.time() - self._now
        self._now += passed
        self._wall_since += passed
        take_over(loop, self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_back(asyncio.get_running_loop())
