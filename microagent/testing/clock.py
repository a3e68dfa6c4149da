"""A clock that tests move by hand: timers, cron, retries, leases and timeouts follow it."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from microagent.testing.standstill import give_back, take

A_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


class Clock:
    """
    The time of the running loop, which passes as a test says and not otherwise::

        async with Clock() as clock:
            await agent.start()
            await clock.advance(3600)

    Whatever waits for time waits for this one: ``asyncio.sleep``, ``asyncio.timeout``, and all that agents do. Threads
    of the loop's executor are waited for; other processes and servers have a time of their own. A test that waits for
    time which nobody moves fails, it does not hang. For the loops of asyncio itself, not for uvloop's.

    :param wall: what the wall clock shows at first, with its zone; midnight of a Monday by default
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
        """What the wall clock shows. When it is set it jumps, as if somebody corrected it: no other time passes."""
        return self._wall + timedelta(seconds=self._now - self._wall_since)

    @wall.setter
    def wall(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError(f"a wall clock is somewhere: {moment!r} needs a time zone")
        self._wall, self._wall_since = moment.astimezone(UTC), self._now

    async def advance(self, seconds: float) -> None:
        """
        Let so much time pass. What falls due happens at its moment; when this returns, nothing is left to do at the
        last one.
        """
        if seconds < 0:
            raise ValueError("time does not run backwards; what can be set is the wall clock: clock.wall = ...")
        arrival = asyncio.get_running_loop().create_future()
        heapq.heappush(self._travels, (self._now + seconds, next(self._numbers), arrival))
        await arrival

    async def advance_to(self, moment: datetime) -> None:
        """Let time pass until the wall clock shows ``moment``."""
        await self.advance((moment - self.wall).total_seconds())

    async def settle(self) -> None:
        """Return when nothing is left to do but to wait for time."""
        await self.advance(0)

    def block(self, seconds: float) -> None:
        """Let time pass in which nothing can happen, as when a handler computes without an ``await``."""
        self._now += seconds

    def pass_until(self, timeout: float | None) -> bool:
        """
        Move on by ``timeout`` seconds, in which the loop has nothing to do (None: it never has), or to the end of an
        ``advance`` that is nearer.

        :return: False if nobody lets time pass
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
        take(loop, self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        give_back(asyncio.get_running_loop())
