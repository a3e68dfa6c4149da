"""What time it is: the real one, or that of a loop whose time is moved by hand."""

import asyncio
from datetime import UTC, datetime, timedelta

from microagent import wallclock
from microagent.delivery import DeadLetter

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


async def noon_of_this_loop() -> tuple[datetime, float]:
    wallclock.install(asyncio.get_running_loop(), lambda: NOON)
    try:
        return wallclock.now(), DeadLetter("queue", b"{}", "no reason", 1).time
    finally:
        wallclock.uninstall(asyncio.get_running_loop())


async def test_time_is_the_real_one() -> None:
    """
    Without a wall clock of its own, a loop has the time of the machine.
    """
    assert datetime.now(UTC) - wallclock.now() < timedelta(seconds=1)


async def test_loop_is_told_the_time_of_its_own_wall_clock() -> None:
    """
    What runs in a loop that has a wall clock gets the time of that, until it is taken down.
    """
    assert await noon_of_this_loop() == (NOON, NOON.timestamp())
    assert wallclock.now() > NOON + timedelta(days=30)


async def test_wall_clock_of_one_loop_is_none_of_another() -> None:
    """
    Other loops, and threads without a loop, have the real time.
    """
    loop = asyncio.new_event_loop()
    wallclock.install(loop, lambda: NOON)
    loop.close()

    assert wallclock.now() > NOON + timedelta(days=30)
    assert await asyncio.to_thread(wallclock.now) > NOON + timedelta(days=30)
