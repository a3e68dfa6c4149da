"""The life of one agent in its process."""

import asyncio
from typing import Any

import pytest
from support import unique, until

from microagent import MicroAgent, Queue, ServerInterrupt, Signal, consumer, on, receiver
from microagent.running.agent_process import run_agent
from microagent.tools.memory import MemoryBroker
from microagent.tracebacks import own_end


class Noting(MicroAgent):
    """Notes what happens to it."""

    def __init__(self, **ends: Any) -> None:
        super().__init__(**ends)
        self.notes: list[str] = []
        self.is_up = asyncio.Event()

    @on("post_start")
    def up(self) -> None:
        self.notes.append("up")
        self.is_up.set()

    @on("pre_stop")
    def down(self) -> None:
        self.notes.append("down")


class Stuck(Noting):
    """Never gets up."""

    @on("pre_start")
    async def wait(self) -> None:
        self.is_up.set()
        await asyncio.Event().wait()


class Serving(Noting):
    """Serves for ever."""

    @on("server")
    async def serve(self) -> None:
        await asyncio.Event().wait()


class Ending(Noting):
    """Ends by itself."""

    @on("server")
    async def serve(self) -> None:
        raise ServerInterrupt("enough")


class Failing(Noting):
    """Fails by itself."""

    @on("server")
    async def serve(self) -> None:
        raise RuntimeError("a pipe burst")


def never() -> "asyncio.Future[float]":
    return asyncio.get_running_loop().create_future()


@pytest.mark.parametrize("kind", [Noting, Serving])
async def test_agent_stays_until_it_is_asked_to_stop(kind: type[Noting]) -> None:
    """
    An agent lives until the request to stop, servers or not, and then stops in order.
    """
    agent, stop = kind(), never()
    living = asyncio.create_task(run_agent(agent, stop))
    await agent.is_up.wait()

    stop.set_result(1.0)
    await living

    assert agent.notes == ["up", "down"]


async def test_agent_may_be_stopped_while_it_starts() -> None:
    """
    An agent that never gets up, because it waits for something, ends when it is asked to.
    """
    agent, stop = Stuck(), never()
    living = asyncio.create_task(run_agent(agent, stop))
    await agent.is_up.wait()

    stop.set_result(1.0)
    await living

    assert "up" not in agent.notes


class Busy(Noting):
    """Is never done, neither with its message nor with its farewell."""

    @consumer(Queue("endless_work"))
    async def work(self) -> None:
        self.notes.append("at work")
        await asyncio.Event().wait()

    @on("pre_stop")
    async def linger(self) -> None:
        self.notes.append("lingers")
        await asyncio.Event().wait()


class Brief(Busy):
    """Is done with its farewell at once."""

    async def linger(self) -> None:
        self.notes.append("lingers")


@pytest.mark.parametrize("kind", [Busy, Brief])
async def test_agent_that_is_to_end_now_waits_for_nothing(kind: type[Noting]) -> None:
    """
    Whatever it does at that moment: hooks and handlers are cancelled, and the message is handed back.
    """
    broker = MemoryBroker(f"memory://{unique('place')}")
    agent, stop, now = kind(broker=broker), never(), asyncio.get_running_loop().create_future()
    living = asyncio.create_task(run_agent(agent, stop, now))
    await broker.send("endless_work", "{}")
    await until(lambda: "at work" in agent.notes)
    stop.set_result(3600.0)
    await until(lambda: "lingers" in agent.notes)
    assert not living.done()

    now.set_result(None)
    await asyncio.wait_for(living, 10)

    assert await broker.queue_length("endless_work") == 1
    await broker.close()


async def test_server_interrupt_is_a_clean_end(caplog: pytest.LogCaptureFixture) -> None:
    """
    ServerInterrupt ends the agent, and is no failure; the log has its words.
    """
    agent = Ending()

    with caplog.at_level("INFO"):
        await run_agent(agent, never())

    assert agent.notes == ["up", "down"]
    assert "ends by itself: enough" in caplog.text


async def test_failure_is_raised() -> None:
    """
    What a server raises ends the agent, and reaches the process.
    """
    agent = Failing()

    with pytest.raises(RuntimeError, match="a pipe burst"):
        await run_agent(agent, never())

    assert agent.notes == ["up", "down"]


async def failure(agent: MicroAgent) -> Exception:
    """What an agent fails with, as microagent hands it over."""
    with pytest.raises(Exception, match=r"pipe|bus") as caught:
        await run_agent(agent, never())
    trace = caught.value.__traceback__
    assert trace is not None
    return caught.value.with_traceback(trace.tb_next)


async def test_traceback_begins_in_the_agents_own_code() -> None:
    """
    What called it, an event loop and microagent, tells nothing about its failure.
    """
    error = await failure(Failing())

    kind, same, trace = own_end(error)

    assert (kind, same) == (RuntimeError, error)
    assert trace is not None
    assert trace.tb_frame.f_code is Failing.serve.__code__
    assert trace is not error.__traceback__


async def test_traceback_without_code_of_the_agent_is_whole() -> None:
    """
    A failure of microagent itself is shown from its beginning.
    """

    class Deaf(MicroAgent):
        @receiver(Signal(unique("signal"), []))
        async def hear(self, **kwargs: object) -> None: ...

    error = await failure(Deaf())

    assert own_end(error)[2] is error.__traceback__
