"""The clock of a loop, in the hands of a test."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from support import unique

from microagent import Delivery, MicroAgent, Queue, RetryPolicy, Signal, consumer, cron, periodic, receiver, wallclock
from microagent.testing import Clock, Sent, StartAgent, looptime
from microagent.tools.memory import MemoryBroker, MemorySignalBus

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)


async def test_time_passes_as_it_is_told_to(clock: Clock) -> None:
    """
    Nothing that waits for time happens before time is moved, and all that is due happens when it is.
    """
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds)
        slept.append(seconds)

    sleepers = [asyncio.create_task(sleep(seconds)) for seconds in (3600, 60, 61)]
    await clock.settle()
    assert slept == []
    await clock.advance(60)
    assert slept == [60]
    await clock.advance(3540)
    assert slept == [60, 61, 3600]
    await asyncio.gather(*sleepers)


async def test_everything_happens_at_its_moment(clock: Clock) -> None:
    """
    Each timer finds the time that it was set for, also those that others set on the way.
    """
    loop = asyncio.get_running_loop()
    start, moments = loop.time(), list[float]()

    def tick() -> None:
        moments.append(loop.time() - start)
        loop.call_later(0.25, tick)

    tick()
    await clock.advance(1000)

    assert moments == pytest.approx([number / 4 for number in range(4001)])


async def test_advance_returns_when_nothing_is_left_to_do(clock: Clock) -> None:
    """
    What follows from the last moment, through any number of tasks, has happened when ``advance`` returns.
    """
    steps: list[int] = []

    async def step(left: int) -> None:
        steps.append(left)
        if left:
            await asyncio.create_task(step(left - 1))

    asyncio.get_running_loop().call_later(5, lambda: chain.append(asyncio.create_task(step(50))))
    chain: list[asyncio.Task[None]] = []
    await clock.advance(5)

    assert steps[-1] == 0


async def test_two_tests_of_one_loop_may_move_time_together(clock: Clock) -> None:
    """
    Each ``advance`` returns at its own end; one that was cancelled moves nothing.
    """
    start = clock.time()

    async def advance(seconds: float) -> float:
        await clock.advance(seconds)
        return clock.time() - start

    cancelled = asyncio.create_task(advance(5))
    others = [asyncio.create_task(advance(seconds)) for seconds in (30, 10, 20)]
    cancelled.cancel()

    assert await asyncio.gather(*others) == [30, 10, 20]


async def test_timeouts_follow(clock: Clock) -> None:
    """
    ``asyncio.timeout`` ends when its time has passed here, and not before.
    """

    async def wait() -> None:
        async with asyncio.timeout(10):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await clock.advance(9.999)
    assert not waiting.done()
    await clock.advance(0.001)
    with pytest.raises(TimeoutError):
        waiting.result()


async def test_wall_clock_follows_and_can_be_set(clock: Clock) -> None:
    """
    The wall clock begins on a Monday, goes with the other, and jumps when it is set.
    """
    assert clock.wall == MONDAY
    await clock.advance(90)
    assert clock.wall == wallclock.now() == MONDAY + timedelta(seconds=90)
    clock.wall = MONDAY - timedelta(days=1)
    await clock.advance_to(MONDAY)
    assert clock.wall == MONDAY
    assert clock.wall.tzinfo is UTC


async def test_what_is_no_time_is_refused(clock: Clock) -> None:
    """
    Time does not run backwards, and a wall clock has a zone.
    """
    with pytest.raises(ValueError, match="backwards"):
        await clock.advance(-1)
    with pytest.raises(ValueError, match="backwards"):
        await clock.advance_to(MONDAY - timedelta(seconds=1))
    with pytest.raises(ValueError, match="needs a time zone"):
        clock.wall = datetime(2024, 1, 1)


async def test_block_lets_time_pass_in_which_nothing_happens(clock: Clock) -> None:
    """
    What falls due in a blocked loop happens after it.
    """
    moments: list[float] = []
    start = clock.time()
    asyncio.get_running_loop().call_later(5, lambda: moments.append(clock.time() - start))
    clock.block(12)
    assert moments == []
    await clock.settle()
    assert moments == [12]


async def test_threads_are_waited_for(clock: Clock) -> None:
    """
    While a thread is at work no time passes, so what waits for it does not time out.
    """

    async def work() -> str:
        async with asyncio.timeout(1):
            await asyncio.to_thread(time.sleep, 0.05)
            return "done"

    working = asyncio.create_task(work())
    await clock.advance(3600)

    assert working.result() == "done"


async def test_sockets_work_as_ever(clock: Clock) -> None:
    """
    Bytes travel through the loop, whatever time it is.
    """

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        writer.close()
        await writer.wait_closed()


def test_waiting_in_vain_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A test that waits for time which nobody moves does not hang: it is told what to do.
    """
    monkeypatch.setattr(looptime, "PATIENCE", 0.05)

    async def wait() -> None:
        async with Clock():
            await asyncio.sleep(1)

    with asyncio.Runner() as runner, pytest.raises(RuntimeError, match=r"time passes with clock.advance\(seconds\)"):
        runner.run(wait())


def test_real_time_comes_back() -> None:
    """
    In a runner of asyncio's own as everywhere: after the block, time passes by itself.
    """

    async def main() -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        async with Clock() as clock:
            await clock.advance(1e6)
            assert loop.time() >= before + 1e6
        await asyncio.to_thread(time.sleep, 0.001)
        await asyncio.sleep(0.001)
        assert wallclock.now() > MONDAY + timedelta(days=30)
        return loop.time() - before

    with asyncio.Runner() as runner:
        assert 0 < runner.run(main()) < 60


async def test_time_is_taken_once(clock: Clock) -> None:
    """
    A loop has one clock at a time, and has to be one of asyncio's.
    """
    with pytest.raises(TypeError, match="is taken once"):
        async with Clock():
            pass

    class Foreign(asyncio.AbstractEventLoop):
        pass

    with pytest.raises(TypeError, match="a loop of asyncio itself"):
        looptime.take_over(Foreign(), clock)


# -- what agents do, by this clock


async def test_timers_follow(clock: Clock, start_agent: StartAgent) -> None:
    """
    Periodic tasks and crons run as often as they would have in that time.
    """

    class Clerk(MicroAgent):
        ticks = 0
        reports: list[datetime]

        @periodic(period=15, start_after=3)
        async def tick(self) -> None:
            self.ticks += 1

        @cron("0 9 * * mon-fri", tz="Europe/Berlin")
        async def report(self) -> None:
            self.reports.append(clock.wall)

    clerk = Clerk()
    clerk.reports = []
    await start_agent(clerk)
    await clock.advance(63)
    assert clerk.ticks == 5
    await clock.advance_to(MONDAY + timedelta(days=7))
    assert clerk.reports == [MONDAY + timedelta(days=day, hours=8) for day in range(5)]


async def test_retries_follow_and_so_does_the_dead_letter(
    clock: Clock, start_agent: StartAgent, broker: MemoryBroker
) -> None:
    """
    A failed message comes again after its delays, and its dead letter bears the time of the wall clock.
    """
    queue = Queue(unique("queue"))
    moments: list[float] = []

    class Failing(MicroAgent):
        @consumer(queue, retry=RetryPolicy(retries=2, first=60, factor=10, longest=3600, jitter=0))
        async def fail(self) -> None:
            moments.append(clock.time())
            raise ValueError

    await start_agent(Failing)
    await broker[queue.name].send({})
    await clock.advance(660)

    assert [moment - moments[0] for moment in moments] == pytest.approx([0, 60, 660])
    (letter,) = await broker[queue.name].dead()
    assert letter.time == (MONDAY + timedelta(seconds=660)).timestamp()


async def test_delays_follow(clock: Clock, start_agent: StartAgent, broker: MemoryBroker, sent: Sent) -> None:
    """
    A delayed message comes when the clock has been moved so far, and what was sent says how long it was to wait.
    """
    queue = Queue(unique("queue"))
    moments: list[float] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self) -> None:
            moments.append(clock.time())

    await start_agent(Taker)
    began = clock.time()
    await broker[queue.name].send({}, delay=30)
    await clock.advance(29)
    assert moments == []
    assert await broker[queue.name].length() == 1
    await clock.advance(1)
    assert moments == [began + 30]
    sent(queue).assert_once({}, delay=30)
    with pytest.raises(AssertionError, match=r"but sent was\n.*\{\}, delay=30"):
        sent(queue).assert_once({})


async def test_timeouts_of_handlers_follow(clock: Clock, start_agent: StartAgent, broker: MemoryBroker) -> None:
    """
    A handler is ended at its timeout, and the reason tells the time that passed here.
    """
    queue = Queue(unique("queue"))

    class Slow(MicroAgent):
        @consumer(queue, timeout=30, retry=RetryPolicy(retries=0))
        async def wait(self) -> None:
            await asyncio.Event().wait()

    await start_agent(Slow)
    await broker[queue.name].send({})
    await clock.advance(29.9)
    assert await broker[queue.name].dead() == []
    await clock.advance(0.1)
    (letter,) = await broker[queue.name].dead()
    assert letter.reason == "TimeoutError: handler did not finish within 30 s"


async def test_leases_follow(clock: Clock, start_agent: StartAgent) -> None:
    """
    What a silent holder has comes back when its lease has ended here.
    """
    queue = Queue(unique("queue"))
    place = f"memory://{unique('place')}"
    crashes: list[int] = []

    class Reader(MicroAgent):
        @consumer(queue)
        async def read(self, delivery: Delivery) -> None:
            crashes.append(delivery.crashes)

    async with MemoryBroker(place, lease=600) as silent:
        await silent[queue.name].send({})
        await silent._take(queue.name, 1)
        await start_agent(Reader(broker=MemoryBroker(place, lease=600)))
        await clock.advance(590)
        assert crashes == []
        await clock.advance(20)
        assert crashes == [1]


async def test_calls_follow(clock: Clock, start_agent: StartAgent, bus: MemorySignalBus) -> None:
    """
    A call ends at its timeout.
    """
    signal = Signal(unique("signal"))

    class Slow(MicroAgent):
        @receiver(signal)
        async def wait(self, **kwargs: object) -> None:
            await asyncio.sleep(45)

    await start_agent(Slow)
    call = asyncio.create_task(bus[signal.name].call("test", timeout=30))
    await clock.advance(29)
    assert not call.done()
    await clock.advance(1)
    with pytest.raises(TimeoutError, match="within 30 s"):
        call.result()


async def test_clock_is_there_before_what_runs_by_it(start_agent: StartAgent, clock: Clock, sent: Sent) -> None:
    """
    The order in which a test names its fixtures does not matter: a cron begins on that Monday.
    """
    queue = Queue(unique("queue"))

    class Clerk(MicroAgent):
        @cron("@daily")
        async def report(self) -> None:
            await self.broker[queue.name].send({"day": clock.wall.isoformat()})

    await start_agent(Clerk)
    await clock.advance(24 * 3600)

    assert sent(queue) == [{"day": "2024-01-02T00:00:00+00:00"}]


def test_loop_that_is_kept_busy_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that spins lets no time pass: the test fails with a sentence, it does not hang."""
    monkeypatch.setattr(looptime, "BUSY", 0.2)

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - this is the mistake
            await asyncio.sleep(0)

    async def main() -> None:
        async with Clock() as clock:
            spinning = asyncio.create_task(spin())
            try:
                await clock.advance(60)
            finally:
                spinning.cancel()

    with asyncio.Runner() as runner, pytest.raises(RuntimeError, match="keeps the loop busy"):
        runner.run(main())
