"""The agent: what it binds and starts, in which order, and how that ends."""

import asyncio
import json
import logging

import pytest
from scripted import AWAY, ScriptedBroker, ScriptedBus
from support import unique, until

from microagent import (
    ConfigurationError,
    MicroAgent,
    Queue,
    ServerInterrupt,
    Signal,
    TypedBroker,
    TypedBus,
    consumer,
    cron,
    on,
    periodic,
    raw,
    receiver,
)
from microagent.tools.memory import MemoryBroker, MemorySignalBus

SIGNAL = Signal(unique("signal"), ["n"])
OTHER = Signal(unique("signal"), ["n"])
QUEUE = Queue(unique("queue"))


class Agent(MicroAgent):
    """Notes what happens to it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.notes = []


class Full(Agent):
    """One handler of every kind."""

    @on("pre_start")
    def setup(self):
        self.notes.append(("pre_start", bound(self)))

    @on("post_start")
    async def started(self):
        self.notes.append(("post_start", bound(self)))

    @on("pre_stop")
    async def stopping(self):
        await self.broker[QUEUE.name].send({"n": 2})
        answer = await self.bus[SIGNAL.name].call("agent", n=3)
        self.notes.append(("pre_stop", answer))

    @receiver(SIGNAL, timeout=5)
    async def hear(self, n, **kwargs):
        self.notes.append(("hear", n))
        return n

    @consumer(QUEUE, timeout=6, concurrency=2)
    async def consume(self, n):
        self.notes.append(("consume", n))

    @periodic(60, timeout=7)
    async def tick(self):
        self.notes.append(("tick", None))

    @cron("0 0 1 1 *", timeout=8)
    async def yearly(self):
        """Not today."""


class Quiet(Full):
    """Its last hook sends nothing."""

    def stopping(self):
        self.notes.append(("pre_stop", None))


def bound(agent):
    """How many receivers and consumers are bound to the ends of an agent."""
    return sum(map(len, agent.bus.receivers.values())) + len(agent.broker._bindings)


@pytest.fixture
async def ends():
    ends = {"bus": ScriptedBus(), "broker": ScriptedBroker()}
    yield ends
    for end in ends.values():
        end.script.mend()
        await end.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def is_over(agent):
    """Nothing of it is left: no binding, no connection, no task."""
    own = {asyncio.current_task()}
    return bound(agent) == 0 and not agent.bus._link.is_open and asyncio.all_tasks() == own


# -- its life


async def test_life_of_an_agent(ends):
    """Hooks before all, after all is bound, and at the end while bus and broker still work."""
    agent = Full(**ends)
    await agent.start()
    assert agent.notes[:2] == [("pre_start", 0), ("post_start", 2)]
    await agent.bus[SIGNAL.name].send("test", n=1)
    await agent.broker[QUEUE.name].send({"n": 1})
    await until(lambda: {("hear", 1), ("consume", 1), ("tick", None)} <= set(agent.notes))
    await agent.stop()
    assert ("pre_stop", {"Full.hear": 3}) in agent.notes
    assert is_over(agent)


async def test_agent_may_live_again(ends):
    """After its stop, on the same bus and broker."""
    agent = Full(**ends)
    for _ in range(2):
        await agent.start()
        assert bound(agent) == 2
        await agent.stop()
        assert is_over(agent)


@pytest.mark.parametrize(
    ("switch", "kind"),
    [
        ("enable_periodic_tasks", "timers"),
        ("enable_receiving_signals", "receivers"),
        ("enable_consuming_messages", "consumers"),
    ],
)
async def test_each_kind_of_handler_has_its_switch(ends, switch, kind):
    """The other kinds are started all the same."""
    agent = Quiet(**ends)
    await agent.start(**{switch: False})
    running = {
        "timers": bool(agent._lifecycle._timers),
        "receivers": bool(agent.bus.receivers),
        "consumers": bool(agent.broker._bindings),
    }
    assert running == {"timers": True, "receivers": True, "consumers": True, kind: False}
    await agent.stop()


async def test_servers_have_their_switch(ends):
    """Without them, ``start`` returns."""

    class Server(Agent):
        @on("server")
        async def serve(self):
            raise AssertionError

    agent = Server(**ends)
    await agent.start(enable_servers_running=False)
    await agent.stop()


async def test_agent_needs_neither_bus_nor_broker():
    """Its hooks and timers run without."""

    class Lonely(MicroAgent):
        @on("pre_start")
        async def setup(self):
            self.is_set_up = True

        @periodic(60)
        async def tick(self):
            self.is_ticking = True

    agent = Lonely()
    await agent.start()
    await until(lambda: agent.is_set_up and hasattr(agent, "is_ticking"))
    await agent.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("missing", "text"),
    [("bus", "Needy receives signals, so it needs a bus"), ("broker", "Needy consumes messages, so it needs a broker")],
)
async def test_agent_that_lacks_an_end_is_refused(ends, missing, text):
    """By one sentence that names the class; nothing is left."""
    del ends[missing]

    class Needy(Agent):
        @receiver(SIGNAL)
        async def hear(self, n, **kwargs): ...

        @consumer(QUEUE)
        async def consume(self, **message): ...

    agent = Needy(**ends)
    with pytest.raises(ConfigurationError, match=text):
        await agent.start()
    assert not agent.info()["started"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ({"bus": "redis://:secret@localhost"}, "the bus of Misled is of type str, which is no AbstractSignalBus"),
        ({"bus": MemoryBroker()}, "the bus of Misled is of type MemoryBroker, which is no AbstractSignalBus"),
        (
            {"broker": MemorySignalBus()},
            "the broker of Misled is of type MemorySignalBus, which is no AbstractQueueBroker",
        ),
    ],
)
async def test_agent_that_has_something_else_for_an_end_is_refused(ends, text):
    """Before anything is begun; nothing is left."""

    class Misled(Agent):
        @on("pre_start")
        def fail(self):
            raise AssertionError("begun")

    agent = Misled(**ends)
    with pytest.raises(ConfigurationError, match=text):
        await agent.start()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_second_start_is_refused_and_leaves_the_first_alone(ends):
    """Also while the first is still under way."""
    agent = Full(**ends)
    first = asyncio.create_task(agent.start())
    await asyncio.sleep(0)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="Full is started already"):
            await agent.start()
        await first
    assert await agent.bus[SIGNAL.name].call("test", n=1) == {"Full.hear": 1}
    await agent.stop()


@pytest.mark.parametrize("label", ["pre_start", "post_start"])
async def test_hook_that_fails_stops_the_start(ends, label):
    """Its error is raised; what was bound is let go, with ``pre_stop`` if the agent was set up."""

    class Failing(Agent):
        @on(label)
        async def fail(self):
            raise LookupError("no database")

        @on("pre_stop")
        async def stopping(self):
            self.notes.append("pre_stop")

        @receiver(SIGNAL)
        async def hear(self, n, **kwargs): ...

    agent = Failing(**ends)
    with pytest.raises(LookupError, match="no database"):
        await agent.start()
    assert agent.notes == ([] if label == "pre_start" else ["pre_stop"])
    assert is_over(agent)


async def test_hook_that_fails_does_not_stop_the_stop(ends, caplog):
    """It is logged, whatever it raises; the others run, and all ends."""

    class Failing(Agent):
        @on("pre_stop")
        async def cancel_itself(self):
            raise asyncio.CancelledError

        @on("pre_stop")
        def fail(self):
            raise LookupError("no database")

        @on("pre_stop")
        def go_on(self):
            self.notes.append("went on")

    agent = Failing(**ends)
    await agent.start()
    await agent.stop()
    assert agent.notes == ["went on"]
    assert caplog.text.count("a pre_stop hook, failed") == 2
    assert is_over(agent)


# -- stopping, at any moment


async def test_stop_is_one_however_often_it_is_asked_for(ends):
    """Twice, at the same time, and before the start."""
    agent = Full(**ends)
    await agent.stop()
    await agent.start()
    await asyncio.gather(agent.stop(), agent.stop(), agent.stop())
    assert [note[0] for note in agent.notes].count("pre_stop") == 1
    await agent.stop()
    assert is_over(agent)


async def test_who_waits_for_a_stop_may_be_cancelled_alone(ends):
    """The stop goes on."""
    agent = Full(**ends)
    await agent.start()
    impatient = asyncio.create_task(agent.stop())
    await asyncio.sleep(0)
    impatient.cancel()
    await agent.stop()
    assert impatient.cancelled()
    assert is_over(agent)


class Slow(Agent):
    """Waits in the hook whose label is ``where``."""

    where = "pre_start"

    async def _wait(self, label):
        self.notes.append(label)
        if label == self.where:
            await asyncio.Event().wait()

    @on("pre_start")
    async def before(self):
        await self._wait("pre_start")

    @on("post_start")
    async def after(self):
        await self._wait("post_start")

    @on("pre_stop")
    async def at_the_end(self):
        self.notes.append("pre_stop")

    @receiver(SIGNAL)
    async def hear(self, n, **kwargs): ...


NOTES = {"pre_start": ["pre_start"], "post_start": ["pre_start", "post_start", "pre_stop"]}


@pytest.mark.parametrize("where", NOTES)
async def test_stop_during_the_start(ends, where):
    """The start goes no further and returns quietly, when all has ended."""
    agent = Slow(**ends)
    agent.where = where
    starting = asyncio.create_task(agent.start())
    await until(lambda: where in agent.notes)
    await agent.stop()
    await starting
    assert agent.notes == NOTES[where]
    assert is_over(agent)


@pytest.mark.parametrize("where", NOTES)
async def test_cancelling_the_start_stops_the_agent(ends, where):
    """As ctrl-C does with ``asyncio.run(agent.start())``."""
    agent = Slow(**ends)
    agent.where = where
    starting = asyncio.create_task(agent.start())
    await until(lambda: where in agent.notes)
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    assert agent.notes == NOTES[where]
    assert is_over(agent)


async def test_start_that_is_cancelled_while_it_is_stopped_is_cancelled(ends):
    """Of both, who awaits the start learns what was asked of it; the agent has ended."""
    agent = Slow(**ends)
    starting = asyncio.create_task(agent.start())
    await until(lambda: agent.notes)
    stopping = asyncio.create_task(agent.stop())
    starting.cancel()
    await asyncio.wait([starting, stopping])
    assert starting.cancelled()
    assert is_over(agent)


async def test_stop_while_the_server_is_away(ends):
    """A start that waits for its server is ended too."""
    ends["bus"].script.is_away = True
    agent = Quiet(**ends)
    starting = asyncio.create_task(agent.start())
    await until(lambda: ends["bus"].script.calls["_open"])
    await agent.stop()
    await starting
    assert is_over(agent)


async def test_failure_gives_handlers_the_shutdown_timeout(ends):
    """A server that fails stops its agent; the handlers that run then have the seconds that marun was told."""

    class Failing(Agent):
        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            self.notes.append("begun")
            await asyncio.Event().wait()

        @on("server")
        async def serve(self):
            await self.bus[SIGNAL.name].send("test", n=1)
            await until(lambda: self.notes)
            raise RuntimeError("a pipe burst")

    agent = Failing(**ends)
    agent._shutdown_timeout = 0.05
    async with asyncio.timeout(5):
        with pytest.raises(RuntimeError, match="a pipe burst"):
            await agent.start()
    assert is_over(agent)


async def test_stop_in_an_outage(ends):
    """What cannot be told to the servers is left to their leases."""
    agent = Quiet(**ends)
    await agent.start()
    for end in ends.values():
        end.script.fail_always("_open", AWAY)
        end.script.is_away = True
    await agent.stop(timeout=0.05)
    assert is_over(agent)


@pytest.mark.parametrize("label", ["pre_start", "post_start", "pre_stop"])
async def test_hook_may_stop_its_agent(ends, label):
    """The start returns quietly, and nothing is left."""

    class Resigning(Agent):
        @on(label)
        async def resign(self):
            self.notes.append(label)
            await self.stop()
            self.notes.append("went on")

        @receiver(SIGNAL)
        async def hear(self, n, **kwargs): ...

    agent = Resigning(**ends)
    await agent.start()
    await agent.stop()
    assert agent.notes[0] == label
    assert is_over(agent)


@pytest.mark.parametrize("kind", ["receiver", "consumer", "periodic"])
async def test_handler_that_awaits_the_stop_does_not_wait_for_itself(ends, kind):
    """It goes on, and the agent has stopped soon after it ended; its message is done."""

    class Resigning(Agent):
        async def resign(self):
            self.notes.append("resigns")
            await asyncio.wait_for(self.stop(timeout=60), 60)
            self.notes.append("goes on")

        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            await self.resign()

        @consumer(QUEUE)
        async def consume(self, **message):
            await self.resign()

        @periodic(60, timeout=60, start_after=0)
        async def tick(self):
            if kind == "periodic":
                await self.resign()

    agent = Resigning(**ends)
    await agent.start()
    if kind == "receiver":
        await agent.bus[SIGNAL.name].send("test", n=1)
    if kind == "consumer":
        await agent.broker[QUEUE.name].send({"n": 1})
    await until(lambda: agent.notes and is_over(agent))
    assert agent.notes == ["resigns", "goes on"]
    if kind == "consumer":
        assert await agent.broker[QUEUE.name].length() == 0


async def test_stop_lets_timers_finish_and_begins_no_more(ends):
    """Runs that do not end in time are cancelled."""
    begun, cancelled = asyncio.Event(), asyncio.Event()

    class Ticking(Agent):
        @periodic(0.01, timeout=60)
        async def tick(self):
            self.notes.append("tick")
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    agent = Ticking(**ends)
    await agent.start()
    await begun.wait()
    await agent.stop(timeout=0.05)
    assert cancelled.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- servers


class Serving(Agent):
    """Serves until it is told how to end."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.end = asyncio.get_running_loop().create_future()

    @on("server")
    async def serve(self):
        self.notes.append("serves")
        await self.end

    @on("server")
    async def serve_too(self):
        try:
            await asyncio.Event().wait()
        finally:
            self.notes.append("ended")

    @receiver(SIGNAL)
    async def hear(self, n, **kwargs): ...


@pytest.mark.parametrize("error", [ServerInterrupt("Exit"), OSError("port in use")])
async def test_server_that_raises_stops_its_agent(ends, error):
    """``start`` stays while it serves, and raises when all has ended, the other servers included."""
    agent = Serving(**ends)
    starting = asyncio.create_task(agent.start())
    await until(lambda: agent.notes)
    assert not starting.done()
    agent.end.set_exception(error)
    with pytest.raises(type(error), match=str(error)):
        await starting
    assert agent.notes == ["serves", "ended"]
    assert is_over(agent)


async def test_stop_from_outside_ends_a_serving_start_quietly(ends):
    """When it returns, all has ended: ``asyncio.run(agent.start())`` cuts nothing short."""
    agent = Serving(**ends)
    starting = asyncio.create_task(agent.start())
    await until(lambda: agent.notes)
    stopping = asyncio.create_task(agent.stop())
    await starting
    assert agent.info()["started"] is False
    await stopping
    assert is_over(agent)


async def test_cancelling_a_serving_start_stops_the_agent(ends):
    """Its servers end, too."""
    agent = Serving(**ends)
    starting = asyncio.create_task(agent.start())
    await until(lambda: agent.notes)
    starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    assert agent.notes == ["serves", "ended"]
    assert is_over(agent)


async def test_server_may_stop_its_agent(ends):
    """It is cancelled by that, as the others are."""

    class Resigning(Serving):
        @on("server")
        async def serve(self):
            await self.stop()

    agent = Resigning(**ends)
    await agent.start()
    assert agent.notes == ["ended"]
    assert is_over(agent)


async def test_servers_that_end_by_themselves_leave_the_agent_running(ends):
    """``start`` returns, and the agent goes on receiving."""

    class Brief(Agent):
        @on("server")
        async def serve(self):
            self.notes.append("served")

        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            return n

    agent = Brief(**ends)
    await agent.start()
    assert await agent.bus[SIGNAL.name].call("test", n=1) == {"Brief.hear": 1}
    await agent.stop()


async def test_server_that_ignores_its_end_is_named(ends, caplog, monkeypatch):
    """The stop does not wait for it for ever."""
    monkeypatch.setattr("microagent.lifecycle.GRACE", 0.02)
    gate = asyncio.Event()

    class Stubborn(Agent):
        @on("server")
        async def serve(self):
            self.notes.append("serves")
            while not gate.is_set():
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    continue

    agent = Stubborn(**ends)
    starting = asyncio.create_task(agent.start())
    await until(lambda: agent.notes)
    await agent.stop()
    assert "Stubborn.serve ignores its cancellation and is left behind" in caplog.text
    await starting
    gate.set()


# -- sharing


async def test_shared_ends_close_with_the_last_agent(ends):
    """The one that goes first takes only its own handlers with it."""

    class First(Agent):
        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            return 1

    class Second(Agent):
        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            return 2

    first, second = First(**ends), Second(**ends)
    await first.start()
    await second.start()
    assert await first.bus[SIGNAL.name].call("test", n=0) == {"First.hear": 1, "Second.hear": 2}
    await first.stop()
    assert await second.bus[SIGNAL.name].call("test", n=0) == {"Second.hear": 2}
    await second.stop()
    assert is_over(second)


# -- its class


async def test_overriding_a_handler_overrides_it(ends):
    """With the marks of the one that was overridden; decorated again, it has them once."""

    class Base(Agent):
        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            return "base"

        @receiver(SIGNAL)
        async def hear_too(self, n, **kwargs):
            return "base"

    class Heir(Base):
        async def hear(self, n, **kwargs):
            return "heir"

        @receiver(SIGNAL, OTHER)
        async def hear_too(self, n, **kwargs):
            return "heir"

    agent = Heir(**ends)
    await agent.start()
    assert [len(agent.bus.receivers[signal.name]) for signal in (SIGNAL, OTHER)] == [2, 1]
    assert await agent.bus[SIGNAL.name].call("test", n=1) == {"Heir.hear": "heir", "Heir.hear_too": "heir"}
    await agent.stop()


async def test_init_may_be_overridden(ends):
    """Before or after the agent's own, with parameters of its choice."""

    class Own(MicroAgent):
        def __init__(self, colour, **kwargs):
            self.colour = colour
            super().__init__(**kwargs)

    agent = Own("red", **ends, settings={"secret": 1})
    assert (agent.colour, agent.settings) == ("red", {"secret": 1})
    await agent.start()
    await agent.stop()


async def test_init_that_forgets_the_agents_own_is_told():
    """By the start, in a sentence."""

    class Forgetful(MicroAgent):
        def __init__(self, **kwargs):
            self.colour = "red"

    with pytest.raises(ConfigurationError, match=r"^Forgetful\.__init__ has to call super\(\)\.__init__\(\)"):
        await Forgetful().start()


def test_defaults_of_an_agent():
    """Settings are empty, the log is named as the class, bus and broker are None."""
    agent = Agent()
    assert agent.settings == {}
    assert agent.settings is not Agent().settings
    assert agent.log.name == "microagent.Agent"
    assert (agent.bus, agent.broker) == (None, None)
    assert repr(agent) == "Agent(bus=None, broker=None)"


def test_what_an_agent_is_given_it_keeps():
    """Log and settings are the very objects."""
    log, settings = logging.getLogger("own"), {"a": 1}
    agent = Agent(log=log, settings=settings)
    assert agent.log is log
    assert agent.settings is settings


class Bus(TypedBus):
    pass


class Broker(TypedBroker):
    pass


def test_typed_agent_sees_raw_ends_through_its_faces():
    """A face that is given stays; a plain agent takes what it gets; heirs are typed as their base."""

    class Typed(MicroAgent[Bus, Broker]):
        pass

    class Heir(Typed):
        pass

    bus, broker = ScriptedBus(), ScriptedBroker()
    for cls in (Typed, Heir):
        agent = cls(bus=bus, broker=broker)
        assert isinstance(agent.bus, Bus)
        assert isinstance(agent.broker, Broker)
        assert raw(agent.bus) is bus
        assert raw(agent.broker) is broker
    face = Bus(bus)
    assert Typed(bus=face).bus is face
    assert MicroAgent(bus=bus).bus is bus
    assert Typed().bus is None


async def test_typed_agent_lives(ends):
    """Behind faces, all is bound to the raw ends."""

    class Typed(MicroAgent[Bus, Broker]):
        @receiver(SIGNAL)
        async def hear(self, n, **kwargs):
            return n

    agent = Typed(**ends)
    await agent.start()
    assert await agent.bus[SIGNAL.name].call("test", n=5) == {"Typed.hear": 5}
    await agent.stop()
    assert not ends["bus"]._link.is_open


# -- info


async def test_info_is_json_without_a_password():
    """Before, during and after its life."""
    agent = Full(bus=ScriptedBus("memory://user:s3cret@place"), broker=ScriptedBroker("memory://user:s3cret@place"))
    told = [json.dumps(agent.info())]
    await agent.start()
    told.append(json.dumps(agent.info()))
    assert agent.info()["healthy"]
    await agent.stop()
    told.append(json.dumps(agent.info()))
    assert not any("s3cret" in text for text in told)
    assert [json.loads(text)["started"] for text in told] == [False, True, False]


async def test_end_that_was_not_needed_yet_is_not_unhealthy(ends):
    """An agent that only sends has no connection before it does; one whose server is away then is not healthy."""

    class Speaker(MicroAgent):
        pass

    agent = Speaker(**ends)
    await agent.start()
    assert agent.info()["healthy"]
    assert not agent.info()["bus"]["connected"]
    assert not agent.info()["broker"]["connected"]
    for end, send in (
        (agent.bus, lambda: agent.bus[SIGNAL.name].send("test", n=1)),
        (agent.broker, lambda: agent.broker[QUEUE.name].send({"n": 1})),
    ):
        end.script.is_away = True
        sending = asyncio.create_task(send())
        await until(lambda: not agent.info()["healthy"])
        end.script.mend()
        await asyncio.wait([sending])
        assert agent.info()["healthy"]
    await agent.stop()


def test_info_tells_every_handler():
    """By name, with what it is bound to and its timeout."""
    info = Full().info()
    assert info["name"] == "Full"
    assert info["receivers"] == [{"handler": "Full.hear", "signal": SIGNAL.name, "timeout": 5}]
    assert info["consumers"] == [
        {"handler": "Full.consume", "queue": QUEUE.name, "timeout": 6, "options": {"concurrency": "2"}}
    ]
    assert [timer["handler"] for timer in info["timers"]] == ["Full.tick", "Full.yearly"]
    assert {(hook["handler"], hook["label"]) for hook in info["hooks"]} == {
        ("setup", "pre_start"),
        ("started", "post_start"),
        ("stopping", "pre_stop"),
    }
