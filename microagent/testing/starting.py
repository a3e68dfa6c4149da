"""Starts agents in a test, and stops them at its end."""

import asyncio
from typing import Any, TypedDict, TypeVar

from typing_extensions import Unpack

from microagent.agent import MicroAgent
from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus
from microagent.errors import ServerInterrupt

AgentT = TypeVar("AgentT", bound=MicroAgent[Any, Any])


class Switches(TypedDict, total=False):
    """The arguments of ``MicroAgent.start``."""

    enable_periodic_tasks: bool
    enable_receiving_signals: bool
    enable_consuming_messages: bool
    enable_servers_running: bool


class StartAgent:
    """
    Starts agents on the test's bus and broker; the fixture stops them after the test::

        agent = await start_agent(UserAgent, settings={"lang": "en"})
        await start_agent(CommentAgent(bus=other_bus), enable_periodic_tasks=False)
    """

    def __init__(self, bus: AbstractSignalBus, broker: AbstractQueueBroker) -> None:
        self._bus = bus
        self._broker = broker
        self._running: list[tuple[MicroAgent[Any, Any], asyncio.Task[None]]] = []

    async def __call__(
        self, agent: type[AgentT] | AgentT, settings: dict[str, Any] | None = None, **switches: Unpack[Switches]
    ) -> AgentT:
        """
        Start an agent; return it once it is running. Its servers go on in the background.

        :param agent: a class, which is instantiated with the test's bus and broker, or an instance not yet started
        :param settings: for the constructor of a class
        :param switches: arguments of ``MicroAgent.start``
        """
        made = agent(bus=self._bus, broker=self._broker, settings=settings) if isinstance(agent, type) else agent
        running = asyncio.create_task(made.start(**switches))
        await _started(made, running)
        self._running.append((made, running))
        return made

    async def stop(self) -> None:
        """
        Stop all agents, the last one first, without waiting for their handlers.

        :raises Exception: what one of their servers raised, unless that is ServerInterrupt
        """
        for agent, _ in reversed(self._running):
            await agent.stop(timeout=0)
        for result in await asyncio.gather(*(running for _, running in self._running), return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, ServerInterrupt):
                raise result


async def _started(agent: MicroAgent[Any, Any], running: "asyncio.Task[None]") -> None:
    """Return when the agent is running, while ``start()`` may go on with its servers; raise if it could not start."""
    await asyncio.sleep(0)  # lets start() begin, or fail at once
    starting = running if running.done() else agent._lifecycle._starting or running
    await asyncio.wait([starting])
    if starting.cancelled() or starting.exception() is not None:
        await running
