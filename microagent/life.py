"""The life of an agent: what it binds and starts, in which order, and how that ends."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any, Protocol

from microagent.broker import AbstractQueueBroker, Consumer
from microagent.bus import AbstractSignalBus, Receiver
from microagent.errors import ConfigurationError
from microagent.execution import Deadlines, Ending, is_run_of, log_failure, run
from microagent.faces import TypedBroker, TypedBus, raw
from microagent.handlers import HookLabel
from microagent.hooks import run_hook
from microagent.roster import Roster, Timer
from microagent.tasks import GRACE, Tasks, is_cancelled


class Agent(Protocol):
    """What a life needs of its agent."""

    @property
    def bus(self) -> AbstractSignalBus | TypedBus | None: ...
    @property
    def broker(self) -> AbstractQueueBroker | TypedBroker | None: ...
    @property
    def log(self) -> logging.Logger: ...


class _Exit(Exception):
    """A SystemExit on its way out of a task, where it would end the loop before anything is closed."""

    def __init__(self, wish: SystemExit) -> None:
        super().__init__(wish)
        self.wish = wish


class Life:
    """Binds the handlers that an agent's class has marked, and lets them go again."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._name = type(agent).__name__
        self._roster = Roster(agent)
        self._receivers: list[Receiver] = []
        self._consumers: list[Consumer] = []
        self._timers: list[Timer] = []
        self._servers: list[asyncio.Task[None]] = []
        self._runs: Tasks | None = None
        self._deadlines = Deadlines()
        self._beginning: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._quiet = asyncio.Event()
        self._hurry = asyncio.Event()
        self._over = asyncio.Event()
        self._is_set_up = False

    # -- beginning

    def claim(self) -> None:
        """
        From now on it is begun, and has to be ended.

        :raises ConfigurationError: if it is begun already, or is no agent yet, or has something else for a bus or
            broker
        """
        if self._runs is not None:
            raise ConfigurationError(f"{self._name} is started already")
        self._check_ends()
        self._runs = Tasks(self._agent.log)
        self._quiet, self._hurry, self._over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._beginning, self._serving, self._ending = None, None, None
        for end in self._ends():
            end._join(self)

    def _check_ends(self) -> None:
        if not hasattr(self._agent, "bus"):
            raise ConfigurationError(f"{self._name}.__init__ has to call super().__init__(), which it does not")
        ends: list[tuple[str, object, type]] = [
            ("bus", self._bus, AbstractSignalBus),
            ("broker", self._broker, AbstractQueueBroker),
        ]
        for label, end, kind in ends:
            if end is not None and not isinstance(end, kind):
                raise ConfigurationError(f"the {label} of {self._name} is no {label} but of type {type(end).__name__}")

    async def live(self, *, timers: bool, receivers: bool, consumers: bool, servers: bool) -> None:
        """
        Set up, bind, say so to the hooks, and run the servers until they end; one that fails is raised.

        Whoever ends it meanwhile has it return at the end of that, quietly.

        :raises ConfigurationError: if it lacks a bus or broker that its handlers need
        :raises SystemExit: if a hook or a server raised it
        """
        self._beginning = self._spawn(self._begin(timers, receivers, consumers), f"{self._name}: start")
        try:
            await self._beginning
            if servers and self._ending is None:
                self._serving = self._spawn(self._serve(), f"{self._name}: servers")
                await self._serving
        except _Exit as exit_:
            raise exit_.wish from None
        except asyncio.CancelledError:
            if self._ending is None or is_cancelled():
                raise
        if self._ending is not None:
            await asyncio.shield(self._ending)

    async def _begin(self, timers: bool, receivers: bool, consumers: bool) -> None:
        await self._run_hooks("pre_start")
        self._is_set_up = True
        if receivers:
            await self.bind_receivers(self._roster.receivers())
        if consumers:
            await self.bind_consumers(self._roster.consumers())
        if timers:
            self._timers = self._roster.timers(self._runs, self._deadlines)
            for timer in self._timers:
                timer.start()
        await self._run_hooks("post_start")

    async def bind_receivers(self, receivers: list[Receiver]) -> None:
        """
        :raises ConfigurationError: if the agent has no bus
        """
        if receivers:
            if (bus := self._bus) is None:
                raise ConfigurationError(f"{self._name} receives signals, so it needs a bus")
            self._receivers += receivers
            await bus._bind_receivers(receivers)

    async def bind_consumers(self, consumers: list[Consumer]) -> None:
        """
        :raises ConfigurationError: if the agent has no broker
        """
        if consumers:
            if (broker := self._broker) is None:
                raise ConfigurationError(f"{self._name} consumes messages, so it needs a broker")
            self._consumers += consumers
            await broker._bind_consumers(consumers)

    @property
    def _bus(self) -> AbstractSignalBus | None:
        return None if self._agent.bus is None else raw(self._agent.bus)

    @property
    def _broker(self) -> AbstractQueueBroker | None:
        return None if self._agent.broker is None else raw(self._agent.broker)

    def _ends(self) -> list[AbstractSignalBus | AbstractQueueBroker]:
        return [end for end in (self._bus, self._broker) if end is not None]

    async def _run_hooks(self, label: HookLabel) -> None:
        for hook in self._roster.hooks(label):
            await run_hook(hook)

    async def over(self) -> None:
        """Return when it has ended."""
        await self._over.wait()

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

    # -- ending

    async def end(self, timeout: float) -> None:
        """
        Once, however often it is asked for.

        A handler that asks for it goes on when nothing new is begun, a ``pre_stop`` hook at once: the end waits for
        them.
        """
        if self._runs is None:
            return
        if self._ending is None:
            self._ending = asyncio.create_task(self._end_all(timeout), name=f"{self._name}: stop")
        if is_run_of(self._agent):
            await self._quiet.wait()
        elif not is_run_of(self):
            await asyncio.shield(self._ending)

    async def _end_all(self, timeout: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        if self._beginning is not None:
            await self._cancel([self._beginning])
        if self._is_set_up:
            await self._end_hooks(max(timeout, GRACE))
        for timer in self._timers:
            timer.stop()
        await self._drain(max(0.0, deadline - loop.time()))
        await self._each(end._leave(self) for end in reversed(self._ends()))
        self._deadlines.close()
        self._receivers, self._consumers, self._timers, self._servers = [], [], [], []
        self._runs, self._is_set_up = None, False
        self._over.set()

    async def _end_hooks(self, timeout: float) -> None:
        """Run the ``pre_stop`` hooks; those that take longer than ``timeout`` seconds in all are cancelled."""
        hooks = asyncio.create_task(self._try_hooks(timeout), name=f"{self._name}: pre_stop")
        await self._unless_hurried(hooks, timeout + GRACE)
        if not hooks.done():
            await self._cancel([hooks])

    async def _try_hooks(self, timeout: float) -> None:
        """One that fails is logged, and keeps nothing from ending."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        for hook in self._roster.hooks("pre_stop"):
            left = deadline - loop.time()
            outcome = await run(partial(run_hook, hook), left, self._deadlines, owner=self)
            log_failure(self._agent.log, f"{self._name}.{hook.__name__}, a pre_stop hook,", outcome)
            if outcome.ending is Ending.CANCELLED:
                return

    async def _drain(self, timeout: float) -> None:
        timeout = 0.0 if self._hurry.is_set() else timeout
        draining = asyncio.create_task(self._each(self._drain_all(timeout)), name=f"{self._name}: drain")
        await self._unless_hurried(draining)
        if not draining.done():
            draining.cancel()  # each step of it hurries then, and leaves nothing either
        await asyncio.wait([draining])

    async def _unless_hurried(self, step: "asyncio.Task[None]", timeout: float | None = None) -> None:
        """Wait for a step, as long as there is time."""
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait([step, hurry], timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()

    def hurry(self) -> None:
        """An end that is under way waits for nothing more: what runs is cancelled and handed back."""
        self._hurry.set()

    async def _each(self, steps: Iterator[Any]) -> None:
        """Do them side by side; one that fails is logged, and keeps nothing from ending."""
        for result in await asyncio.gather(*steps, return_exceptions=True):
            if isinstance(result, BaseException):
                self._agent.log.error("%s: stopping went wrong", self._name, exc_info=result)

    def _drain_all(self, timeout: float) -> Iterator[Any]:
        yield self._end_servers()
        yield self._drain_runs(timeout)
        if self._bus is not None:
            yield self._bus._unbind_receivers(self._receivers, timeout)
        if self._broker is not None:
            yield self._broker._unbind_consumers(self._consumers, timeout)
        yield self._tell_handlers()

    async def _tell_handlers(self) -> None:
        """The steps before this one have begun: nothing new comes any more."""
        self._quiet.set()

    async def _end_servers(self) -> None:
        await self._cancel(self._servers)
        if self._serving is not None:
            await self._cancel([self._serving])  # it waits for them, even for one that does not end

    async def _cancel(self, tasks: list[asyncio.Task[None]]) -> None:
        """End tasks of ``live``, which raises the first of their errors."""
        for task in tasks:
            task.cancel()
        done, wedged = await asyncio.wait(tasks, timeout=GRACE) if tasks else (set[Any](), set[Any]())
        for task in done:
            if not task.cancelled():
                task.exception()
        for task in wedged:
            self._agent.log.error("%s ignores its cancellation and is left behind", task.get_name())

    async def _drain_runs(self, timeout: float) -> None:
        if self._runs is not None:
            await self._runs.drain(timeout)
            await self._runs.cancel()

    # -- telling

    def info(self) -> dict[str, Any]:
        """JSON values; no password."""
        bus, broker = (None if end is None else end._info() for end in (self._bus, self._broker))
        return {
            "name": self._name,
            "started": self._runs is not None,
            "healthy": all(end["healthy"] for end in (bus, broker) if end is not None),
            "bus": bus,
            "broker": broker,
            **self._roster.describe(),
        }


async def _carrying_exits(coroutine: Coroutine[Any, Any, None], name: str) -> None:
    try:
        await coroutine
    except SystemExit as wish:
        raise _Exit(wish) from None
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise RuntimeError(f"{name} raised a CancelledError of its own") from error
