"""Running one handler: its deadline, its time, its failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from microagent.printable import printable

GRACE = 2.0
LONGEST_REASON = 470  # characters, before what tells that it was cut


class Ending(Enum):
    """How a run ended; ABANDONED: long after it had been given up."""

    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


@dataclass(slots=True)
class Outcome:
    """
    What became of one run.

    ``value`` is what the handler returned, ``error`` what it raised, ``seconds`` how long it took.
    """

    ending: Ending
    seconds: float
    value: Any = None
    error: BaseException | None = None

    @property
    def ok(self) -> bool:
        return self.ending is Ending.DONE

    @property
    def reason(self) -> str:
        """``Type: text`` of a failure in one line of at most 500 characters."""
        if self.ending is Ending.TIMEOUT:
            return f"TimeoutError: handler did not finish within {self.seconds:.3g} s"
        if self.error is None:
            return str(self.ending.value)
        return describe(self.error)


def describe(error: BaseException) -> str:
    """``Type: text`` in one line of at most 500 characters, whatever the error's text holds."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        text = "(its text cannot be had)"
    return printable(f"{type(error).__name__}: {text}", LONGEST_REASON)


Abandon: TypeAlias = Callable[[Outcome, asyncio.Task[Any]], None]


class _Run:
    __slots__ = ("abandon", "abandoned", "deadline", "expired", "loop", "owner", "started", "task")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        task: asyncio.Task[Any],
        timeout: float,
        abandon: Abandon | None,
        owner: object,
    ) -> None:
        started = loop.time()
        self.loop = loop
        self.task = task
        self.owner = owner
        self.started = started
        self.deadline = started + timeout
        self.abandon = abandon
        self.expired = False
        self.abandoned = False

    @property
    def elapsed(self) -> float:
        """Seconds since the start, on the loop's clock, as the deadline is."""
        return self.loop.time() - self.started


_current: ContextVar[_Run | None] = ContextVar("microagent run", default=None)


def is_run_of(owner: object) -> bool:
    """Whether a handler of ``owner`` asks, itself or by a task of its making, that has not ended yet."""
    run = _current.get()
    return run is not None and run.owner is owner


class Deadlines:
    """
    Cancels runs that pass their deadline: one timer for all, where a timer for each costs more than most handlers.

    A run that ignores its cancellation is given up after a grace, if its owner has somebody to take its place. Belongs
    to one event loop; leaves nothing behind once no run is open.

    :param grace: seconds from the cancellation until a run is given up
    """

    def __init__(self, grace: float = GRACE) -> None:
        self._grace = grace
        self._runs: set[_Run] = set()
        self._timer: asyncio.TimerHandle | None = None

    def enter(
        self,
        timeout: float,
        abandon: Abandon | None = None,
        owner: object = None,
        task: asyncio.Task[Any] | None = None,
    ) -> _Run:
        """
        Begin a run of the current task that may take ``timeout`` seconds.

        :param abandon: called with the outcome and the task when the run is given up
        :param owner: whose handler runs
        :param task: the current one, if it is known: to look for it takes longer than many a handler
        """
        loop = asyncio.get_running_loop()
        task = task or asyncio.current_task(loop)
        assert task is not None, "handlers run in tasks"
        run = _Run(loop, task, timeout, abandon, owner)
        self._runs.add(run)
        if self._timer is None or run.deadline < self._timer.when():
            self._arm(loop, run.deadline)
        return run

    def leave(self, run: _Run) -> None:
        run.owner = None
        self._runs.discard(run)

    def close(self) -> None:
        """Forget the timer; runs still open have no deadline any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        self.close()
        self._timer = loop.call_at(when, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for run in [run for run in self._runs if run.deadline <= now]:
            if run.expired:
                self._give_up(run, now)
            else:
                self._cancel(run, now)
        if self._runs:
            self._arm(loop, min(run.deadline for run in self._runs))

    def _cancel(self, run: _Run, now: float) -> None:
        run.expired = True
        run.deadline = now + self._grace
        if run.abandon is None:
            self._runs.discard(run)
        run.task.cancel()

    def _give_up(self, run: _Run, now: float) -> None:
        self._runs.discard(run)
        run.abandoned = True
        if run.abandon is not None:
            run.abandon(Outcome(Ending.TIMEOUT, now - run.started), run.task)


async def run(
    call: Callable[[], Awaitable[Any]],
    timeout: float,
    deadlines: Deadlines,
    abandon: Abandon | None = None,
    owner: object = None,
    *,
    task: asyncio.Task[Any] | None = None,
) -> Outcome:
    """
    What became of ``await call()``, ended after ``timeout`` seconds.

    Whatever the handler raises is an outcome, also an exit or a cancellation of its own making; only the cancellation
    of the task that runs it is an outcome *and* stays asked for (``asyncio.Task.cancelling``).

    :param abandon: called with the outcome of a run that does not end although it was cancelled at its deadline, and
        with its task; when it ends at last, its ending is ABANDONED and nothing is left to do
    :param owner: whose handler it is, see :func:`is_run_of`
    :param task: the current one, if it is known
    """
    mark = deadlines.enter(timeout, abandon, owner, task)
    _current.set(mark)
    try:
        value = await call()
    except asyncio.CancelledError as error:
        return _cancelled(mark, mark.elapsed, error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a handler's SystemExit must not end its agent
        return _late(mark, Outcome(Ending.FAILED, mark.elapsed, error=error))
    finally:
        deadlines.leave(mark)
    return _late(mark, Outcome(Ending.DONE, mark.elapsed, value))


def _cancelled(mark: _Run, seconds: float, error: asyncio.CancelledError) -> Outcome:
    if mark.abandoned:
        return Outcome(Ending.ABANDONED, seconds, error=error)
    if mark.expired and mark.task.uncancel() == 0:
        return Outcome(Ending.TIMEOUT, seconds, error=error)
    if mark.task.cancelling():
        return Outcome(Ending.CANCELLED, seconds, error=error)
    return Outcome(Ending.FAILED, seconds, error=error)


def _late(mark: _Run, outcome: Outcome) -> Outcome:
    """A handler that answered its cancellation with a value or an error was late all the same."""
    if mark.expired:
        mark.task.uncancel()
        outcome.ending = Ending.ABANDONED if mark.abandoned else Ending.TIMEOUT
    return outcome


def log_failure(log: logging.Logger, name: str, outcome: Outcome) -> None:
    """One error line for a run that failed, with the traceback of what it raised."""
    if outcome.ending is Ending.FAILED:
        log.error("%s failed after %.3f s: %s", name, outcome.seconds, outcome.reason, exc_info=outcome.error)
    elif outcome.ending is Ending.TIMEOUT:
        log.error("%s was ended after %.3f s: its timeout", name, outcome.seconds)
