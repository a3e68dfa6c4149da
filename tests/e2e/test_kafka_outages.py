"""Kafka goes away in every way it can: what it had accepted is handled, and consuming goes on by itself."""

import asyncio

import pytest
from servers.kafka import KafkaServer
from support import LIVE_AGAIN, OUTAGES, unique, until

from microagent import BackendConnectionError, MicroAgent, Queue, consumer
from microagent.tools.kafka import KafkaBroker

NOTICED = 5.0  # seconds until everybody knows that a server is away
RECOVERY = 40.0  # seconds for a server to be back and its clients to notice, on a slow machine


def taker(queue: Queue) -> tuple[type[MicroAgent], list[int]]:
    """An agent class that keeps the numbers it gets, and the list it keeps them in."""
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int) -> None:
            await asyncio.sleep(0.01)
            got.append(number)

    return Taker, got


def crash(server: KafkaServer) -> None:
    server.kill()
    server.start()


async def send_until(stop: asyncio.Event, broker: KafkaBroker, queue: Queue, accepted: list[int]) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        try:
            await broker[queue.name].send({"number": number})
        except BackendConnectionError:
            continue  # nobody knows whether the server has it
        accepted.append(number)


async def test_nothing_is_lost_in_a_crash(kafka_server: KafkaServer, caplog: pytest.LogCaptureFixture):
    """
    All for which ``send`` returned is handled, by the same agent; when it stops, no connection is left. The log
    does not repeat itself.
    """
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent, sender = cls(broker=KafkaBroker(kafka_server.url)), KafkaBroker(kafka_server.url)
    await agent.start()
    accepted: list[int] = []
    stop = asyncio.Event()
    sending = asyncio.create_task(send_until(stop, sender, queue, accepted))
    await until(lambda: len(got) > 20)
    await asyncio.to_thread(crash, kafka_server)
    before = len(accepted)
    await until(lambda: len(accepted) > before + 20, RECOVERY)
    stop.set()
    await sending
    await until(lambda: set(accepted) <= set(got), RECOVERY)
    await sender.close()
    await agent.stop()
    assert kafka_server.clients() == 0
    assert len(caplog.records) < 100


@pytest.mark.parametrize("seconds", OUTAGES)
async def test_agent_works_again_soon_after_an_outage(kafka_server: KafkaServer, seconds: float):
    """However long it lasts, what is sent is handled within 5 s of the server's return."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent, sender = cls(broker=KafkaBroker(kafka_server.url)), KafkaBroker(kafka_server.url)
    await agent.start()
    await sender[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    await asyncio.to_thread(kafka_server.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(kafka_server.start)
    async with asyncio.timeout(LIVE_AGAIN):
        await sender[queue.name].send({"number": 2})
        await until(lambda: 2 in got)
    await sender.close()
    await agent.stop()


async def test_server_is_waited_for(kafka_server: KafkaServer, caplog: pytest.LogCaptureFixture):
    """An agent that starts before its server is there starts when it is, with a warning meanwhile."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=KafkaBroker(kafka_server.url))
    await asyncio.to_thread(kafka_server.kill)
    starting = asyncio.create_task(agent.start())
    await until(lambda: "no connection" in caplog.text)
    await asyncio.to_thread(kafka_server.start)
    await starting
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1], RECOVERY)
    await agent.stop()


async def test_sender_is_told_of_an_outage(kafka_server: KafkaServer):
    """``send`` goes on trying for ``send_timeout``, then raises; when the server is back, it sends again."""
    queue = Queue(unique("queue"))
    broker = KafkaBroker(kafka_server.url, send_timeout=0.5)
    await broker[queue.name].send({})
    await asyncio.to_thread(kafka_server.kill)
    try:
        with pytest.raises(BackendConnectionError):
            await asyncio.wait_for(broker[queue.name].send({}), 10)
    finally:
        await asyncio.to_thread(kafka_server.start)
    await broker[queue.name].send({})
    await broker.close()


async def test_agent_goes_on_after_its_own_messages_failed(kafka_server: KafkaServer):
    """
    It is known at once that the server is away. The agent gives up on a message in the outage; when the server is back,
    it sends and consumes as before.
    """
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=KafkaBroker(kafka_server.url, send_timeout=0.5, lease=3.0))
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    assert agent.info()["broker"]["connected"]
    await asyncio.to_thread(kafka_server.kill)
    try:
        await until(lambda: not agent.info()["broker"]["connected"], NOTICED)
        assert not agent.info()["broker"]["healthy"]
        with pytest.raises(BackendConnectionError):
            await agent.broker[queue.name].send({"number": 2})
        with pytest.raises(BackendConnectionError):
            await agent.broker[queue.name].send({"number": 3})
        assert not agent.broker._info()["connected"]
    finally:
        await asyncio.to_thread(kafka_server.start)
    await until(lambda: agent.info()["broker"]["healthy"])
    await agent.broker[queue.name].send({"number": 4})
    await until(lambda: 4 in got, RECOVERY)
    await agent.stop()
    assert kafka_server.clients() == 0


async def test_agent_stops_while_its_server_is_away(kafka_server: KafkaServer):
    """Nothing is waited for that does not come: the agent stops, and no task is left."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=KafkaBroker(kafka_server.url))
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    await asyncio.to_thread(kafka_server.kill)
    try:
        await asyncio.wait_for(agent.stop(), 15)
    finally:
        await asyncio.to_thread(kafka_server.start)
    assert asyncio.all_tasks() == {asyncio.current_task()}
