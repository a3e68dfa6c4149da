"""The process of one agent: from its configuration to its exit status."""

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
from microagent.running.lifeline import Lifeline
from microagent.running.logs import Logs
from microagent.running.loops import Loop, factory_of
from microagent.running.parcel import Parcel
from microagent.running.settings import init_agent
from microagent.running.stop_signals import left_to_parent, let_in
from microagent.tracebacks import OURS, is_of, own_end, own_place

ORPHAN_STOP = 3.0  # seconds that an agent has to stop when its parent is gone
ORPHAN_END = 4.0  # seconds until its process ends all the same
ONE_WISH = 1.0  # seconds within which signals say the same, however busy the parent that sends it again
BLOCKED = 1.0  # seconds after which a loop that does not come to stop its agent is blocked
EXIT_GRACE = 4.0  # seconds for threads to end once the agent has; a wedged one does not keep its group waiting

log = logging.getLogger("microagent.launcher")


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """
    What a process of marun runs, in the form that it is handed over in.

    It ends with status 0 when the agent was asked to stop (SIGTERM) or ended by ``ServerInterrupt``, and with 1 when it
    failed. SIGINT is left to the parent, because a terminal sends it to both. SIGTERM may come twice: service managers
    send it to each process of a group, and the parent sends it again. One that comes later ends the agent now.

    :param shutdown_timeout: seconds that handlers have to finish
    :param loop: the event loop that the agent runs on
    """

    name: str
    backend: str
    configuration: Parcel[Mapping[str, Any]]
    lifeline: Lifeline
    shutdown_timeout: float
    logs: Logs
    loop: Loop = "asyncio"

    def __call__(self) -> NoReturn:
        """Run the agent and exit."""
        self.lifeline.hold()
        left_to_parent()
        stop: Future[float] = Future()
        threading.Thread(target=self._outlive_no_parent, args=(stop,), daemon=True).start()
        try:
            configuration = self._opened()
            with asyncio.Runner(loop_factory=factory_of(self.loop)) as runner:
                runner.run(self._live(configuration, stop))
        except MicroAgentError as error:  # what to do about it is in its text, not in its traceback
            log.critical("Agent %r: %s%s", self.name, error, own_place(error))
            sys.exit(1)
        except Exception as error:
            log.critical("Agent %r failed", self.name, exc_info=own_end(error))
            sys.exit(1)
        sys.exit(0)

    def _opened(self) -> Mapping[str, Any]:
        try:
            return self.configuration.open()
        finally:
            self.logs.set_up(self.name)  # after the settings, which may configure logging themselves

    async def _live(self, configuration: Mapping[str, Any], stop: Future[float]) -> None:
        loop = asyncio.get_running_loop()
        wishes = _Wishes(stop, self.shutdown_timeout)
        signal.signal(signal.SIGTERM, lambda _signal, _frame: self._terminate(loop, wishes))
        let_in()
        try:
            agent = init_agent(self.backend, configuration)
            agent._shutdown_timeout = self.shutdown_timeout
            await live(agent, asyncio.wrap_future(stop), asyncio.wrap_future(wishes.now))
        finally:
            _after(EXIT_GRACE / 2, self._tell_what_is_left, asyncio.all_tasks())
            _after(EXIT_GRACE, os._exit, 1)

    def _terminate(self, loop: asyncio.AbstractEventLoop, wishes: "_Wishes") -> None:
        """Called in the main thread, even while a handler blocks the loop."""
        wishes.add()
        answered = threading.Event()
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(answered.set)
        _after(BLOCKED, self._tell_what_blocks, answered)

    def _tell_what_blocks(self, answered: threading.Event) -> None:
        if not answered.is_set():
            log.warning("Agent %r cannot stop: its event loop is blocked by %s", self.name, _blocking_place())

    def _tell_what_is_left(self, tasks: "Collection[asyncio.Task[Any]]") -> None:
        names = ", ".join(sorted(task.get_name() for task in tasks if not task.done()))
        if names:
            log.warning(
                "Agent %r has ended, but tasks of it ignore their cancellation: %s", self.name, printable(names)
            )
        else:
            log.warning("Agent %r has ended, but threads of it have not", self.name)

    def _outlive_no_parent(self, stop: Future[float]) -> None:
        self.lifeline.wait()
        _after(ORPHAN_END, os._exit, 1)
        _ask(stop, ORPHAN_STOP)


class _Wishes:
    """What SIGTERM says each time that it comes: stop within ``timeout`` seconds, and then, now."""

    def __init__(self, stop: Future[float], timeout: float) -> None:
        self._stop = stop
        self._timeout = timeout
        self._last = math.inf
        self.now: Future[None] = Future()

    def add(self) -> None:
        if time.monotonic() > self._last + ONE_WISH:
            with suppress(InvalidStateError):
                self.now.set_result(None)
        self._last = time.monotonic()
        _ask(self._stop, self._timeout)


async def live(
    agent: MicroAgent[Any, Any], stop: "asyncio.Future[float]", now: "asyncio.Future[None] | None" = None
) -> None:
    """
    Start an agent; stay until it ends by itself, or until ``stop`` holds the seconds that its handlers have to finish.

    :param now: when it is done, they have no more time
    :raises Exception: what its start, its servers or its stop raise, but for ``ServerInterrupt``
    """
    life = asyncio.create_task(_start_and_stay(agent))
    ends: set[asyncio.Future[Any]] = {life, stop}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        try:
            life.result()
        except ServerInterrupt as end:
            agent.log.info("%r ends by itself: %s", agent, end)
        else:
            agent.log.info("%r has been stopped by its own code", agent)
        return
    stopping = asyncio.create_task(agent.stop(stop.result()))
    await asyncio.wait([stopping] if now is None else [stopping, now], return_when=asyncio.FIRST_COMPLETED)
    agent._life.hurry()
    await stopping
    life.cancel()
    with suppress(ServerInterrupt, asyncio.CancelledError):
        await life


async def _start_and_stay(agent: MicroAgent[Any, Any]) -> None:
    await agent.start()
    await agent._life.over()  # a handler may stop it


def _blocking_place() -> str:
    """``handler, in agents.py:7``: the agent's own code that the main thread is in."""
    frame, found = sys._current_frames().get(threading.main_thread().ident or 0), "something"
    while frame is not None and not is_of(frame, frozenset({"asyncio"})):
        if not is_of(frame, OURS):
            found = f"{frame.f_code.co_name}, in {frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return found


def _ask(stop: Future[float], timeout: float) -> None:
    with suppress(InvalidStateError):  # somebody has asked already
        stop.set_result(timeout)


def _after(seconds: float, action: Callable[..., object], *arguments: object) -> None:
    """Act after ``seconds``, whatever the loop is doing, unless this process has ended by then."""
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
