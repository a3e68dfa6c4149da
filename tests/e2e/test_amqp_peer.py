"""Processes that run microagent 1.9 and ours share one RabbitMQ."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from servers.peer import Peer, peer
from support import unique, until

from microagent import MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker

OLD = """
import asyncio, json, sys
from microagent import MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker

dsn, inbox, outbox = sys.argv[1:]

class Old(MicroAgent):
    @consumer(queue=Queue(name=inbox))
    async def echo(self, amqp, **data):
        print("got", json.dumps(data))
        if data.get("fail"):
            raise ValueError("not this one")
        await self.broker.send(outbox, json.dumps({"echo": data}))

async def main():
    await Old(broker=AMQPBroker(dsn)).start()
    print("ready")
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def queues() -> tuple[Queue, Queue]:
    """What goes to 1.9, and what comes back."""
    return Queue(unique("queue")), Queue(unique("queue"))


@pytest.fixture
def old(peer_python: str, rabbitmq_url: str, queues: tuple[Queue, Queue]) -> Iterator[Peer]:
    """A process of 1.9 that consumes the first queue and answers to the second."""
    with peer(peer_python, OLD, rabbitmq_url, *(queue.name for queue in queues)) as running:
        yield running


@pytest.mark.parametrize("first", ["old", "new"])
async def test_messages_pass_both_ways(rabbitmq_url, queues, request, first):
    """
    Whoever declares a queue first, the other uses it; what arrives is what was sent.

    1.9 demands queues that are not durable; ours makes such if it is told to, and uses them in any case.
    """
    to_old, to_new = queues
    got: list[Any] = []

    class New(MicroAgent):
        @consumer(to_new)
        async def take(self, echo: Any) -> None:
            got.append(echo)

    agent = New(broker=AMQPBroker(rabbitmq_url, durable=first == "old"))
    if first == "new":
        await agent.start()
        await agent.broker[to_old.name].send({"number": 0, "text": "ü"})
    old: Peer = request.getfixturevalue("old")
    await asyncio.to_thread(old.await_line, "ready")
    if first == "old":
        await agent.start()
        await agent.broker[to_old.name].send({"number": 0, "text": "ü"})
    await agent.broker[to_old.name].send({"number": 1, "text": "ü"})
    await until(lambda: len(got) == 2)
    assert sorted(got, key=lambda echo: echo["number"]) == [{"number": n, "text": "ü"} for n in range(2)]
    await agent.stop()


async def test_what_fails_there_is_handled_here(rabbitmq_url, queues, old):
    """1.9 leaves what it failed at unacknowledged; when it ends, the message comes to us."""
    await asyncio.to_thread(old.await_line, "ready")
    broker = AMQPBroker(rabbitmq_url)
    await broker[queues[0].name].send({"fail": True})
    await asyncio.to_thread(old.await_line, "got")
    old.end()
    got: list[Any] = []

    class New(MicroAgent):
        @consumer(queues[0])
        async def take(self, **message: Any) -> None:
            got.append(message)

    agent = New(broker=broker)
    await agent.start()
    await until(lambda: got == [{"fail": True}])
    await agent.stop()


async def test_what_fails_here_stays_here(rabbitmq_url, queues, old, caplog):
    """Our retries and dead letters are beside the queue; 1.9 takes a retried message like any other."""
    caplog.set_level(logging.CRITICAL)
    await asyncio.to_thread(old.await_line, "ready")
    to_old, to_new = queues
    runs: list[int] = []

    class New(MicroAgent):
        @consumer(to_new)
        async def fail(self, echo: Any) -> None:
            runs.append(echo["number"])
            raise RuntimeError

    broker = AMQPBroker(rabbitmq_url)
    agent = New(broker=broker)
    await agent.start()
    await broker[to_old.name].send({"number": 7})
    await until(lambda: runs == [7])
    await until(lambda: broker._workers[to_new.name].held == 0)
    assert await broker[to_new.name].length() == 1
    await agent.stop()
