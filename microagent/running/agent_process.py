"""What runs in the process of one agent, from its configuration to its exit status."""

import asyncio
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from microagent.agent import MicroAgent
from microagent.errors import MicroAgentError, ServerInterrupt
from microagent.printable import printable
from microagent.running.deferred import Deferred
from microagent.running.lifeline import Lifeline
from microagent.running.logs import Logs
from microagent.running.loops import Loop, factory_of
from microagent.running.settings import init_agent
from microagent.running.stop_signals import reset_in_child, unblock_stop_signals
from microagent.tracebacks import OURS, is_of, own_end, own_place

ORPHAN_STOP = 3.0  # seconds that handlers have to finish when the parent has died
ORPHAN_END = 4.0  # seconds after the death of the parent until the process exits in any case
DEBOUNCE = 1.0  # seconds within which SIGTERMs count as one: the parent, which may be busy, sends it again
BLOCKED = 1.0  # seconds after SIGTERM until a loop that has not run is said to be blocked
EXIT_GRACE = 4.0  # seconds for threads to end once the agent has; then the process exits all the same

log = logging.getLogger("microagent.launcher")


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """
    The target of an agent's process; picklable.

    The process exits with status 0 when the agent was asked to stop (SIGTERM) or ended by ``ServerInterrupt``, and with
    1 when it failed. SIGINT is ignored: a terminal sends it to the parent too, which decides. A SIGTERM stops the agent
    gracefully, another one after more than a second at once; within that second it is the same request, because service
    managers send SIGTERM to every process of a group, and then the parent does.

    :param name: of the agent
    :param backend: import path of the agent class
    :param shutdown_timeout: seconds that handlers have to finish
    :param loop: the event loop that the agent runs on
    """

    name: str
    backend: str
    configuration: Deferred[Mapping[str, Any]]
    lifeline: Lifeline
    shutdown_timeout: float
    logs: Logs
    loop: Loop = "asyncio"

    def __call__(self) -> NoReturn:
        """Run the agent and exit."""
        self.lifeline.hold()
        reset_in_child()
        stop: Future[float] = Future()
        threading.Thread(target=self._end_with_parent, args=(stop,), daemon=True).start()
        try:
            configuration = self._loaded()
            with asyncio.Runner(loop_factory=factory_of(self.loop)) as runner:
                runner.run(self._run(configuration, stop))
        except MicroAgentError as error:  # its message says what to do, a traceback would add nothing
            log.critical("Agent %r: %s%s", self.name, error, own_place(error))
            sys.exit(1)
        except Exception as error:
            log.critical("Agent %r failed", self.name, exc_info=own_end(error))
            sys.exit(1)
        sys.exit(0)

    def _loaded(self) -> Mapping[str, Any]:
        try:
            return self.configuration.load()
        finally:
            self.logs.set_up(self.name)  # after the settings, which may configure logging themselves

    async def _run(self, configuration: Mapping[str, Any], stop: Future[float]) -> None:
        loop = asyncio.get_running_loop()
        requests = _StopRequests(stop, self.shutdown_timeout)
        signal.signal(signal.SIGTERM, lambda _signal, _frame: self._terminate(loop, requests))
        unblock_stop_signals()
        try:
            agent = init_agent(self.backend, configuration)
            agent._shutdown_timeout = self.shutdown_timeout
            await run_agent(agent, asyncio.wrap_future(stop), asyncio.wrap_future(requests.now))
        finally:
            _after(EXIT_GRACE / 2, self._log_what_is_left, asyncio.all_tasks())
            _after(EXIT_GRACE, os._exit, 1)

    def _terminate(self, loop: asyncio.AbstractEventLoop, requests: "_StopRequests") -> None:
        """The handler of SIGTERM; Python runs it in the main thread even while the event loop is blocked."""
        requests.add()
        self._watch(loop)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the loop again and again until it is closed: a hook may block it while the agent stops."""
        answered = threading.Event()
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(answered.set)
            _after(BLOCKED, self._log_what_blocks, loop, answered)

    def _log_what_blocks(self, loop: asyncio.AbstractEventLoop, answered: threading.Event) -> None:
        if answered.is_set():
            self._watch(loop)
        elif not loop.is_closed():
            log.warning("Agent %r cannot stop: its event loop is blocked by %s", self.name, _blocking_place())

    def _log_what_is_left(self, tasks: "Collection[asyncio.Task[Any]]") -> None:
        names = ", ".join(sorted(task.get_name() for task in tasks if not task.done()))
        if names:
            log.warning(
                "Agent %r has ended, but tasks of it ignore their cancellation: %s", self.name, printable(names)
            )
        else:
            log.warning("Agent %r has ended, but threads of it have not", self.name)

    def _end_with_parent(self, stop: Future[float]) -> None:
        self.lifeline.wait()
        _after(ORPHAN_END, os._exit, 1)
        _ask(stop, ORPHAN_STOP)


class _StopRequests:
    """
    Turns SIGTERMs into requests: the first one to stop within ``timeout`` seconds, a later one to stop now.

    :ivar now: done when the agent has to stop now
    """

    def __init__(self, stop: Future[float], timeout: float) -> None:
        self._stop = stop
        self._timeout = timeout
        self._last = math.inf
        self.now: Future[None] = Future()

    def add(self) -> None:
        if time.monotonic() > self._last + DEBOUNCE:
            with suppress(InvalidStateError):
                self.now.set_result(None)
        self._last = time.monotonic()
        _ask(self._stop, self._timeout)


async def run_agent(
    agent: MicroAgent[Any, Any], stop: "asyncio.Future[float]", now: "asyncio.Future[None] | None" = None
) -> None:
    """
    Run an agent until it ends by itself, or until ``stop`` is done and it has been stopped.

    :param stop: its result is the number of seconds that handlers have to finish
    :param now: once done, a stop that is under way waits for handlers no longer
    :raises Exception: what starting, serving or stopping raises, except ``ServerInterrupt``
    """
    running = asyncio.create_task(_run_to_end(agent))
    ends: set[asyncio.Future[Any]] = {running, stop}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        try:
            running.result()
        except ServerInterrupt as end:
            agent.log.info("%r ends by itself: %s", agent, end)
        else:
            agent.log.info("%r has been stopped by its own code", agent)
        return
    stopping = asyncio.create_task(agent.stop(stop.result()))
    await asyncio.wait([stopping] if now is None else [stopping, now], return_when=asyncio.FIRST_COMPLETED)
    agent._lifecycle.hurry()
    await stopping
    running.cancel()
    with suppress(ServerInterrupt, asyncio.CancelledError):
        await running


async def _run_to_end(agent: MicroAgent[Any, Any]) -> None:
    await agent.start()
    await agent._lifecycle.stopped()  # an agent without servers returns from start(), and a handler may stop it


def _blocking_place() -> str:
    """Where the main thread is in the agent's own code: ``handler, in agents.py:7``."""
    frame, found = sys._current_frames().get(threading.main_thread().ident or 0), "something"
    while frame is not None and not is_of(frame, frozenset({"asyncio"})):
        if not is_of(frame, OURS):
            found = f"{frame.f_code.co_name}, in {frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return found


def _ask(stop: Future[float], timeout: float) -> None:
    with suppress(InvalidStateError):  # it has been asked already
        stop.set_result(timeout)


def _after(seconds: float, action: Callable[..., object], *arguments: object) -> None:
    """Call ``action`` in a thread after ``seconds``, even if the loop is blocked, unless the process has ended."""
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
