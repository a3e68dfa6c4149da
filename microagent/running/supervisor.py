"""Starts, watches and stops a group of agents, each in a process of its own."""

import logging
import multiprocessing
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from multiprocessing.context import DefaultContext
from multiprocessing.process import BaseProcess
from typing import Any, TypeAlias, cast

from microagent.agent import SHUTDOWN_TIMEOUT
from microagent.errors import GroupInterrupt
from microagent.running.agent_process import AgentProcess
from microagent.running.deferred import Deferred
from microagent.running.lifeline import Lifeline
from microagent.running.logs import Logs
from microagent.running.loops import Loop, factory_of
from microagent.running.stop_signals import StopSignals, stop_signals_blocked

GRACE = 5.0  # seconds beyond the shutdown timeout for hooks to run and processes to exit

Configurations: TypeAlias = Sequence[tuple[str, tuple[str, Mapping[str, Any]]]]

log = logging.getLogger("microagent.launcher")


class AgentsManager:
    """
    Runs a group of agents, each in a process of its own.

    When one agent ends or fails, the others get SIGTERM; processes that still run 5 seconds after the shutdown timeout
    are killed. SIGINT and SIGTERM stop the group in the same way, and a second one kills it at once. No agent outlives
    the manager, even if the manager itself is killed.

    :param cfg: the items that :func:`load_configuration` yields, of one or more settings modules
    :param start_method: ``"fork"``, ``"spawn"`` or ``"forkserver"``; None: the platform's default
    :param shutdown_timeout: seconds that handlers have to finish when the group stops
    :param logs: the logging options of the agents' processes
    :param loop: the event loop of the agents: ``"asyncio"`` or ``"uvloop"``
    :raises ExtraMissing: if uvloop is asked for and not installed
    """

    def __init__(
        self,
        cfg: Configurations,
        *,
        start_method: str | None = None,
        shutdown_timeout: float = SHUTDOWN_TIMEOUT,
        logs: Logs = Logs(),  # noqa: B008 - it is immutable
        loop: Loop = "asyncio",
    ) -> None:
        factory_of(loop)
        self._loop: Loop = loop
        self.cfg = cfg
        self._context = cast(
            "DefaultContext", multiprocessing.get_context(start_method)
        )  # every context has a Process class
        self._shutdown_timeout = shutdown_timeout
        self._logs = logs
        self._running: list[BaseProcess] = []
        self._failures: list[str] = []
        self._deadline: float | None = None  # of a group that was told to stop

    def start(self) -> None:
        """
        Run the group; return when all agents have ended cleanly. Has to be called in the main thread.

        :raises GroupInterrupt: if agents failed or had to be killed; the message names each of them
        """
        self._running, self._failures, self._deadline = [], [], None
        with StopSignals() as signals, closing(Lifeline(self._context)) as lifeline:
            try:
                self._launch(lifeline)
                self._supervise(signals)
            finally:
                self._kill()
        if self._failures:
            raise GroupInterrupt(", ".join(self._failures))

    def _launch(self, lifeline: Lifeline) -> None:
        if self._context.get_start_method() != "fork":
            resource_tracker.ensure_running()  # now, because starting it unblocks signals
        with stop_signals_blocked():
            for name, (backend, cfg) in self.cfg:
                target = AgentProcess(
                    name, backend, Deferred(cfg), lifeline, self._shutdown_timeout, self._logs, self._loop
                )
                process = self._context.Process(target=target, name=name)
                process.start()
                self._running.append(process)
                log.info("Agent %r started, pid %s", name, process.pid)

    def _supervise(self, signals: StopSignals) -> None:
        while self._running:
            wait([signals.fileno(), *(process.sentinel for process in self._running)], self._patience())
            signals.read()
            self._reap()
            if signals.requests > 1 or self._patience() == 0:
                return
            if self._deadline is None and (signals.requests or len(self._running) < len(self.cfg)):
                self._stop()

    def _patience(self) -> float | None:
        """Seconds left until processes that have not ended are killed; None while the group is running."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _stop(self) -> None:
        log.info("Stopping the group")
        self._deadline = time.monotonic() + self._shutdown_timeout + GRACE
        for process in self._running:
            process.terminate()

    def _reap(self) -> None:
        for process in [process for process in self._running if process.exitcode is not None]:
            self._running.remove(process)
            if self._is_clean(process.exitcode):
                log.info("Agent %r ended", process.name)
            else:
                self._failures.append(f"agent {process.name!r} {_ending(process.exitcode)}")

    def _is_clean(self, exitcode: int | None) -> bool:
        """SIGTERM kills a process that has not set its handler yet, or has no agent any more; that is no failure."""
        return exitcode == 0 or (exitcode == -signal.SIGTERM and self._deadline is not None)

    def _kill(self) -> None:
        for process in self._running:
            process.kill()
            process.join()
            self._failures.append(f"agent {process.name!r} did not stop and was killed")
        self._running.clear()


def _ending(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        return f"was killed by {_signal_name(-exitcode)}"
    return f"failed with exit status {exitcode}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # most real-time signals have no name
        return f"signal {number}"
