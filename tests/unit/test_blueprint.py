"""What can be known of an agent without making it."""

from typing import Any

import pytest
from support import unique

from microagent import ConfigurationError, MicroAgent, Queue, Signal, consumer, periodic, receiver
from microagent.running.blueprint import Blueprint
from microagent.running.settings import init_agent
from microagent.tools.memory import MemoryBroker, MemorySignalBus

SIGNAL = Signal(unique("signal"), [])
QUEUE = Queue(unique("queue"))
MEMORY = {"dsn": "memory://"}


class Explosive(MicroAgent):
    """An agent that must not be made."""

    def __init__(self, **kwargs: Any) -> None:
        raise RuntimeError("it was made")

    @receiver(SIGNAL)
    async def hear(self, **kwargs: Any) -> None: ...

    @periodic(60)
    async def tick(self) -> None: ...


class Narrow(MicroAgent):
    """An agent that cannot be given settings."""

    def __init__(self, bus: Any, broker: Any) -> None:
        super().__init__(bus, broker)


class Hearing(MicroAgent):
    """An agent that needs a bus."""

    @receiver(SIGNAL)
    async def hear(self, **kwargs: Any) -> None: ...


class Reading(MicroAgent):
    """An agent that needs a broker."""

    @consumer(QUEUE, concurrency=2)
    async def read(self, **kwargs: Any) -> None: ...


class Demanding(MicroAgent):
    """An agent that wants of its broker what that has not."""

    @consumer(QUEUE, concurency=3)
    async def read(self, **kwargs: Any) -> None: ...


def path(kind: type) -> str:
    return f"{__name__}.{kind.__name__}"


def test_agent_is_known_without_being_made() -> None:
    """
    Its class, bus, broker and handlers are told without calling its constructor, which is the user's own.
    """
    found = Blueprint.of(path(Explosive), {"bus": MEMORY, "broker": MEMORY})

    assert found.cls is Explosive
    assert isinstance(found.bus, MemorySignalBus)
    assert isinstance(found.broker, MemoryBroker)
    assert [each.signal for each in found.roster.receivers()] == [SIGNAL]
    assert found.roster.describe()["timers"][0]["handler"] == "Explosive.tick"
    with pytest.raises(RuntimeError, match="it was made"):
        init_agent(path(Explosive), {})


def test_constructor_of_its_own_may_bring_bus_and_broker() -> None:
    """
    An agent that receives signals may do without a configured bus, if its constructor is not the one of MicroAgent.
    """
    assert Blueprint.of(path(Explosive), {}).bus is None


class Sending(MicroAgent):
    """An agent that could start without a bus, and could not send then."""

    @periodic(60)
    async def tick(self) -> None:
        await self.bus.user_created.send("sending")
        await self.broker.mailer.send({})


class SendingElsewhere(Sending):
    """One that may have a bus of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)


def test_agent_that_sends_where_it_has_nothing_is_doubted() -> None:
    """
    Nothing keeps it from starting, but what it sends would fail.
    """
    assert list(Blueprint.of(path(Sending), {"broker": MEMORY}).warnings()) == [
        f"{path(Sending)} sends 'user_created', and has no 'bus'"
    ]
    assert list(Blueprint.of(path(Sending), {"bus": MEMORY, "broker": MEMORY}).warnings()) == []
    assert list(Blueprint.of(path(SendingElsewhere), {}).warnings()) == []


@pytest.mark.parametrize(
    ("backend", "cfg", "sentence"),
    [
        (f"{__name__}.Readin", {}, f"module '{__name__}' has no 'Readin', did you mean 'Reading'?"),
        (f"{__name__}.Any", {}, f"{__name__}.Any is no MicroAgent"),
        (path(Hearing), {"bus": {"dsn": "memry://"}}, "its bus: no signal bus for 'memry://'"),
        (path(Reading), {"broker": {}}, "its broker: it needs a 'dsn'"),
        (path(Hearing), {"bus": MEMORY, "settings": ["a"]}, "'settings' has to be a dictionary"),
        (
            path(Narrow),
            {},
            f"{path(Narrow)}.__init__ has to accept bus, broker and settings by name: got an unexpected",
        ),
        (path(Hearing), {"broker": MEMORY}, f"{path(Hearing)} receives signals, so it needs a 'bus'"),
        (path(Reading), {"bus": MEMORY}, f"{path(Reading)} consumes messages, so it needs a 'broker'"),
        (
            path(Demanding),
            {"broker": MEMORY},
            "Demanding.read: MemoryBroker has no consumer option 'concurency', did you mean 'concurrency'?",
        ),
    ],
)
def test_what_would_keep_it_from_starting(backend: str, cfg: dict[str, Any], sentence: str) -> None:
    """
    A wrong class, bus, broker or settings, and handlers that could not be bound, are one sentence each.
    """
    with pytest.raises(ConfigurationError) as refusal:
        Blueprint.of(backend, cfg)

    assert str(refusal.value).startswith(sentence)
