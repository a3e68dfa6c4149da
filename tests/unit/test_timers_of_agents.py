"""The timers of whole agents: many of them, a clock that somebody corrects, a loop that does not get on."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from microagent import MicroAgent, cron, periodic
from microagent.testing import Clock, StartAgent

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


class Clerk(MicroAgent):
    """Notes when its methods run."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.runs: list[float] = []

    def note(self) -> None:
        self.runs.append(asyncio.get_running_loop().time())


def many(count: int) -> type[Clerk]:
    """A class with so many periodic methods; the first one has a period of 1 s, the second of 2 s, and so on."""

    def method(number: int):
        @periodic(period=number, start_after=number)
        async def work(self: Clerk) -> None:
            self.note()

        return work

    return type("Busy", (Clerk,), {f"work_{number}": method(number) for number in range(1, count + 1)})


async def test_thousand_periodic_tasks(clock: Clock, start_agent: StartAgent) -> None:
    """
    Each of a thousand tasks runs at its own moments, and stop ends them all.
    """
    agent = await start_agent(many(1000))
    await clock.advance(1000)
    assert len(agent.runs) == sum(1000 // period for period in range(1, 1001))
    await agent.stop()
    await clock.advance(1000)
    assert len(agent.runs) == sum(1000 // period for period in range(1, 1001))


async def test_wall_clock_that_jumps_both_ways(
    clock: Clock, start_agent: StartAgent, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What it is set over runs once and soon, what it is set back over does not run again, and periods do not care.
    """

    class Reporter(Clerk):
        ticks = 0

        @cron("*/10 * * * *")
        async def report(self) -> None:
            self.note()

        @periodic(period=1)
        async def tick(self) -> None:
            self.ticks += 1

    agent, start = await start_agent(Reporter), clock.time()
    await clock.advance(601)
    clock.wall += timedelta(hours=2)
    await clock.advance(60)
    clock.wall -= timedelta(hours=2)
    await clock.advance_to(MONDAY + timedelta(hours=2, minutes=21))

    ran = [round(moment - start) for moment in agent.runs]
    assert ran[0] == 600
    assert 601 <= ran[1] <= 661
    assert ran[2:] == [8400]  # the clock had shown 2:11
    assert agent.ticks == 8461
    assert caplog.text.count("Reporter.report: late by ") == 1


async def test_blocked_loop(clock: Clock, start_agent: StartAgent, caplog: pytest.LogCaptureFixture) -> None:
    """
    After ten seconds in which a loop was blocked each timer runs once, says what it left out, and keeps its rhythm.
    """

    class Blocking(Clerk):
        @periodic(period=1, timeout=60)
        async def tick(self) -> None:
            self.note()
            if len(self.runs) == 3:
                clock.block(10)

        @cron("* * * * *", timeout=60)
        async def report(self) -> None:
            reports.append(clock.wall)

    reports: list[datetime] = []
    clock.wall = MONDAY + timedelta(seconds=51)
    start = clock.time()
    with caplog.at_level(logging.WARNING):
        agent = await start_agent(Blocking)
        await clock.advance(80)

    assert [round(moment - start) for moment in agent.runs[:6]] == [0, 1, 2, 12, 13, 14]
    assert len(agent.runs) == 81 - 9
    assert reports == [MONDAY + timedelta(minutes=1, seconds=3), MONDAY + timedelta(minutes=2)]
    assert "Blocking.tick: the event loop was blocked, 9 runs are skipped" in caplog.text
