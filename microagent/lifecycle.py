"""The lifecycle of an agent: what it starts and stops, and in which order."""

import asyncio
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from microagent.bindings import Agent, Bindings
from microagent.errors import ConfigurationError
from microagent.execution import Deadlines, Ending, is_run_of, log_failure, run
from microagent.handlers import HookLabel
from microagent.hooks import run_hook
from microagent.roster import Roster, Timer
from microagent.tasks import GRACE, Tasks, is_cancelled


class _Exit(Exception):
    """Carries a SystemExit out of a task; raised there, it would end the event loop before anything is closed."""

    def __init__(self, original: SystemExit) -> None:
        super().__init__(original)
        self.original = original


class Lifecycle:
    """
    Starts and stops one agent: hooks, bindings, timers, servers. A stopped agent can be started again.

    Stopping goes in the reverse order of starting, always to its end, and at most once however often it is asked for.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._name = type(agent).__name__
        self._roster = Roster(agent)
        self._bindings = Bindings(agent)
        self.bind_receivers = self._bindings.bind_receivers
        self.bind_consumers = self._bindings.bind_consumers
        self._timers: list[Timer] = []
        self._servers: list[asyncio.Task[None]] = []
        self._runs: Tasks | None = None  # of timers; None: not started
        self._deadlines = Deadlines()
        self._starting: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._accepts_nothing = asyncio.Event()  # while stopping: no new run of a handler begins
        self._hurried = asyncio.Event()
        self._stopped = asyncio.Event()
        self._pre_start_done = False

    # -- starting

    def claim(self) -> None:
        """
        Mark the agent as started; from now on it has to be stopped.

        :raises ConfigurationError: if it is already started, its ``__init__`` did not call that of MicroAgent, or its
            bus or broker is something else
        """
        if self._runs is not None:
            raise ConfigurationError(f"{self._name} is started already")
        self._bindings.check()
        self._runs = Tasks(self._agent.log)
        self._accepts_nothing, self._hurried, self._stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._starting, self._serving, self._stopping = None, None, None
        for endpoint in self._bindings.endpoints:
            endpoint._join(self)

    async def run(self, *, timers: bool, receivers: bool, consumers: bool, servers: bool) -> None:
        """
        Start the agent, then run its servers until all have ended or one raises.

        When :meth:`stop` is called meanwhile, this returns after the agent has stopped.

        :raises ConfigurationError: if the agent lacks a bus or a broker that its handlers need
        :raises SystemExit: if a hook or a server raised it
        """
        self._starting = self._spawn(self._start(timers, receivers, consumers), f"{self._name}: start")
        try:
            await self._starting
            if servers and self._stopping is None:
                self._serving = self._spawn(self._serve(), f"{self._name}: servers")
                await self._serving
        except _Exit as exit_:
            raise exit_.original from None
        except asyncio.CancelledError:
            if self._stopping is None or is_cancelled():
                raise
        if self._stopping is not None:
            await asyncio.shield(self._stopping)

    async def _start(self, timers: bool, receivers: bool, consumers: bool) -> None:
        await self._run_hooks("pre_start")
        self._pre_start_done = True
        if receivers:
            await self.bind_receivers(self._roster.receivers())
        if consumers:
            await self.bind_consumers(self._roster.consumers())
        if timers:
            self._timers = self._roster.timers(self._runs, self._deadlines)
            for timer in self._timers:
                timer.start()
        await self._run_hooks("post_start")

    async def _run_hooks(self, label: HookLabel) -> None:
        for hook in self._roster.hooks(label):
            await run_hook(hook)

    async def stopped(self) -> None:
        """Return when the agent has stopped."""
        await self._stopped.wait()

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        return asyncio.create_task(_carrying_exits(coroutine, name), name=name)

    async def _serve(self) -> None:
        self._servers = [
            self._spawn(run_hook(hook), f"{self._name}.{hook.__name__}") for hook in self._roster.hooks("server")
        ]
        if self._servers:
            await asyncio.wait(self._servers, return_when=asyncio.FIRST_EXCEPTION)
        for server in self._servers:
            if server.done() and not server.cancelled():
                server.result()

    # -- stopping

    async def stop(self, timeout: float) -> None:
        """
        Stop the agent; return when it has stopped. Does nothing if it is not started.

        Called by one of its own handlers, it returns as soon as no new run begins, and called by a ``pre_stop`` hook at
        once: the stop waits for their end.

        :param timeout: seconds for hooks and handlers to finish; a stop that is already under way keeps its own
        """
        if self._runs is None:
            return
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop(timeout), name=f"{self._name}: stop")
        if is_run_of(self._agent):
            await self._accepts_nothing.wait()
        elif not is_run_of(self):
            await asyncio.shield(self._stopping)

    def hurry(self) -> None:
        """Let a stop that is under way wait no longer: what still runs is cancelled and handed back."""
        self._hurried.set()

    async def _stop(self, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self._starting is not None:
            await self._cancel([self._starting])
        if self._pre_start_done:
            await self._run_pre_stop_hooks(max(timeout, GRACE))
        for timer in self._timers:
            timer.stop()
        await self._drain(max(0.0, deadline - loop.time()))
        await self._all(endpoint._leave(self) for endpoint in reversed(self._bindings.endpoints))
        self._deadlines.close()
        self._timers, self._servers = [], []
        self._runs, self._pre_start_done = None, False
        self._stopped.set()

    async def _run_pre_stop_hooks(self, timeout: float) -> None:
        """Run the ``pre_stop`` hooks; what is left of them after ``timeout`` seconds in all is cancelled."""
        hooks = asyncio.create_task(self._try_pre_stop_hooks(timeout), name=f"{self._name}: pre_stop")
        await self._unless_hurried(hooks, timeout + GRACE)
        if not hooks.done():
            await self._cancel([hooks])

    async def _try_pre_stop_hooks(self, timeout: float) -> None:
        """A hook that fails is logged, and the stop goes on."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for hook in self._roster.hooks("pre_stop"):
            left = deadline - loop.time()
            outcome = await run(partial(run_hook, hook), left, self._deadlines, owner=self)
            log_failure(self._agent.log, f"{self._name}.{hook.__name__}, a pre_stop hook,", outcome)
            if outcome.ending is Ending.CANCELLED:
                return

    async def _drain(self, timeout: float) -> None:
        timeout = 0.0 if self._hurried.is_set() else timeout
        draining = asyncio.create_task(self._all(self._drain_steps(timeout)), name=f"{self._name}: drain")
        await self._unless_hurried(draining)
        if not draining.done():
            draining.cancel()  # each step then hurries, and still hands back what it holds
        await asyncio.wait([draining])

    def _drain_steps(self, timeout: float) -> Iterator[Coroutine[Any, Any, None]]:
        yield self._end_servers()
        yield self._drain_runs(timeout)
        yield from self._bindings.unbinding(timeout)
        yield self._release_stopping_handlers()

    async def _release_stopping_handlers(self) -> None:
        """Comes last: steps begin in their order, so that by now none of them lets a new run begin."""
        self._accepts_nothing.set()

    async def _unless_hurried(self, step: "asyncio.Task[None]", timeout: float | None = None) -> None:
        """Wait for ``step`` until it is done, ``timeout`` seconds have passed, or :meth:`hurry` is called."""
        hurried = asyncio.create_task(self._hurried.wait())
        await asyncio.wait([step, hurried], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()

    async def _all(self, steps: Iterator[Coroutine[Any, Any, None]]) -> None:
        """Run the steps concurrently; one that fails is logged, and the others go on."""
        for result in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(result, BaseException):
                self._agent.log.error("%s: stopping went wrong", self._name, exc_info=result)

    async def _end_servers(self) -> None:
        await self._cancel(self._servers)
        if self._serving is not None:
            await self._cancel([self._serving])  # it waits for the servers, even for one that does not end

    async def _cancel(self, tasks: list[asyncio.Task[None]]) -> None:
        """Cancel tasks of :meth:`run`, which raises what they raise; one that does not end is logged and left."""
        for task in tasks:
            task.cancel()
        done, stuck = await asyncio.wait(tasks, timeout=GRACE) if tasks else (set[Any](), set[Any]())
        for task in done:
            if not task.cancelled():
                task.exception()
        for task in stuck:
            self._agent.log.error("%s ignores its cancellation and is left behind", task.get_name())

    async def _drain_runs(self, timeout: float) -> None:
        if self._runs is not None:
            await self._runs.drain(timeout)
            await self._runs.cancel()

    # -- monitoring

    def info(self) -> dict[str, Any]:
        """What ``MicroAgent.info()`` returns."""
        bus, broker = (
            None if endpoint is None else endpoint._info() for endpoint in (self._bindings.bus, self._bindings.broker)
        )
        return {
            "name": self._name,
            "started": self._runs is not None,
            "healthy": all(endpoint["healthy"] for endpoint in (bus, broker) if endpoint is not None),
            "bus": bus,
            "broker": broker,
            **self._roster.describe(),
        }


async def _carrying_exits(coroutine: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await coroutine
    except SystemExit as original:
        raise _Exit(original) from None
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise RuntimeError(f"{name} raised a CancelledError of its own") from error
