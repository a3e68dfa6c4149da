"""Running one handler: its deadline, its time, its failure."""

import asyncio
import logging
import re
from contextvars import ContextVar

import pytest
from support import until

from microagent import Signal
from microagent.execution import Deadlines, Ending, Outcome, Runner, describe, is_run_of, log_failure, run


@pytest.fixture
def deadlines():
    return Deadlines(grace=0.02)


async def test_value_of_a_handler_that_ends(deadlines):
    """A run that ends in time is done; its value and its seconds are kept."""

    async def answer() -> int:
        await asyncio.sleep(0.01)
        return 42

    outcome = await run(answer, 5, deadlines)
    assert outcome.ok
    assert outcome.value == 42
    assert outcome.seconds >= 0.01


async def test_each_run_has_a_context_of_its_own(deadlines):
    """What one sets in it is not seen by the next run of the same task; what the task has set is seen by all."""
    tenant: ContextVar[str] = ContextVar("tenant")
    tenant.set("nobody")
    seen: list[str] = []

    async def handle(name: str, waits: bool) -> None:
        seen.append(tenant.get())
        tenant.set(name)
        if waits:
            await asyncio.sleep(0)
        assert tenant.get() == name

    failed: list[Outcome] = []
    runner = Runner(handle, 5, deadlines, done=lambda *_: None, failed=lambda _, outcome: failed.append(outcome))
    jobs = [(n, {"name": f"tenant {n}", "waits": waits}) for n, waits in enumerate((False, True, False, True, False))]
    await runner.drive(runner.run_all(jobs))
    assert (seen, failed) == (["nobody"] * 5, [])
    assert tenant.get() == "nobody"


async def test_what_is_awaited_may_be_no_coroutine(deadlines):
    """A handler that was bound by hand may return a future, too."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 42)
    assert (await run(lambda: future, 5, deadlines)).value == 42


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("wrong"),
        Unspeakable(),
        SystemExit(3),
        ExceptionGroup("two", [ValueError("a"), KeyError("b")]),
        asyncio.CancelledError("its own"),
        TimeoutError("its own"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_handler_raises_is_a_failure(deadlines, error, caplog):
    """The outcome holds the error, the log one line of it, and the task that ran the handler goes on."""

    async def fail() -> None:
        raise error

    outcome = await run(fail, 5, deadlines)
    assert outcome.ending is Ending.FAILED
    assert outcome.error is error
    assert type(error).__name__ in outcome.reason
    log_failure(logging.getLogger("test.execution"), "Agent.handler", outcome)
    [record] = caplog.records
    assert "Agent.handler failed after" in record.getMessage()
    assert record.exc_info[2].tb_frame.f_code is fail.__code__
    assert asyncio.current_task().cancelling() == 0


async def test_error_of_this_library_is_one_line_that_names_the_handlers(deadlines, caplog):
    """An outage is told by its sentence, not by what the driver went through; the log says where the handler met it."""

    async def fail() -> None:
        Signal.get("nobody_declares_this")

    log_failure(logging.getLogger("test.execution"), "Agent.fail", await run(fail, 5, deadlines))
    [record] = caplog.records
    assert record.exc_info is None
    line = fail.__code__.co_firstlineno + 1
    assert record.getMessage().endswith(
        f"SignalNotFound: no signal 'nobody_declares_this' is declared (test_execution.py, line {line})"
    )


@pytest.mark.parametrize("handler", [lambda: None, lambda missing: None])
async def test_handler_that_is_no_coroutine_or_cannot_be_called_is_a_failure(deadlines, handler):
    """What goes wrong before the first await goes the same path."""
    outcome = await run(handler, 5, deadlines)
    assert outcome.ending is Ending.FAILED
    assert isinstance(outcome.error, TypeError)


def test_an_interrupt_of_the_process_is_not_a_handlers_own():
    """Ctrl-C ends the process, whichever handler it strikes."""

    async def main() -> None:
        async def interrupted() -> None:
            raise KeyboardInterrupt

        await run(interrupted, 5, Deadlines())

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())


async def test_run_is_ended_at_its_deadline(deadlines):
    """A handler that takes too long is cancelled; its task is not."""
    outcome = await run(asyncio.Event().wait, 0.01, deadlines)
    assert outcome.ending is Ending.TIMEOUT
    assert re.fullmatch(r"TimeoutError: handler did not finish within [\d.]+ s", outcome.reason)
    assert outcome.seconds >= 0.01
    assert asyncio.current_task().cancelling() == 0


@pytest.mark.parametrize("answer", ["value", "error"])
async def test_run_that_answers_its_cancellation_was_late_all_the_same(deadlines, answer):
    """Neither a value nor an error that a handler makes of its cancellation counts."""

    async def late() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if answer == "error":
                raise ValueError from None
        return answer

    outcome = await run(late, 0.01, deadlines)
    assert outcome.ending is Ending.TIMEOUT
    assert asyncio.current_task().cancelling() == 0


async def test_a_timeout_of_the_handlers_own_is_its_failure(deadlines):
    """``asyncio.timeout`` inside a handler works, and is told from the deadline."""

    async def impatient() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    outcome = await run(impatient, 5, deadlines)
    assert outcome.ending is Ending.FAILED
    assert isinstance(outcome.error, TimeoutError)


async def test_cancellation_from_outside_stays_asked_for(deadlines):
    """The outcome says CANCELLED, and the task still knows that it is to end."""
    told = []

    async def worker() -> None:
        outcome = await run(asyncio.Event().wait, 5, deadlines)
        told.append((outcome.ending, asyncio.current_task().cancelling()))

    task = asyncio.create_task(worker())
    await asyncio.sleep(0)
    task.cancel()
    await task
    assert told == [(Ending.CANCELLED, 1)]


async def test_cancellation_from_outside_at_the_deadline_is_one(deadlines):
    """Of both at the same time, the outside counts: the task is to end."""
    ended = []

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def worker() -> None:
        ended.append((await run(slow_to_end, 0.01, deadlines)).ending)

    task = asyncio.create_task(worker())
    await asyncio.wait([task])
    assert ended == [Ending.CANCELLED]


async def test_run_that_ignores_its_cancellation_is_given_up(deadlines):
    """Its owner is told after the grace; when it ends at last, there is nothing left to do."""
    end, given_up = asyncio.Event(), []

    async def stubborn() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(run(stubborn, 0.01, deadlines, lambda *told: given_up.append(told)))
    await until(lambda: given_up)
    assert not task.done()
    [(outcome, left)] = given_up
    assert (outcome.ending, left) == (Ending.TIMEOUT, task)
    end.set()
    assert (await task).ending is Ending.ABANDONED
    assert len(given_up) == 1


async def test_run_that_is_slow_to_end_but_within_the_grace_is_not_given_up():
    """Cleaning up takes a moment."""
    given_up = []

    async def cleans_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)

    outcome = await run(cleans_up, 0.01, Deadlines(grace=5), lambda *told: given_up.append(told))
    assert outcome.ending is Ending.TIMEOUT
    assert given_up == []


async def test_run_that_nobody_takes_over_is_a_timeout_however_late_it_ends(deadlines):
    """Without an owner to tell, there is nothing to give up: whoever awaits the run learns its end."""

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)

    assert (await run(slow_to_end, 0.01, deadlines)).ending is Ending.TIMEOUT


async def test_many_runs_share_one_timer(deadlines):
    """Runs end each at its own deadline, in whichever order they began; afterwards no timer is left."""
    endings, unhurried = {}, asyncio.Event()

    async def timed(timeout: float) -> None:
        endings[timeout] = (await run(unhurried.wait, timeout, deadlines)).ending
        if len(endings) == 3:
            unhurried.set()

    await asyncio.gather(*map(timed, [0.03, 60, 0.01, 0.02]))
    assert endings == {0.01: Ending.TIMEOUT, 0.02: Ending.TIMEOUT, 0.03: Ending.TIMEOUT, 60: Ending.DONE}
    deadlines.close()
    assert deadlines._timer is None
    assert not deadlines._runs


async def endings(deadlines, *handlers, timeout=5, **options):
    """The endings of runs, one after the other in one task."""
    told = []

    def done(job, value, seconds):
        told.append(Ending.DONE)

    def failed(job, outcome):
        told.append(outcome.ending)

    async def call(handler):
        return await handler()

    runner = Runner(call, timeout, deadlines, done=done, failed=failed, **options)
    await runner.drive(runner.run_all((handler, {"handler": handler}) for handler in handlers))
    return told


async def test_first_wait_of_a_run_is_noticed(deadlines):
    """Once, when it begins; one that waits for nothing passes unnoticed, and needs no timer."""
    noticed = []

    async def quick():
        assert deadlines._timer is None

    async def slow():
        await asyncio.sleep(0)
        assert noticed == ["waits"]
        await asyncio.sleep(0)

    told = await endings(deadlines, quick, slow, waits=lambda: noticed.append("waits"))
    assert told == [Ending.DONE, Ending.DONE]
    assert noticed == ["waits"]
    deadlines.close()


async def test_each_run_of_a_task_has_its_own_deadline(deadlines):
    """What one of them had is not what the next one has left, whether it waits for something or not."""

    async def quick():
        pass

    slow, done, late = asyncio.Event().wait, Ending.DONE, Ending.TIMEOUT
    told = await endings(deadlines, quick, slow, quick, slow, quick, timeout=0.02)
    assert told == [done, late, done, late, done]
    assert asyncio.current_task().cancelling() == 0
    assert not deadlines._runs


async def test_run_that_cleans_up_after_its_cancellation_waits_again(deadlines):
    """A runner passes on what happens to its task, every time."""
    ended = []

    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("cleaned up")
            raise ValueError("late") from None

    task = asyncio.ensure_future(run(stubborn, 5, deadlines, None))
    await asyncio.sleep(0)
    task.cancel()
    assert (await task).ending is Ending.FAILED
    assert ended == ["cleaned up"]


async def test_task_of_a_run_that_has_ended_is_not_of_a_run(deadlines):
    """Though another one goes on in the same place."""
    owner, told = object(), []
    gate = asyncio.Event()

    async def left_behind():
        told.append(is_run_of(owner))
        await gate.wait()
        told.append(is_run_of(owner))

    async def leave():
        tasks.append(asyncio.create_task(left_behind()))
        await asyncio.sleep(0)

    async def go_on():
        gate.set()
        await tasks[0]
        told.append(is_run_of(owner))

    tasks = []
    await endings(deadlines, leave, go_on, owner=owner)
    assert told == [True, False, True]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("plain"), "ValueError: plain"),
        (ValueError("two\nlines\x1b[31m"), "ValueError: two\\nlines\\x1b[31m"),
        (Unspeakable(), "Unspeakable: (its text cannot be had)"),
    ],
)
def test_description_is_one_printable_line(error, text):
    """A payload that shows up in an error cannot forge lines of the log."""
    assert describe(error) == text


def test_description_is_cut():
    """However long the error's text is."""
    assert 470 < len(describe(ValueError("x" * 10_000))) <= 500


def test_reason_of_a_cancelled_run():
    """Without an error, the ending is the reason."""
    assert Outcome(Ending.CANCELLED, 1.0).reason == "cancelled"


async def test_log_tells_a_timeout_without_a_traceback(deadlines, caplog):
    """There is nothing to see in where a handler was when it was ended."""
    log_failure(logging.getLogger("test.execution"), "Agent.slow", await run(asyncio.Event().wait, 0.01, deadlines))
    [record] = caplog.records
    assert record.exc_info is None
    assert "its timeout" in record.getMessage()


async def test_log_is_silent_about_success_and_cancellation(caplog):
    """Neither is a failure."""
    for ending in (Ending.DONE, Ending.CANCELLED):
        log_failure(logging.getLogger("test.execution"), "Agent.fine", Outcome(ending, 0.1))
    assert caplog.records == []
