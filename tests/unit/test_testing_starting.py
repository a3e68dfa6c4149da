"""Agents that run as long as a test."""

import asyncio

import pytest

from microagent import ConfigurationError, MicroAgent, ServerInterrupt, on, periodic
from microagent.testing import RecordingBroker, RecordingBus, Sent, StartAgent, until
from microagent.tools.memory import MemorySignalBus


@pytest.fixture
def starting() -> StartAgent:
    return StartAgent(RecordingBus(Sent()), RecordingBroker(Sent()))


class Told(MicroAgent):
    """Keeps what happens to it."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.told: list[str] = []

    @on("pre_start")
    async def begin(self) -> None:
        self.told.append("begins")

    @on("pre_stop")
    async def end(self) -> None:
        self.told.append("ends")


async def test_class_is_made_into_an_agent(starting: StartAgent) -> None:
    """
    A class gets bus, broker and settings; it has begun when it is returned, and ends with the test.
    """
    agent = await starting(Told, settings={"lang": "en"})

    assert (agent.bus, agent.broker) == (starting._bus, starting._broker)
    assert agent.settings == {"lang": "en"}
    assert agent.told == ["begins"]
    await starting.stop()
    assert agent.told == ["begins", "ends"]


async def test_agent_that_is_made_is_taken_as_it_is(starting: StartAgent) -> None:
    """
    With a bus of its own, for example.
    """
    agent = Told(bus=MemorySignalBus())

    assert await starting(agent) is agent
    assert agent.broker is None
    await starting.stop()
    assert agent.told == ["begins", "ends"]


async def test_agents_end_in_reverse_order(starting: StartAgent) -> None:
    """
    The last one first.
    """
    ended: list[str] = []

    class Named(MicroAgent):
        @on("pre_stop")
        async def end(self) -> None:
            ended.append(self.settings["name"])

    for name in "abc":
        await starting(Named, settings={"name": name})
    await starting.stop()

    assert ended == ["c", "b", "a"]


async def test_switches_are_those_of_start(starting: StartAgent) -> None:
    """
    What is switched off does not run.
    """

    class Clerk(MicroAgent):
        ticks = 0

        @periodic(period=0.001)
        async def tick(self) -> None:
            self.ticks += 1

    quiet = await starting(Clerk, enable_periodic_tasks=False)
    busy = await starting(Clerk)
    await until(lambda: busy.ticks >= 3)
    await starting.stop()

    assert quiet.ticks == 0


class Serving(Told):
    """Serves until ``self.failure`` is known, and raises it."""

    @on("pre_start")
    async def listen(self) -> None:
        self.failure = asyncio.get_running_loop().create_future()

    @on("server")
    async def serve(self) -> None:
        self.told.append("serves")
        raise await self.failure


async def test_servers_run_on(starting: StartAgent) -> None:
    """
    An agent with servers is returned when it has begun; they run until it is stopped.
    """
    agent = await starting(Serving)
    await until(lambda: "serves" in agent.told)
    await starting.stop()

    assert agent.told == ["begins", "serves", "ends"]
    assert agent.failure.cancelled()


async def test_server_that_failed_fails_the_test(starting: StartAgent) -> None:
    """
    At its end; a server that interrupted is no failure.
    """
    interrupted, failed = await starting(Serving), await starting(Serving)
    interrupted.failure.set_result(ServerInterrupt("done"))
    failed.failure.set_result(LookupError("no port"))

    with pytest.raises(LookupError, match="no port"):
        await starting.stop()
    assert interrupted.told == failed.told == ["begins", "serves", "ends"]


async def test_agent_that_cannot_start_fails_the_test_at_once(starting: StartAgent) -> None:
    """
    What ``start`` raises is raised, and nothing is left to stop.
    """

    class Failing(Told):
        @on("pre_start")
        async def fail(self) -> None:
            raise ConfigurationError("no database")

    with pytest.raises(ConfigurationError, match="no database"):
        await starting(Failing)
    agent = await starting(Told)
    with pytest.raises(ConfigurationError, match="Told is started already"):
        await starting(agent)
    await starting.stop()


async def test_handlers_are_not_waited_for(starting: StartAgent) -> None:
    """
    A test that is over does not wait for handlers that are not.
    """
    begun, cancelled = asyncio.Event(), asyncio.Event()

    class Slow(MicroAgent):
        @periodic(period=60, timeout=60)
        async def wait(self) -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

    await starting(Slow)
    await asyncio.wait_for(begun.wait(), 5)
    async with asyncio.timeout(5):
        await starting.stop()

    assert cancelled.is_set()
