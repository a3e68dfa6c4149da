"""Agents that run as long as a test."""

import asyncio
from typing import Any, TypedDict, TypeVar

from typing_extensions import Unpack

from microagent.agent import MicroAgent
from microagent.broker import AbstractQueueBroker
from microagent.bus import AbstractSignalBus
from microagent.errors import ServerInterrupt

AgentT = TypeVar("AgentT", bound=MicroAgent[Any, Any])


class Switches(TypedDict, total=False):
    """What ``MicroAgent.start`` takes."""

    enable_periodic_tasks: bool
    enable_receiving_signals: bool
    enable_consuming_messages: bool
    enable_servers_running: bool


class StartAgent:
    """
    Starts agents on one bus and broker::

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
        The agent, as soon as it has begun; its servers run on.

        :param agent: made and not started, or a class that is given bus, broker and ``settings``
        :param switches: as for ``MicroAgent.start``
        """
        made = agent(bus=self._bus, broker=self._broker, settings=settings) if isinstance(agent, type) else agent
        running = asyncio.create_task(made.start(**switches))
        await _begun(made, running)
        self._running.append((made, running))
        return made

    async def stop(self) -> None:
        """
        Stop them all, the last one first, without waiting for their handlers.

        :raises Exception: what a server failed with meanwhile
        """
        for agent, _ in reversed(self._running):
            await agent.stop(timeout=0)
        for result in await asyncio.gather(*(running for _, running in self._running), return_exceptions=True):
            if isinstance(result, Exception) and not isinstance(result, ServerInterrupt):
                raise result


async def _begun(agent: MicroAgent[Any, Any], running: "asyncio.Task[None]") -> None:
    """Return when it has begun; with servers, it stays in ``start`` as long as they run."""
    await asyncio.sleep(0)  # as long as it takes `start` to set out, or to refuse
    beginning = running if running.done() else agent._life._beginning or running
    await asyncio.wait([beginning])
    if beginning.cancelled() or beginning.exception() is not None:
        await running
