"""Processes that run microagent 1.9 and ours share one Redis."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from redis.asyncio import Redis
from servers.peer import Peer, peer
from servers.redis import RedisServer
from support import unique, until

from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.tools.redis import RedisBroker, RedisSignalBus

OLD = """
import asyncio, json, sys
from microagent import MicroAgent, Queue, Signal, consumer, receiver
from microagent.tools.redis import RedisBroker, RedisSignalBus

dsn, prefix, tag = sys.argv[1:]

def signal(name, *args):
    return Signal(name=f"{name}_{tag}", providing_args=list(args))

order, told_old, told_new = signal("order", "what"), signal("told_old", "text"), signal("told_new", "text")
ask_old, ask_new = signal("ask_old", "number"), signal("ask_new", "number")
to_old, to_new = Queue(name=f"to_old_{tag}"), Queue(name=f"to_new_{tag}")

def say(kind, what):
    print("@", json.dumps([kind, what]))

class Old(MicroAgent):
    @receiver(told_old)
    async def hear(self, sender, text, **kwargs):
        say("heard", [sender, text])

    @receiver(ask_old)
    async def answer(self, number, **kwargs):
        if number < 0:
            raise ValueError("too small")
        return number + 1

    @receiver(order)
    async def obey(self, what, **kwargs):
        if what == "tell":
            await getattr(self.bus, told_new.name).send("old", text="from old")
        elif what == "send":
            await getattr(self.broker, to_new.name).send({"text": "from old"})
        else:
            say("answered", await getattr(self.bus, ask_new.name).call("old", number=int(what), timeout=5))

    @consumer(queue=to_old)
    async def consume(self, **message):
        say("consumed", message)
        if message.get("fail"):
            raise ValueError("not this one")

async def main():
    await Old(bus=RedisSignalBus(dsn, prefix=prefix), broker=RedisBroker(dsn)).start()
    say("ready", None)
    await asyncio.Event().wait()

asyncio.run(main())
"""


THEIR_PATTERNS = 4  # three signals, and replies


@dataclass
class Together:
    """The names that both sides know, our ends, and their process."""

    old: Peer
    tag: str
    bus: RedisSignalBus
    broker: RedisBroker

    def signal(self, name: str, *arguments: str) -> Signal:
        return Signal(f"{name}_{self.tag}", list(arguments))

    def queue(self, name: str) -> Queue:
        return Queue(f"{name}_{self.tag}")

    async def order(self, what: str) -> None:
        """Tell the old process to do something."""
        await self.bus[self.signal("order", "what").name].send("new", what=what)

    async def told(self) -> list[Any]:
        """What the old process says next."""
        async with asyncio.timeout(20):
            return json.loads((await asyncio.to_thread(self.old.await_line, "@"))[1:])


@pytest.fixture
def old(peer_python: str, redis_server: RedisServer) -> Iterator[tuple[Peer, str]]:
    """A process of 1.9, and the tag of all names that it uses."""
    tag = unique("t")
    with peer(peer_python, OLD, redis_server.url, f"P{tag}", tag) as running:
        yield running, tag


@pytest.fixture
async def together(old: tuple[Peer, str], redis_server: RedisServer) -> Any:
    process, tag = old
    url = redis_server.url
    async with RedisSignalBus(url, prefix=f"P{tag}") as bus, RedisBroker(url) as broker, Redis.from_url(url) as client:
        together = Together(process, tag, bus, broker)
        assert await together.told() == ["ready", None]
        await until(lambda: _are(client, THEIR_PATTERNS))  # 1.9 is ready before it has subscribed
        yield together


async def _are(client: Redis, patterns: int) -> bool:
    return await client.pubsub_numpat() == patterns


async def test_signals_pass_both_ways(together):
    """What one side sends, the other hears."""
    heard: list[Any] = []

    class New(MicroAgent):
        @receiver(together.signal("told_new", "text"))
        async def hear(self, sender: str, text: str, **_: Any) -> None:
            heard.append([sender, text])

    await New(bus=together.bus).start()
    await together.bus[together.signal("told_old", "text").name].send("new", text="from new ü")
    assert await together.told() == ["heard", ["new", "from new ü"]]
    await together.order("tell")
    await until(lambda: heard == [["old", "from old"]])


async def test_our_call_is_answered_there(together):
    """A handler that fails there answers ``null``, which is returned as it is."""
    ask = together.bus[together.signal("ask_old", "number").name]
    assert await ask.call("new", number=1, timeout=5) == {"Old.answer": 2}
    assert await ask.call("new", number=-1, timeout=5) == {"Old.answer": None}


async def test_their_call_is_answered_here(together, caplog):
    """A handler that fails here answers ``null``: they know of nothing else."""
    caplog.set_level(logging.CRITICAL)

    class New(MicroAgent):
        @receiver(together.signal("ask_new", "number"))
        async def answer(self, number: int, **_: Any) -> int:
            if number < 0:
                raise ValueError("too small")
            return number + 1

    await New(bus=together.bus).start()
    await together.order("41")
    assert await together.told() == ["answered", {"New.answer": 42}]
    await together.order("-1")
    assert await together.told() == ["answered", {"New.answer": None}]


async def test_messages_pass_both_ways(together):
    """Whoever sends, the other consumes."""
    got: list[Any] = []

    class New(MicroAgent):
        @consumer(together.queue("to_new"))
        async def consume(self, **message: Any) -> None:
            got.append(message)

    await New(broker=together.broker).start()
    await together.broker[together.queue("to_old").name].send({"text": "from new ü"})
    assert await together.told() == ["consumed", {"text": "from new ü"}]
    await together.order("send")
    await until(lambda: got == [{"text": "from old"}])


async def test_what_fails_there_is_tried_again(together):
    """They push it back to the list; whoever pops it next, the message is the same."""
    await together.broker[together.queue("to_old").name].send({"fail": True})
    assert await together.told() == ["consumed", {"fail": True}]
    assert await together.told() == ["consumed", {"fail": True}]


async def test_what_fails_here_stays_here(together, caplog):
    """It is tried again beside the list, where they do not look, and given up there."""
    caplog.set_level(logging.CRITICAL)
    to_old = together.queue("to_old")
    together.old.end()
    runs: list[Any] = []

    class New(MicroAgent):
        @consumer(to_old)
        async def fail(self, **message: Any) -> None:
            runs.append(message)
            raise RuntimeError

    broker = RedisBroker(together.broker.dsn, ROLLBACK_ATTEMPTS=1)
    agent = New(broker=broker)
    await agent.start()
    await together.broker[to_old.name].send({"text": "x"})
    await until(together.broker[to_old.name].dead)
    assert runs == [{"text": "x"}] * 2
    await agent.stop()
