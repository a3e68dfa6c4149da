"""The process of one agent: from its configuration to its exit status."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from microagent.agent import MicroAgent
from microagent.errors import AuthError, ConfigurationError, ServerInterrupt
from microagent.lifeline import Lifeline
from microagent.settings import init_agent
from microagent.stop_signals import left_to_parent, let_in

LOG_FORMAT = "%(levelname)-8s [pid#%(process)d] %(asctime)s %(name)s %(filename)s:%(lineno)d %(message)s"

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
    configuration: Mapping[str, Any]
    lifeline: Lifeline
    shutdown_timeout: float

    def __call__(self) -> NoReturn:
        """Run the agent and exit."""
        self.lifeline.hold()
        left_to_parent()
        log_to_stderr()
        try:
            asyncio.run(self._live())
        except (ConfigurationError, AuthError) as error:  # what to do about it is in its text, not in its traceback
            log.critical("Agent %r: %s", self.name, error)
            sys.exit(1)
        except Exception:
            log.critical("Agent %r failed", self.name, exc_info=True)
            sys.exit(1)
        sys.exit(0)

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        stop: asyncio.Future[float] = loop.create_future()
        loop.add_signal_handler(signal.SIGTERM, _ask, stop, self.shutdown_timeout)
        let_in()
        threading.Thread(target=self._outlive_no_parent, args=(loop, stop), daemon=True).start()
        try:
            await live(init_agent(self.backend, self.configuration), stop)
        finally:
            _after(EXIT_GRACE / 2, log.warning, "Agent %r has ended, but threads of it have not", self.name)
            _after(EXIT_GRACE, os._exit, 1)

    def _outlive_no_parent(self, loop: asyncio.AbstractEventLoop, stop: "asyncio.Future[float]") -> None:
        self.lifeline.wait()
        _after(ORPHAN_END, os._exit, 1)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(_ask, stop, ORPHAN_STOP)


async def live(agent: MicroAgent[Any, Any], stop: "asyncio.Future[float]") -> None:
    """
    Start an agent; stay until it ends by itself, or until ``stop`` holds the seconds that its handlers have to finish.

    :raises Exception: what its start, its servers or its stop raise, but for ``ServerInterrupt``
    """
    life = asyncio.create_task(_start_and_stay(agent))
    ends: set[asyncio.Future[Any]] = {life, stop}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if life.done():
        with suppress(ServerInterrupt):
            life.result()
        return
    await agent.stop(stop.result())
    life.cancel()
    with suppress(ServerInterrupt, asyncio.CancelledError):
        await life


async def _start_and_stay(agent: MicroAgent[Any, Any]) -> None:
    await agent.start()
    await asyncio.Event().wait()


def log_to_stderr() -> None:
    """What a settings module that configures no logging gets."""
    logging.basicConfig(format=LOG_FORMAT, level=logging.INFO)


def _ask(stop: "asyncio.Future[float]", timeout: float) -> None:
    if not stop.done():
        stop.set_result(timeout)


def _after(seconds: float, action: Callable[..., object], *arguments: object) -> None:
    """Act after ``seconds``, whatever the loop is doing, unless this process has ended by then."""
    timer = threading.Timer(seconds, action, arguments)
    timer.daemon = True
    timer.start()
