"""Chains of timers, on a loop whose time passes only when nothing else is left to do."""

import asyncio
import functools
import json
import logging
import selectors
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from microagent.errors import ScheduleError
from microagent.execution import Deadlines
from microagent.schedule import Cron
from microagent.tasks import Tasks
from microagent.timer import CRONTask, PeriodicTask

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class TimelessSelector(selectors.DefaultSelector):
    """Never waits: time that the loop would have waited for is added to its clock."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            assert timeout is not None, "nothing is left to happen"
            self.passed += max(timeout, 0)
        return events


class TimelessLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.selector = TimelessSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.passed


def clock() -> float:
    return asyncio.get_running_loop().time()


def block(seconds: float) -> None:
    """What a handler does that computes for so long without an await."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TimelessLoop)
    loop.selector.passed += seconds


def timeless(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test on a loop of its own whose time is not real."""

    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        async def body() -> None:
            await test(**fixtures)

        with asyncio.Runner(loop_factory=TimelessLoop) as runner:
            runner.run(body())

    return run


class WallClock:
    """Noon at the start of the loop; ``shift`` sets it, ``rate`` makes it slow."""

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate
        self.shift = timedelta(0)

    def __call__(self) -> datetime:
        return NOON + timedelta(seconds=clock() * self.rate) + self.shift


class Clerk:
    """An agent, as far as timers know it."""

    def __init__(self) -> None:
        self.log = logging.getLogger("clerk")
        self.runs: list[float] = []

    async def work(self) -> None:
        self.runs.append(clock())


@contextmanager
def started(*timers: PeriodicTask | CRONTask) -> Generator[None, None, None]:
    for timer in timers:
        timer.start()
    yield
    for timer in timers:
        timer.stop()


async def until(moment: float) -> None:
    """Let everything happen that is due before ``moment`` on the loop's clock."""
    await asyncio.sleep(moment - clock())


# -- periodic


@timeless
async def test_first_run_is_after_start_after_and_the_others_a_period_apart() -> None:
    """
    Runs begin at start_after, start_after + period, and so on, counted from the start.
    """
    clerk = Clerk()
    await until(100)

    with started(PeriodicTask(clerk, Clerk.work, 15, 10, 3)):
        await until(140)

    assert clerk.runs == [103, 118, 133]


@timeless
async def test_first_run_is_at_once_without_start_after() -> None:
    """
    start_after is 0 by default: the first run does not wait for a period.
    """
    clerk = Clerk()

    with started(PeriodicTask(clerk, Clerk.work, 5, 1)):
        await until(6)

    assert clerk.runs == [0, 5]


@timeless
async def test_delays_do_not_add_up() -> None:
    """
    A loop that is busy at each moment runs late, but the thousandth run is no later than the first.
    """

    class Busy(Clerk):
        async def work(self) -> None:
            await super().work()
            block(0.04)

    clerk = Busy()
    with started(PeriodicTask(clerk, Busy.work, 0.1, 1, 0.1), PeriodicTask(clerk, Busy.work, 0.1, 1, 0.1)):
        await until(100.05)

    assert len(clerk.runs) == 2000
    assert clerk.runs[-1] == pytest.approx(100.04)


@timeless
async def test_moments_of_a_blocked_loop_are_skipped(caplog: pytest.LogCaptureFixture) -> None:
    """
    After a loop was blocked for several periods there is one run, one line that counts the others, and the old rhythm.
    """

    class Blocking(Clerk):
        async def work(self) -> None:
            await super().work()
            if len(self.runs) == 2:
                block(35)

    clerk = Blocking()
    with started(PeriodicTask(clerk, Blocking.work, 10, 100)):
        await until(65)

    assert clerk.runs == [0, 10, 45, 50, 60]
    assert [record.message for record in caplog.records if "skipped" in record.message] == [
        "Blocking.work: the event loop was blocked, 2 runs are skipped"
    ]


@timeless
async def test_runs_that_overlap_are_independent() -> None:
    """
    A run that takes longer than a period does not put off the next one.
    """
    ended: list[float] = []

    class Slow(Clerk):
        async def work(self) -> None:
            await super().work()
            await asyncio.sleep(25)
            ended.append(clock())

    clerk = Slow()
    with started(PeriodicTask(clerk, Slow.work, 10, 30)):
        await until(46)

    assert clerk.runs == [0, 10, 20, 30, 40]
    assert ended == [25, 35, 45]


@timeless
async def test_failed_run_is_logged_and_followed_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    """
    An exception goes to the agent's log with its traceback, and the next run begins as if nothing had been.
    """

    class Failing(Clerk):
        async def work(self) -> None:
            await super().work()
            raise LookupError("no paper")

    clerk = Failing()
    with started(PeriodicTask(clerk, Failing.work, 10, 1)):
        await until(15)

    assert clerk.runs == [0, 10]
    assert [(record.name, record.levelname) for record in caplog.records] == [("clerk", "ERROR")] * 2
    assert "Failing.work" in caplog.text
    assert "LookupError: no paper" in caplog.text
    assert "Traceback" in caplog.text


@timeless
async def test_run_is_ended_at_its_timeout(caplog: pytest.LogCaptureFixture) -> None:
    """
    A run that takes longer than its timeout is cancelled, and the log says so.
    """
    ended: list[float] = []

    class Stuck(Clerk):
        async def work(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(clock())

    with started(PeriodicTask(Stuck(), Stuck.work, 10, 2)):
        await until(15)

    assert ended == [2, 12]
    assert caplog.text.count("Stuck.work was ended") == 2


@timeless
async def test_no_run_begins_after_stop() -> None:
    """
    Once stop has returned nothing begins: neither the first run nor the next.
    """
    clerk = Clerk()
    timer = PeriodicTask(clerk, Clerk.work, 10, 1)

    with started(timer):
        await until(15)
    with started(PeriodicTask(clerk, Clerk.work, 10, 1)):
        pass
    await until(100)

    assert clerk.runs == [0, 10]


@timeless
async def test_moment_of_a_stop_begins_nothing() -> None:
    """
    A run whose timer fired in the very tick of the stop does not begin.
    """
    clerk = Clerk()
    tasks = Tasks(clerk.log)
    timer = PeriodicTask(clerk, Clerk.work, 10, 1, 10, tasks=tasks)
    timer.start()
    asyncio.get_running_loop().call_at(10, timer.stop)
    await until(11)

    assert clerk.runs == []
    assert len(tasks) == 0


@timeless
async def test_open_runs_are_left_to_the_owner_of_the_tasks() -> None:
    """
    Stop leaves the runs that began alone; who passed the tasks drains them.
    """
    ended: list[float] = []

    class Slow(Clerk):
        async def work(self) -> None:
            await asyncio.sleep(5)
            ended.append(clock())

    clerk = Slow()
    tasks = Tasks(clerk.log)
    with started(PeriodicTask(clerk, Slow.work, 10, 30, tasks=tasks, deadlines=Deadlines())):
        await until(1)
    assert len(tasks) == 1

    assert await tasks.drain(10) == 0
    assert ended == [5]


@timeless
async def test_handler_may_stop_its_own_timer() -> None:
    """
    A run goes on to its end after it has stopped its own timer.
    """

    class Once(Clerk):
        timer: PeriodicTask

        async def work(self) -> None:
            self.timer.stop()
            await asyncio.sleep(1)
            await super().work()

    clerk = Once()
    clerk.timer = PeriodicTask(clerk, Once.work, 10, 5)
    clerk.timer.start()
    await until(50)

    assert clerk.runs == [1]


@timeless
async def test_second_start_changes_nothing_and_a_start_after_stop_begins_anew() -> None:
    """
    A timer that is started twice runs once a period; one that was stopped can be started again.
    """
    clerk = Clerk()
    timer = PeriodicTask(clerk, Clerk.work, 10, 1)

    with started(timer, timer):
        await until(5)
    await until(7)
    with started(timer):
        await until(18)

    assert clerk.runs == [0, 7, 17]


def test_constructor_needs_no_loop_and_refuses_a_bad_period() -> None:
    """
    Timers are made before there is a loop, and a bad period is refused there.
    """
    assert PeriodicTask(Clerk(), Clerk.work, 5, 1, 2).start_after == 2
    with pytest.raises(ScheduleError, match="seconds above 0"):
        PeriodicTask(Clerk(), Clerk.work, 0, 1)


def test_timers_tell_what_they_are() -> None:
    """
    What describe returns can be written as JSON.
    """
    periodic = PeriodicTask(Clerk(), Clerk.work, 15, 10, 3)
    cron = CRONTask(Clerk(), Clerk.work, Cron("0 9 * * *", "Asia/Tokyo"), 10)

    assert json.loads(json.dumps(periodic.describe())) == {
        "handler": "Clerk.work",
        "period": 15,
        "timeout": 10,
        "start_after": 3,
    }
    assert json.loads(json.dumps(cron.describe())) == {
        "handler": "Clerk.work",
        "cron": "0 9 * * *",
        "tz": "Asia/Tokyo",
        "timeout": 10,
    }


# -- cron


@timeless
async def test_cron_runs_at_its_moments_on_the_wall_clock() -> None:
    """
    A spec is followed by the wall clock, however long the wait.
    """
    clerk, wall = Clerk(), WallClock()
    await until(100)

    with started(CRONTask(clerk, Clerk.work, Cron("*/10 * * * *"), 1, wall_clock=wall)):
        await until(1801)

    assert clerk.runs == pytest.approx([600, 1200, 1800])


@timeless
async def test_cron_knows_how_long_until_its_next_moment() -> None:
    """
    start_after and period are the seconds until the next moment, also across a change of clocks.
    """
    wall = WallClock()
    wall.shift = datetime(2024, 10, 26, 13, tzinfo=UTC) - NOON  # 15:00 in Berlin, the day before clocks are set back
    task = CRONTask(Clerk(), Clerk.work, Cron("0 15 * * *", "Europe/Berlin"), 1, wall_clock=wall)

    assert task.start_after == task.period == 25 * 3600
    await until(90)
    assert task.start_after == pytest.approx(25 * 3600 - 90)


@timeless
async def test_cron_crosses_a_change_of_clocks() -> None:
    """
    The run after a night of 25 hours is at the same time of the clock.
    """
    clerk, wall = Clerk(), WallClock()
    wall.shift = datetime(2024, 10, 26, 12, tzinfo=UTC) - NOON
    cron = Cron("0 15 * * *", "Europe/Berlin")

    with started(CRONTask(clerk, Clerk.work, cron, 1, wall_clock=wall)):
        await until(27 * 3600)

    assert clerk.runs == pytest.approx([3600, 26 * 3600])


@timeless
async def test_timer_that_fires_early_waits_for_the_rest() -> None:
    """
    A wall clock that is behind the loop's makes a run later, and never makes two.
    """
    clerk, wall = Clerk(), WallClock(rate=0.99)

    with started(CRONTask(clerk, Clerk.work, Cron("* * * * *"), 1, wall_clock=wall)):
        await until(200)

    assert clerk.runs == pytest.approx([60 / 0.99, 120 / 0.99, 180 / 0.99])


@timeless
async def test_clock_that_is_set_forward_is_followed_within_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """
    The moments that a clock was set over run once, and a line tells that it was late.
    """
    clerk, wall = Clerk(), WallClock()

    with started(CRONTask(clerk, Clerk.work, Cron("0 * * * *"), 1, wall_clock=wall)):
        await until(90)
        wall.shift = timedelta(hours=5)
        await until(3700)

    assert len(clerk.runs) == 2
    assert 90 <= clerk.runs[0] <= 150
    assert clerk.runs[1] == pytest.approx(3600)
    assert caplog.text.count("Clerk.work: late by 4:02:00") == 1


@timeless
async def test_clock_that_is_set_back_repeats_no_moment() -> None:
    """
    A moment that was run is not run again when the clock shows it a second time.
    """
    clerk, wall = Clerk(), WallClock()

    with started(CRONTask(clerk, Clerk.work, Cron("*/30 * * * *"), 1, wall_clock=wall)):
        await until(3700)
        wall.shift = -timedelta(hours=1)
        await until(9100)

    assert clerk.runs == pytest.approx([1800, 3600, 9000])


@timeless
async def test_clock_that_was_wrong_by_years_does_not_silence_a_cron() -> None:
    """
    A clock that is set back by more than three hours was wrong before: the schedule begins anew.
    """
    clerk, wall = Clerk(), WallClock()
    wall.shift = timedelta(days=3650)

    with started(CRONTask(clerk, Clerk.work, Cron("0 * * * *"), 1, wall_clock=wall)):
        await until(90)
        wall.shift = timedelta(0)
        await until(3700)

    assert clerk.runs == pytest.approx([3600])


@timeless
async def test_blocked_loop_runs_a_cron_once(caplog: pytest.LogCaptureFixture) -> None:
    """
    Of the moments that pass while the loop is blocked one is run, and the next is the next one of the spec.
    """

    class Blocking(Clerk):
        async def work(self) -> None:
            await super().work()
            if len(self.runs) == 1:
                block(200)

    clerk = Blocking()
    with started(CRONTask(clerk, Blocking.work, Cron("* * * * *"), 1000, wall_clock=WallClock())):
        await until(310)

    assert clerk.runs == pytest.approx([60, 260, 300])
    assert caplog.text.count("Blocking.work: late by") == 1


@timeless
async def test_stopped_cron_runs_no_more() -> None:
    """
    Once stop has returned no moment begins a run.
    """
    clerk = Clerk()

    with started(CRONTask(clerk, Clerk.work, Cron("* * * * *"), 1, wall_clock=WallClock())):
        await until(61)
    await until(600)

    assert clerk.runs == pytest.approx([60])


async def test_wall_clock_is_the_real_one_by_default() -> None:
    """
    Without another clock a cron waits for the next minute of this one.
    """
    task = CRONTask(Clerk(), Clerk.work, Cron("* * * * *"), 1)

    assert 0 < task.start_after <= 60
