"""Running one handler: its deadline, its time, its failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from enum import Enum
from functools import partial
from types import CoroutineType, coroutine
from typing import Any, Generic, TypeAlias, TypeVar, cast

from microagent.errors import MicroAgentError
from microagent.printable import printable
from microagent.tracebacks import own_end, own_place

T = TypeVar("T")
J = TypeVar("J")

GRACE = 2.0
LONGEST_REASON = 470  # characters, before what tells that it was cut


class Ending(Enum):
    """How a run ended; ABANDONED: long after it had been given up."""

    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


ENDS_OF_TASKS = (Ending.CANCELLED, Ending.ABANDONED)  # where others ran one after the other, none does any more
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
    """One run that has waited for something: from then on it has a deadline."""

    expired = False
    abandoned = False

    def __init__(self, started: float, timeout: float, task: asyncio.Task[Any], abandon: Abandon | None) -> None:
        self.started = started
        self.deadline = started + timeout
        self.task = task
        self.abandon = abandon


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

    def enter(self, run: _Run) -> None:
        """From now on, its task is cancelled at its deadline."""
        self._runs.add(run)
        if self._timer is None or run.deadline < self._timer.when():
            self._arm(run.task.get_loop(), run.deadline)

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


class Runner(Generic[J]):
    """
    Runs a handler in one task, for one job after the other.

    What a run needs only once it waits for something, its deadline and somebody to go on in its place, it gets when it
    first does: most handlers never do. So all that is done in the task goes through :meth:`drive`.

    :param timeout: seconds that one run may take
    :param done: called with each job whose handler returned, what it returned, and the seconds it took
    :param failed: called with each other job, and what became of it
    :param owner: whose handler it is, see :func:`is_run_of`
    :param abandon: called with a job, its outcome and its task, if its run does not end although it was cancelled at
        its deadline; when it ends at last, its ending is ABANDONED and nothing is left to do
    :param waits: called when a run first waits for something
    :ivar now: when something was last begun or ended here, on the loop's clock
    """

    def __init__(
        self,
        handler: Callable[..., Awaitable[Any]],
        timeout: float,
        deadlines: Deadlines,
        *,
        done: Callable[[J, Any, float], None],
        failed: Callable[[J, Outcome], None],
        owner: object = None,
        abandon: Callable[[J, Outcome, asyncio.Task[Any]], None] | None = None,
        waits: Callable[[], None] = lambda: None,
    ) -> None:
        self._handler = handler
        self._timeout = timeout
        self._deadlines = deadlines
        self._done = done
        self._failed = failed
        self._abandon = abandon
        self._waits = waits
        self._clock = asyncio.get_running_loop().time
        self._is_fresh = False  # a run is under way, and has not waited for anything yet
        self._run: _Run | None = None  # the one that is under way, once it has
        self._job: J
        self._owner = owner
        self._mark: object = None  # of the run that is under way
        self.now = self._clock()

    @coroutine
    def drive(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """What ``work`` gives: all that is done in the task, :meth:`run_all` included."""
        task = asyncio.current_task()
        assert task is not None, "handlers run in tasks"
        step: Callable[[Any], Any] = work.send
        value: Any = None
        while True:
            try:
                awaited = step(value)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # what the work gives
            if self._is_fresh:
                self._attend(task)
            try:
                step, value = work.send, (yield awaited)
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it is the work's to handle
                step, value = work.throw, error

    def _attend(self, task: asyncio.Task[Any]) -> None:
        """The run that is under way waits for something."""
        self._is_fresh = False
        abandon = None if self._abandon is None else partial(self._abandon, self._job)
        self._run = _Run(self.now, self._timeout, task, abandon)
        self._deadlines.enter(self._run)
        self._waits()

    def is_at(self, mark: object, owner: object) -> bool:
        """Whether the run of this mark is under way, and its handler is the owner's."""
        return self._mark is mark and self._owner is owner

    def tick(self) -> None:
        """Look at the clock, after time has passed with something else than runs."""
        self.now = self._clock()

    async def run_all(self, jobs: Iterable[tuple[J, Mapping[str, Any]]]) -> Ending | None:
        """
        Call the handler for each job, with its arguments and in a context of its own, and end it at its timeout.

        Whatever the handler raises is told to ``failed``, also an exit or a cancellation of its own making; only the
        cancellation of the task that runs it is told *and* stays asked for (``asyncio.Task.cancelling``).

        :param jobs: asked for the next one when the one before has ended
        :return: None when all are done; CANCELLED or ABANDONED when it is the task that is to end, after this run
        """
        handler, done, clock = self._handler, self._done, self._clock
        for job, arguments in jobs:
            self._job, self._is_fresh = job, True
            self._mark = mark = (self,)  # a new object, by which tasks that the handler begins know its run
            _current.set(mark)
            try:
                value, error = await _isolated(handler(**arguments)), None
            except BaseException as failure:  # noqa: BLE001 - a handler's SystemExit must not end its agent
                value, error = None, failure
            started, self.now = self.now, clock()
            if self._is_fresh and error is None:  # as most end
                done(job, value, self.now - started)
            elif (ending := self._conclude(job, value, error, self.now - started)) in ENDS_OF_TASKS:
                return ending
        self._is_fresh, self._mark = False, None
        return None

    def _conclude(self, job: J, value: Any, error: BaseException | None, seconds: float) -> Ending:
        """Tell of a run that has waited for something, or failed."""
        run, self._run = self._run, None
        self._is_fresh, self._mark = False, None
        if run is not None:
            self._deadlines.leave(run)
        if isinstance(error, KeyboardInterrupt):
            raise error
        ending = _ending(run, error)
        if ending is DONE:
            self._done(job, value, seconds)
        else:
            self._failed(job, Outcome(ending, seconds, value, error))
        return ending


@coroutine
def _isolated(work: Awaitable[T]) -> Generator[Any, Any, T]:
    """Await ``work`` in a copy of the current context: what it sets there is not seen by what the task does next."""
    context = copy_context()
    steps = cast("CoroutineType[Any, Any, T]", work) if isinstance(work, CoroutineType) else _awaiting(work)
    step: Callable[[Any], Any] = steps.send
    value: Any = None
    while True:
        try:
            awaited = context.run(step, value)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what the work gives
        try:
            step, value = steps.send, (yield awaited)
        except BaseException as error:  # noqa: BLE001 - it is the work's to handle
            step, value = steps.throw, error


async def _awaiting(work: Awaitable[T]) -> T:
    return await work


_current: ContextVar[tuple[Runner[Any]] | None] = ContextVar("microagent run", default=None)


def is_run_of(owner: object) -> bool:
    """Whether a handler of ``owner`` asks, itself or by a task of its making, that has not ended yet."""
    mark = _current.get()
    return mark is not None and mark[0].is_at(mark, owner)


def _ending(run: _Run | None, error: BaseException | None) -> Ending:
    """How a run ended that raised this, or nothing; it is None if it has not waited for anything."""
    if isinstance(error, asyncio.CancelledError):
        return _cancelled(run)
    if run is not None and run.expired:  # whatever it answered its cancellation with, it was late
        run.task.uncancel()
        return Ending.ABANDONED if run.abandoned else Ending.TIMEOUT
    return DONE if error is None else Ending.FAILED


def _cancelled(run: _Run | None) -> Ending:
    task = asyncio.current_task()
    assert task is not None, "handlers run in tasks"
    if run is not None and run.abandoned:
        return Ending.ABANDONED
    if run is not None and run.expired and task.uncancel() == 0:
        return Ending.TIMEOUT
    return Ending.CANCELLED if task.cancelling() else Ending.FAILED


async def run(
    call: Callable[[], Awaitable[Any]],
    timeout: float,
    deadlines: Deadlines,
    abandon: Abandon | None = None,
    owner: object = None,
) -> Outcome:
    """
    What became of ``await call()`` in the current task, see :meth:`Runner.run_all`.

    :param abandon: called with the outcome of a run that does not end although it was cancelled, and with its task
    """
    outcomes: list[Outcome] = []
    runner: Runner[None] = Runner(
        call,
        timeout,
        deadlines,
        done=lambda _, value, seconds: outcomes.append(Outcome(DONE, seconds, value)),
        failed=lambda _, outcome: outcomes.append(outcome),
        owner=owner,
        abandon=None if abandon is None else lambda _, outcome, task: abandon(outcome, task),
    )
    await runner.drive(runner.run_all([(None, {})]))
    return outcomes[0]


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
