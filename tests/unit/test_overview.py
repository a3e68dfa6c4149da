"""Agents as trees."""

from typing import Any

from support import unique

from microagent import MicroAgent, Queue, Signal, consumer, cron, on, periodic, receiver
from microagent.running.blueprint import Blueprint
from microagent.running.overview import overview
from microagent.tools.memory import MemoryBroker, MemorySignalBus

SIGNAL = Signal(unique("signal"), [])
QUEUE = Queue(unique("queue"))
Signal("overview_word", [])
Queue("overview_letter")


class Full(MicroAgent):
    """One handler of every kind."""

    @on("server")
    async def serve(self) -> None: ...

    @receiver(SIGNAL, timeout=1.5)
    async def hear(self, **kwargs: Any) -> None:
        await self.bus.overview_word.send("full")
        await self.bus.overview_wrod.call("full")
        await self.broker.overview_letter.send({})

    @consumer(QUEUE, concurrency=2)
    async def read(self, **kwargs: Any) -> None: ...

    @periodic(60, timeout=7, start_after=0.5)
    async def tick(self) -> None: ...

    @cron("0 9 * * mon-fri", tz="Europe/Berlin")
    async def report(self) -> None: ...


def test_tree_tells_all_there_is() -> None:
    """
    Bus and broker without their passwords, handlers with what they are bound to, and what the source says is sent.
    """
    bus, broker = MemorySignalBus("memory://user:s3cret@place"), MemoryBroker("memory://user:s3cret@place")

    tree = overview("all", Blueprint("mine.Full", Full, bus, broker))

    assert (
        "\n".join(tree.lines())
        == f"""\
all: mine.Full
├── bus: MemorySignalBus('memory://user:***@place', prefix='PUBSUB')
├── broker: MemoryBroker('memory://user:***@place')
├── receives
│   └── {SIGNAL.name} → hear (timeout 1.5 s)
├── consumes
│   └── {QUEUE.name} → read (timeout 60 s, concurrency=2)
├── runs
│   ├── every 60 s, first after 0.5 s → tick (timeout 7 s)
│   └── 0 9 * * mon-fri Europe/Berlin → report (timeout 1 s)
├── hooks and servers
│   └── server → serve
└── sends, according to its source
    ├── message overview_letter
    ├── call overview_wrod (now no signal 'overview_wrod' is declared, did you mean 'overview_word'?)
    └── signal overview_word"""
    )


def test_agent_of_nothing() -> None:
    """
    What an agent does not have is not told, but for its bus and broker, without which it is deaf.
    """
    made = type("Made", (MicroAgent,), {"__module__": "nowhere"})

    assert list(overview("a", Blueprint("nowhere.Made", made, None, None)).lines()) == [
        "a: nowhere.Made",
        "├── bus: none",
        "├── broker: none",
        "└── sends: unknown, its source cannot be read",
    ]
