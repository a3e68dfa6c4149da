"""Messages that wait for their delay outlive the process that sent them, the one that held them, and their server."""

import asyncio
import sys
import time
from typing import NamedTuple

import pytest
from servers import Server
from support import unique, until

from microagent import AbstractQueueBroker, MicroAgent, Queue, consumer
from microagent.backends import make_broker

MANY = 20
SOON, LATER = 0.2, 3.0  # seconds
SENDS = f"""
import asyncio, sys, time
from microagent import Queue
from microagent.backends import make_broker

async def main(dsn, name):
    broker, queue = make_broker({{"dsn": dsn}}), Queue(name)

    async def send(number, delay):
        await broker[name].send({{"number": number, "due": time.time() + delay}}, delay=delay)

    sends = [send(number, {SOON} if number % 2 else {LATER}) for number in range({MANY})]
    await asyncio.gather(*sends)
    print("sent", flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""
HANGS = """
import asyncio, sys
from microagent import MicroAgent, Queue, consumer
from microagent.backends import make_broker

class Hanging(MicroAgent):
    @consumer(Queue(sys.argv[2]), timeout=60)
    async def hang(self, **message):
        print("began", flush=True)
        await asyncio.Event().wait()

async def main(dsn):
    await Hanging(broker=make_broker({"dsn": dsn, "lease": 1.0})).start()
    await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


async def kill_when_it_has_said(script: str, said: bytes, *arguments: str) -> None:
    """With -9, in the middle of what it does."""
    command = (sys.executable, "-c", script, *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert (await process.stdout.readline()).strip() == said
    process.kill()
    await process.communicate()


class Place(NamedTuple):
    """
    A server that may be killed and started again, if there is one.

    ``used`` is how long one waits who has used the queue before: RabbitMQ forgets what is in a quorum queue if it is
    killed within the second in which that was declared.
    """

    dsn: str
    server: Server | None = None
    used: float = 0.0

    def crash(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.start()

    async def prepare(self, name: str) -> None:
        async with make_broker({"dsn": self.dsn}) as broker:
            await broker[name].send({"number": 0, "due": 0}, delay=self.used)
            await until(lambda: _is_ready(broker, name))


async def _is_ready(broker: AbstractQueueBroker, name: str) -> bool:
    length: int | None = await broker._live.topology.length(name)  # without those that wait for their delay
    return length == 1


@pytest.fixture(params=["local", "redis", "amqp"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "local":
        return Place(f"local://{request.getfixturevalue('tmp_path')}/place")
    server: Server = request.getfixturevalue({"redis": "redis_server", "amqp": "rabbitmq_server"}[request.param])
    return Place(server.url, server, 1.7 if request.param == "amqp" else 0.0)


async def test_delayed_messages_outlive_everybody(place: Place):
    """All for which ``send`` had returned are handled in the end, and none before it was due."""
    queue = Queue(unique("queue"))
    if place.used:
        await place.prepare(queue.name)
    got: set[int] = set()
    early: list[float] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int, due: float) -> None:
            got.add(number)
            early.extend(ahead for ahead in (due - time.time(),) if ahead > 0)

    await kill_when_it_has_said(SENDS, b"sent", place.dsn, queue.name)
    await kill_when_it_has_said(HANGS, b"began", place.dsn, queue.name)
    await asyncio.to_thread(place.crash)
    agent = Taker(broker=make_broker({"dsn": place.dsn, "lease": 1.0}))
    await agent.start()
    await until(lambda: got == set(range(MANY)))
    assert early == []
    await agent.stop()
