"""Running one handler: its deadline, its time, its failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import coroutine
from typing import Any, TypeAlias, TypeVar

from microagent.errors import MicroAgentError
from microagent.printable import printable
from microagent.tracebacks import own_end, own_place

T = TypeVar("T")

GRACE = 2.0
LONGEST_REASON = 470  # characters, before what tells that it was cut


class Ending(Enum):
    """How a run ended; ABANDONED: long after it had been given up."""

    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


DONE = Ending.DONE  # an attribute of an Enum takes longer to find than most of what is done for a run


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
        return self.ending is DONE

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


Handler: TypeAlias = Callable[..., Awaitable[Any]]
Abandon: TypeAlias = Callable[[Outcome, asyncio.Task[Any]], None]


class _Run:
    """One run, from when it has a deadline; before that, it has not waited for anything yet."""

    expired = False
    abandoned = False
    abandon: Abandon | None = None

    def __init__(self, owner: object, timeout: float, started: float) -> None:
        self.owner = owner
        self.started = started
        self.deadline = started + timeout
        self.task: asyncio.Task[Any] | None = None


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

    def enter(self, run: _Run, task: asyncio.Task[Any]) -> None:
        """From now on, ``task`` is cancelled at the deadline of the run that is under way in it."""
        run.task = task
        self._runs.add(run)
        if self._timer is None or run.deadline < self._timer.when():
            self._arm(task.get_loop(), run.deadline)

    def leave(self, run: _Run) -> None:
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
        assert run.task is not None, "it has been entered"
        run.expired = True
        run.deadline = now + self._grace
        if run.abandon is None:
            self._runs.discard(run)
        run.task.cancel()

    def _give_up(self, run: _Run, now: float) -> None:
        self._runs.discard(run)
        run.abandoned = True
        if run.abandon is not None and run.task is not None:
            run.abandon(Outcome(Ending.TIMEOUT, now - run.started), run.task)


class Stage:
    """
    A task in which handlers run, one after the other.

    What a run needs only once it waits for something, its deadline and somebody to go on in its place, it gets when it
    first does: most handlers never do.

    :param timeout: seconds that one run may take
    :param owner: whose handlers run, see :func:`is_run_of`
    :param abandon: called with what a run is of, its outcome and its task, if it does not end although it was cancelled
        at its deadline; when it ends at last, its ending is ABANDONED and nothing is left to do
    :param waits: called when a run first waits for something
    :ivar now: when something was last begun or ended here, on the loop's clock
    """

    def __init__(
        self,
        deadlines: Deadlines,
        timeout: float,
        owner: object = None,
        abandon: Callable[[Any, Outcome, asyncio.Task[Any]], None] | None = None,
        waits: Callable[[], None] = lambda: None,
    ) -> None:
        self._deadlines = deadlines
        self._timeout = timeout
        self._owner = owner
        self._abandon = abandon
        self._waits = waits
        self._clock = asyncio.get_running_loop().time
        self._fresh: _Run | None = None  # it runs, and has not waited for anything yet
        self._of: Any = None
        self.now = self._clock()

    @coroutine
    def performing(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """What ``work`` gives: all that is done in the task, and runs its handlers here."""
        task = asyncio.current_task()
        assert task is not None, "handlers run in tasks"
        step: Callable[[Any], Any] = work.send
        value: Any = None
        while True:
            try:
                awaited = step(value)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # what the work gives
            if self._fresh is not None:
                self._attend(self._fresh, task)
            try:
                step, value = work.send, (yield awaited)
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it is the work's to handle
                step, value = work.throw, error

    def _attend(self, run: _Run, task: asyncio.Task[Any]) -> None:
        self._fresh = None
        if self._abandon is not None:
            run.abandon = partial(self._abandon, self._of)
        self._deadlines.enter(run, task)
        self._waits()

    def tick(self) -> None:
        """Look at the clock, after time has passed with something else than runs."""
        self.now = self._clock()

    async def run(
        self, handler: Callable[..., Awaitable[Any]], arguments: Mapping[str, Any], of: Any = None
    ) -> Outcome:
        """
        What became of ``await handler(**arguments)``, ended at its timeout.

        Whatever the handler raises is an outcome, also an exit or a cancellation of its own making; only the
        cancellation of the task that runs it is an outcome *and* stays asked for (``asyncio.Task.cancelling``).

        :param of: what it is a run of
        """
        run = self._fresh = _Run(self._owner, self._timeout, self.now)
        self._of = of
        _current.set(run)
        value, ending = None, DONE
        error: BaseException | None = None
        try:
            value = await handler(**arguments)
        except asyncio.CancelledError as failure:
            ending, error = _cancelled(run), failure
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # noqa: BLE001 - a handler's SystemExit must not end its agent
            ending, error = Ending.FAILED, failure
        finally:
            self._fresh = run.owner = None
            if run.task is not None:
                self._deadlines.leave(run)
        if run.expired and ending in (DONE, Ending.FAILED):
            ending = _late(run)
        self.now = self._clock()
        return Outcome(ending, self.now - run.started, value, error)


def _cancelled(run: _Run) -> Ending:
    task = run.task or asyncio.current_task()
    assert task is not None, "handlers run in tasks"
    if run.abandoned:
        return Ending.ABANDONED
    if run.expired and task.uncancel() == 0:
        return Ending.TIMEOUT
    return Ending.CANCELLED if task.cancelling() else Ending.FAILED


def _late(run: _Run) -> Ending:
    """A handler that answered its cancellation with a value or an error was late all the same."""
    assert run.task is not None, "it has had a deadline"
    run.task.uncancel()
    return Ending.ABANDONED if run.abandoned else Ending.TIMEOUT


async def run(
    call: Callable[[], Awaitable[Any]],
    timeout: float,
    deadlines: Deadlines,
    abandon: Abandon | None = None,
    owner: object = None,
) -> Outcome:
    """
    What became of ``await call()`` in the current task, see :meth:`Stage.run`.

    :param abandon: called with the outcome of a run that does not end although it was cancelled, and with its task
    """

    def told(of: object, outcome: Outcome, task: asyncio.Task[Any]) -> None:
        if abandon is not None:
            abandon(outcome, task)

    stage = Stage(deadlines, timeout, owner, None if abandon is None else told)
    return await stage.performing(stage.run(call, {}))


def log_failure(log: logging.Logger, name: str, outcome: Outcome) -> None:
    """
    One error line for a run that failed, with the traceback of what it raised, from the handler on.

    What this library raises says all in its text; there it is the line of the handler that is told.
    """
    error = outcome.error
    if outcome.ending is Ending.FAILED and isinstance(error, MicroAgentError):
        log.error("%s failed after %.3f s: %s%s", name, outcome.seconds, outcome.reason, own_place(error))
    elif outcome.ending is Ending.FAILED:
        trace = None if error is None else own_end(error)
        log.error("%s failed after %.3f s: %s", name, outcome.seconds, outcome.reason, exc_info=trace)
    elif outcome.ending is Ending.TIMEOUT:
        log.error("%s was ended after %.3f s: its timeout", name, outcome.seconds)
