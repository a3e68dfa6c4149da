"""The process of one agent: from its configuration to its exit status."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn

from microagent.agent import MicroAgent
from microagent.errors import AuthError, ConfigurationError, ServerInterrupt
from microagent.lifeline import Lifeline
from microagent.logs import Logs
from microagent.parcel import Parcel
from microagent.settings import init_agent
from microagent.stop_signals import left_to_parent, let_in

ORPHAN_STOP = 3.0  # seconds that an agent has to stop when its parent is gone
ORPHAN_END = 4.0  # seconds until its process ends all the same
EXIT_GRACE = 4.0  # seconds for threads to end once the agent has; a wedged one does not keep its group waiting

log = logging.getLogger("microagent.launcher")


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """
    What a process of marun runs, in the form that it is handed over in.

    It ends with status 0 when the agent was asked to stop (SIGTERM) or ended by ``ServerInterrupt``, and with 1 when it
    failed. SIGINT is left to the parent, because a terminal sends it to both. SIGTERM may come more than once: service
    managers send it to each process of a group, and the parent sends it again.

    :param shutdown_timeout: seconds that handlers have to finish
    """

    name: str
    backend: str
    configuration: Parcel[Mapping[str, Any]]
    lifeline: Lifeline
    shutdown_timeout: float
    logs: Logs

    def __call__(self) -> NoReturn:
        """Run the agent and exit."""
        self.lifeline.hold()
        left_to_parent()
        stop: Future[float] = Future()
        threading.Thread(target=self._outlive_no_parent, args=(stop,), daemon=True).start()
        try:
            asyncio.run(self._live(self._opened(), stop))
        except (ConfigurationError, AuthError) as error:  # what to do about it is in its text, not in its traceback
            log.critical("Agent %r: %s", self.name, error)
            sys.exit(1)
        except Exception as error:
            log.critical("Agent %r failed", self.name, exc_info=end_of(error))
            sys.exit(1)
        sys.exit(0)

    def _opened(self) -> Mapping[str, Any]:
        try:
            return self.configuration.open()
        finally:
            self.logs.set_up(self.name)  # after the settings, which may configure logging themselves

    async def _live(self, configuration: Mapping[str, Any], stop: Future[float]) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _ask, stop, self.shutdown_timeout)
        let_in()
        try:
            agent = init_agent(self.backend, configuration)
            agent._shutdown_timeout = self.shutdown_timeout
            await live(agent, asyncio.wrap_future(stop))
        finally:
            _after(EXIT_GRACE / 2, log.warning, "Agent %r has ended, but threads of it have not", self.name)
            _after(EXIT_GRACE, os._exit, 1)

    def _outlive_no_parent(self, stop: Future[float]) -> None:
        self.lifeline.wait()
        _after(ORPHAN_END, os._exit, 1)
        _ask(stop, ORPHAN_STOP)


async def live(agent: MicroAgent[Any, Any], stop: "asyncio.Future[float]") -> None:
    """
    Start an agent; stay until it ends by itself, or until ``stop`` holds the seconds that its handlers have to finish.

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
        return
    await agent.stop(stop.result())
    life.cancel()
    with suppress(ServerInterrupt, asyncio.CancelledError):
        await life


async def _start_and_stay(agent: MicroAgent[Any, Any]) -> None:
    await agent.start()
    await asyncio.Event().wait()


def end_of(error: Exception) -> tuple[type[Exception], Exception, TracebackType | None]:
    """An error for the log, its traceback from where microagent called the agent's own code; whole if it did not."""
    trace = error.__traceback__
    while trace is not None and _is_machinery(trace):
        trace = trace.tb_next
    return type(error), error, trace or error.__traceback__


def _is_machinery(trace: TracebackType) -> bool:
    module = str(trace.tb_frame.f_globals.get("__name__"))
    return module.partition(".")[0] in {"asyncio", "microagent"}


def _ask(stop: Future[float], timeout: float) -> None:
    with suppress(InvalidStateError):  # somebody has asked already
        stop.set_result(timeout)


def _after(seconds: float, action: Callable[..., object], *arguments: object) -> None:
    """Act after ``seconds``, whatever the loop is doing, unless this process has ended by then."""
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
