"""The backends that have to keep the contract: each says how to make its ends, and in what it is known to differ."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import unique

from microagent import AbstractQueueBroker, AbstractSignalBus, MicroAgent, RetryPolicy
from microagent.tools.local import LocalBroker, LocalSignalBus
from microagent.tools.memory import MemoryBroker, MemorySignalBus

QUICK = RetryPolicy(first=0.02, factor=1.0)
BACKENDS = ("memory", "local")


@dataclass
class Backend:
    """One place where buses and brokers meet; two ends of the same place stand for two processes."""

    make_bus: Callable[..., AbstractSignalBus]
    make_broker: Callable[..., AbstractQueueBroker]
    ends: list[Any] = field(default_factory=list)
    agents: list[MicroAgent] = field(default_factory=list)

    def bus(self, **options: Any) -> AbstractSignalBus:
        self.ends.append(self.make_bus(**options))
        return self.ends[-1]

    def broker(self, **options: Any) -> AbstractQueueBroker:
        self.ends.append(self.make_broker(**{"retry": QUICK, **options}))
        return self.ends[-1]

    async def start(self, agent: MicroAgent) -> MicroAgent:
        self.agents.append(agent)
        await agent.start()
        return agent

    async def consume(self, cls: type[MicroAgent], **options: Any) -> MicroAgent:
        """An agent of this class on a broker of its own."""
        return await self.start(cls(broker=self.broker(**options)))

    async def listen(self, cls: type[MicroAgent], **options: Any) -> MicroAgent:
        """An agent of this class on a bus of its own."""
        return await self.start(cls(bus=self.bus(**options)))

    async def close(self) -> None:
        for agent in reversed(self.agents):
            await agent.stop(timeout=0)
        for end in reversed(self.ends):
            await end.close()


@pytest.fixture(params=BACKENDS)
async def backend(request: pytest.FixtureRequest, tmp_path: Any) -> AsyncIterator[Backend]:
    """Ends that share one place; whatever a test leaves open is closed, and no task may be left then."""
    if request.param == "memory":
        dsn, bus, broker = f"memory://{unique('place')}", MemorySignalBus, MemoryBroker
    else:
        dsn, bus, broker = f"local://{tmp_path}/place", LocalSignalBus, LocalBroker
    place = Backend(lambda **options: bus(dsn, **options), lambda **options: broker(dsn, **options))
    yield place
    await place.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks are left: {left}"


@pytest.fixture
def queue_name() -> str:
    return unique("queue")


@pytest.fixture
def signal_name() -> str:
    return unique("signal")
