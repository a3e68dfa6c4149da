"""How the life of an agent ends when its own code does not behave."""

import asyncio

import pytest
from support import unique, until

from microagent import ConfigurationError, HandlerError, MicroAgent, Queue, Signal, consumer, on, periodic, receiver
from microagent.tools.memory import MemoryBroker, MemorySignalBus

SOON = 10.0  # seconds, far less than the 60 that its stops would wait for nothing


async def swallow(gate: asyncio.Event) -> None:
    """Ignore every cancellation until the gate opens."""
    while not gate.is_set():
        try:
            await gate.wait()
        except asyncio.CancelledError:
            continue


@pytest.fixture
async def gate(monkeypatch):
    monkeypatch.setattr("microagent.lifecycle.GRACE", 0.05)
    gate = asyncio.Event()
    yield gate
    gate.set()
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.mark.parametrize("stubborn", [False, True])
async def test_pre_stop_hook_that_does_not_end_is_ended(gate, caplog, stubborn):
    """It takes its share of the timeout, those after it are begun, and the agent stops all the same."""
    notes = []

    class Hanging(MicroAgent):
        @on("pre_stop")
        async def hang(self):
            notes.append("hangs")
            await (swallow(gate) if stubborn else asyncio.Event().wait())

    agent = Hanging(broker=MemoryBroker())
    await agent.start()
    await asyncio.wait_for(agent.stop(timeout=0.05), SOON)
    assert notes == ["hangs"]
    assert ("ignores its cancellation" if stubborn else "Hanging.hang, a pre_stop hook, was ended") in caplog.text
    assert not agent.info()["started"]


async def test_pre_stop_hook_that_asks_for_the_stop_goes_on(gate):
    """However it asks: it would wait for itself."""
    notes = []

    class Asking(MicroAgent):
        @on("pre_stop")
        async def ask(self):
            await asyncio.wait_for(self.stop(60), 60)
            notes.append("goes on")

    agent = Asking()
    await agent.start()
    await asyncio.wait_for(agent.stop(60), SOON)
    assert notes == ["goes on"]


@pytest.mark.parametrize("label", ["pre_start", "post_start", "server"])
async def test_exit_of_a_hook_comes_after_the_end_of_its_agent(label):
    """``SystemExit`` is raised from ``start``, and what was bound is let go."""
    notes = []
    broker = MemoryBroker()

    class Exiting(MicroAgent):
        @consumer(Queue(unique("queue")))
        async def consume(self, **message): ...

        @on(label)
        async def leave(self):
            raise SystemExit(3)

        @on("pre_stop")
        async def down(self):
            notes.append("down")

    with pytest.raises(SystemExit, match="3"):
        await Exiting(broker=broker).start()
    assert notes == ([] if label == "pre_start" else ["down"])
    assert broker._bindings == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError, RuntimeError])
async def test_whatever_a_pre_stop_hook_raises_keeps_nothing_from_ending(error, caplog):
    """It is one line of the log, and the next hook runs."""
    notes = []

    class Raising(MicroAgent):
        @on("pre_stop")
        async def fail(self):
            raise error

        @on("pre_stop")
        async def down(self):
            notes.append("down")

    agent = Raising()
    await agent.start()
    await agent.stop()
    assert notes == ["down"]
    assert caplog.text.count("Raising.fail, a pre_stop hook, failed") == 1


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError, ExceptionGroup("a", [OSError()])])
async def test_whatever_a_timer_raises_the_next_run_comes(error):
    """One that fails in every run is run again and again."""
    runs = []

    class Raising(MicroAgent):
        @periodic(period=0.001)
        async def fail(self):
            runs.append(1)
            raise error

    agent = Raising()
    await agent.start()
    await until(lambda: len(runs) > 3)
    await agent.stop()


async def test_handlers_that_were_given_up_do_not_delay_the_stop(gate, monkeypatch, caplog):
    """Whoever has ignored one cancellation is not waited for until the end of the timeout."""
    monkeypatch.setattr("microagent.execution.Deadlines.__init__.__defaults__", (0.01,))
    monkeypatch.setattr("microagent.tasks.Tasks.cancel.__defaults__", (0.01,))
    signal, queue = Signal(unique("signal")), Queue(unique("queue"))

    class Wedged(MicroAgent):
        @receiver(signal, timeout=0.01)
        async def hear(self, **kwargs):
            await swallow(gate)

        @consumer(queue, timeout=0.01)
        async def consume(self):
            await swallow(gate)

        @periodic(period=60, timeout=0.01)
        async def tick(self):
            await swallow(gate)

    agent = Wedged(bus=MemorySignalBus(), broker=MemoryBroker())
    await agent.start()
    await agent.bus[signal.name].send("x")
    await agent.broker[queue.name].send({})
    await until(lambda: caplog.text.count("is left behind") >= 3)
    await asyncio.wait_for(agent.stop(timeout=60), SOON)


@pytest.mark.parametrize("timeout", ["1", None, -1, float("nan")])
async def test_stop_takes_a_number_of_seconds(timeout):
    """Anything else is refused before anything stops."""
    agent = MicroAgent()
    await agent.start()
    with pytest.raises(ConfigurationError, match="timeout="):
        await agent.stop(timeout=timeout)
    assert agent.info()["started"]
    await agent.stop()


def test_declared_key_that_is_the_handlers_own_agent_is_refused_with_the_class():
    """A handler with ``**kwargs`` could never be called with it."""
    queue = Queue(unique("queue"), payload={"type": "object", "properties": {"self": {"type": "string"}}})
    with pytest.raises(HandlerError, match="write a '/' after its first parameter"):

        class Taking(MicroAgent):
            @consumer(queue)
            async def take(self, **message): ...

    class Fine(MicroAgent):
        @consumer(queue)
        async def take(agent, /, **message): ...  # noqa: N805 - a message may have a key 'self'


@pytest.mark.parametrize("label", ["pre_start", "post_start", "server"])
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (asyncio.CancelledError("of its own"), RuntimeError),
        (BaseExceptionGroup("several", [SystemExit(3), OSError()]), BaseExceptionGroup),
        (ExceptionGroup("several", [OSError()]), ExceptionGroup),
        (TimeoutError(), TimeoutError),
    ],
)
async def test_whatever_a_hook_or_server_raises_ends_its_agent(label, error, raised):
    """``start`` raises it, after the agent has stopped; a cancellation that nobody asked for is a failure."""
    broker = MemoryBroker()

    class Raising(MicroAgent):
        @consumer(Queue(unique("queue")))
        async def consume(self, **message): ...

        @on(label)
        async def fail(self):
            raise error

    with pytest.raises(raised):
        await Raising(broker=broker).start()
    assert broker._bindings == {}
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("kind", ["receiver", "consumer"])
async def test_handler_may_close_what_it_runs_on(kind):
    """It is cancelled by that, as handlers that do not finish are; nothing hangs, and a message comes again."""
    signal, queue = Signal(unique("signal")), Queue(unique("queue"))
    notes = []

    class Closing(MicroAgent):
        @receiver(signal)
        async def hear(self, **kwargs):
            notes.append("closes")
            await self.bus.close()

        @consumer(queue)
        async def consume(self):
            notes.append("closes")
            await self.broker.close()

    place = f"memory://{unique('place')}"
    agent = Closing(bus=MemorySignalBus(place), broker=MemoryBroker(place))
    await agent.start()
    if kind == "receiver":
        await agent.bus[signal.name].send("x")
    else:
        await agent.broker[queue.name].send({})
    await until(lambda: notes)
    await asyncio.wait_for(agent.stop(timeout=60), SOON)
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert await MemoryBroker(place).queue_length(queue.name) == (1 if kind == "consumer" else 0)
