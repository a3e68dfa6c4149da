"""RabbitMQ and Kafka go away in every way they can: what they had accepted is handled, and consuming goes on."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from servers.kafka import KafkaServer
from servers.rabbitmq import RabbitMQServer
from support import LIVE_AGAIN, OUTAGES, unique, until

from microagent import AbstractQueueBroker, BackendConnectionError, MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker
from microagent.tools.kafka import KafkaBroker

NOTICED = 5.0  # seconds until everybody knows that a server is away
RECOVERY = 40.0  # seconds for a server to be back and its clients to notice, on a slow machine


@dataclass
class Place:
    """A server that may go away, and brokers on it."""

    server: KafkaServer | RabbitMQServer
    make: Callable[..., AbstractQueueBroker]

    def broker(self, **options: Any) -> AbstractQueueBroker:
        return self.make(self.server.url, **options)

    async def away(self) -> None:
        await asyncio.to_thread(self.server.kill)

    async def back(self) -> None:
        await asyncio.to_thread(self.server.start)


@pytest.fixture(params=["amqp", "kafka"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


@pytest.fixture
def amqp(rabbitmq_server: RabbitMQServer) -> Place:
    return Place(rabbitmq_server, AMQPBroker)


@pytest.fixture
def kafka(kafka_server: KafkaServer) -> Place:
    return Place(kafka_server, KafkaBroker)


def taker(queue: Queue) -> tuple[type[MicroAgent], list[int]]:
    """An agent class that keeps the numbers it gets, and the list it keeps them in."""
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int) -> None:
            await asyncio.sleep(0.01)
            got.append(number)

    return Taker, got


async def send_until(stop: asyncio.Event, broker: AbstractQueueBroker, queue: Queue, accepted: list[int]) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        try:
            await broker[queue.name].send({"number": number})
        except BackendConnectionError:
            continue  # nobody knows whether the server has it
        accepted.append(number)


async def live_through(place: Place, outage: Callable[[], None]) -> None:
    """All for which ``send`` returned is handled, by the same agent; when it stops, no connection is left."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent, sender = cls(broker=place.broker()), place.broker()
    await agent.start()
    accepted: list[int] = []
    stop = asyncio.Event()
    sending = asyncio.create_task(send_until(stop, sender, queue, accepted))
    await until(lambda: len(got) > 20)
    await asyncio.to_thread(outage)
    before = len(accepted)
    await until(lambda: len(accepted) > before + 20, RECOVERY)
    stop.set()
    await sending
    await until(lambda: set(accepted) <= set(got), RECOVERY)
    await sender.close()
    await agent.stop()
    assert place.server.clients() == 0


# -- either of them


async def test_nothing_is_lost_in_a_crash(place: Place, caplog: pytest.LogCaptureFixture):
    """The log has sentences for it, no tracebacks, and does not repeat itself."""

    def crash() -> None:
        place.server.kill()
        place.server.start()

    await live_through(place, crash)
    assert "Traceback" not in caplog.text
    assert len(caplog.records) < 100


@pytest.mark.parametrize("seconds", OUTAGES)
async def test_agent_works_again_soon_after_an_outage(place: Place, seconds: float):
    """However long it lasts, what is sent is handled within 5 s of the server's return."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent, sender = cls(broker=place.broker()), place.broker()
    await agent.start()
    await sender[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    await asyncio.to_thread(place.server.stop)
    await until(lambda: not sender._is_connected())
    await asyncio.sleep(seconds)
    await place.back()
    async with asyncio.timeout(LIVE_AGAIN):
        await sender[queue.name].send({"number": 2})
        await until(lambda: 2 in got)
    await sender.close()
    await agent.stop()


async def test_server_is_waited_for(place: Place, caplog: pytest.LogCaptureFixture):
    """An agent that starts before its server is there starts when it is, with a warning of ours meanwhile."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=place.broker())
    await place.away()
    starting = asyncio.create_task(agent.start())
    await until(lambda: "no connection" in caplog.text)
    await place.back()
    await starting
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1], RECOVERY)
    await agent.stop()
    assert not [record for record in caplog.records if record.name.startswith("aiormq")]


async def test_sender_is_told_of_an_outage(place: Place):
    """``send`` goes on trying to connect for ``send_timeout``, then raises; when the server is back, it sends again."""
    queue = Queue(unique("queue"))
    broker = place.broker(send_timeout=0.5)
    await broker[queue.name].send({})
    await place.away()
    try:
        with pytest.raises(BackendConnectionError):
            await asyncio.wait_for(broker[queue.name].send({}), 10)
    finally:
        await place.back()
    await until(lambda: _sends(broker, queue), LIVE_AGAIN)
    await broker.close()


async def _sends(broker: AbstractQueueBroker, queue: Queue) -> bool:
    with suppress(BackendConnectionError):
        await broker[queue.name].send({})
        return True
    return False


async def test_agent_stops_while_its_server_is_away(place: Place):
    """Nothing is waited for that does not come: the agent stops, and no task is left."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=place.broker())
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    await place.away()
    try:
        await asyncio.wait_for(agent.stop(), 15)
    finally:
        await place.back()
    assert asyncio.all_tasks() == {asyncio.current_task()}


# -- RabbitMQ


async def test_nothing_is_lost_when_all_connections_are_cut(
    amqp: Place, rabbitmq_server: RabbitMQServer, caplog: pytest.LogCaptureFixture
):
    """An operator may close them: everybody comes back."""
    await live_through(amqp, lambda: rabbitmq_server.control("close_all_connections", "for a test"))
    assert "connection lost" in caplog.text
    assert "Traceback" not in caplog.text


async def test_queue_that_is_deleted_is_declared_again(
    amqp: Place, rabbitmq_server: RabbitMQServer, caplog: pytest.LogCaptureFixture
):
    """Neither its consumer nor its sender has to be started anew, and what else is on the connection goes on."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=amqp.broker())
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    rabbitmq_server.control("delete_queue", queue.name)
    await agent.broker[queue.name].send({"number": 2})
    await until(lambda: got == [1, 2])
    await agent.stop()
    assert f"the server ended the consumer of queue '{queue.name}'" in caplog.text
    assert "connection lost" not in caplog.text


async def test_server_that_hangs_is_left(rabbitmq_server: RabbitMQServer):
    """A server that does not confirm is no reason to wait for ever; when it goes on, so does all else."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=AMQPBroker(f"{rabbitmq_server.url}?heartbeat=1", send_timeout=1))
    await agent.start()
    with rabbitmq_server.frozen(), pytest.raises(BackendConnectionError):
        await agent.broker[queue.name].send({"number": 1})
    await until(lambda: agent.info()["healthy"])
    await agent.broker[queue.name].send({"number": 2})
    await until(lambda: 2 in got)
    await agent.stop()


# -- Kafka


async def test_agent_goes_on_after_its_own_messages_failed(kafka: Place):
    """
    It is known at once that the server is away. The agent gives up on a message in the outage; when the server is back,
    it sends and consumes as before.
    """
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=kafka.broker(send_timeout=0.5, lease=3.0))
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    assert agent.info()["broker"]["connected"]
    await kafka.away()
    try:
        await until(lambda: not agent.info()["broker"]["connected"], NOTICED)
        assert not agent.info()["broker"]["healthy"]
        with pytest.raises(BackendConnectionError):
            await agent.broker[queue.name].send({"number": 2})
        with pytest.raises(BackendConnectionError):
            await agent.broker[queue.name].send({"number": 3})
        assert not agent.broker._info()["connected"]
    finally:
        await kafka.back()
    await until(lambda: agent.info()["broker"]["healthy"])
    await agent.broker[queue.name].send({"number": 4})
    await until(lambda: 4 in got, RECOVERY)
    await agent.stop()
    assert kafka.server.clients() == 0
