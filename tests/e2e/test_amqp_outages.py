"""RabbitMQ goes away in every way it can: what it had accepted is handled, and consuming goes on by itself."""

import asyncio
from collections.abc import Callable

import pytest
from servers.rabbitmq import RabbitMQServer
from support import LIVE_AGAIN, OUTAGES, unique, until

from microagent import BackendConnectionError, MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker


def taker(queue: Queue) -> tuple[type[MicroAgent], list[int]]:
    """An agent class that keeps the numbers it gets, and the list it keeps them in."""
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int) -> None:
            await asyncio.sleep(0.01)
            got.append(number)

    return Taker, got


def connections(server: RabbitMQServer) -> int:
    return len(server.control("list_connections", "pid").split())


def drop_connections(server: RabbitMQServer) -> None:
    server.control("close_all_connections", "for a test")


def crash(server: RabbitMQServer) -> None:
    server.kill()
    server.start()


async def send_until(stop: asyncio.Event, broker: AMQPBroker, queue: Queue, accepted: list[int]) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        try:
            await broker[queue.name].send({"number": number})
        except BackendConnectionError:
            continue  # nobody knows whether the server has it
        accepted.append(number)


@pytest.mark.parametrize("outage", [drop_connections, crash])
async def test_nothing_is_lost_in_an_outage(
    rabbitmq_server: RabbitMQServer, outage: Callable[[RabbitMQServer], None], caplog: pytest.LogCaptureFixture
):
    """
    All for which ``send`` returned is handled, by the same agent; when it stops, no connection is left. The log has
    sentences for it, no tracebacks.
    """
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent, sender = cls(broker=AMQPBroker(rabbitmq_server.url)), AMQPBroker(rabbitmq_server.url)
    await agent.start()
    accepted: list[int] = []
    stop = asyncio.Event()
    sending = asyncio.create_task(send_until(stop, sender, queue, accepted))
    await until(lambda: len(got) > 20)
    await asyncio.to_thread(outage, rabbitmq_server)
    before = len(accepted)
    await until(lambda: len(accepted) > before + 20)
    stop.set()
    await sending
    await until(lambda: set(accepted) <= set(got))
    await sender.close()
    await agent.stop()
    assert connections(rabbitmq_server) == 0
    assert "connection lost" in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("seconds", OUTAGES)
async def test_agent_works_again_soon_after_an_outage(rabbitmq_server: RabbitMQServer, seconds: float):
    """However long it lasts, what is sent is handled within 5 s of the server's return."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent, sender = cls(broker=AMQPBroker(rabbitmq_server.url)), AMQPBroker(rabbitmq_server.url)
    await agent.start()
    await sender[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    await asyncio.to_thread(rabbitmq_server.stop)
    await until(lambda: not sender._is_connected())
    await asyncio.sleep(seconds)
    await asyncio.to_thread(rabbitmq_server.start)
    async with asyncio.timeout(LIVE_AGAIN):
        await sender[queue.name].send({"number": 2})
        await until(lambda: 2 in got)
    await sender.close()
    await agent.stop()


async def test_server_is_waited_for(rabbitmq_server: RabbitMQServer, caplog: pytest.LogCaptureFixture):
    """An agent that starts before its server is there starts when it is, with a warning meanwhile."""
    cls, got = taker(Queue(unique("queue")))
    agent = cls(broker=AMQPBroker(rabbitmq_server.url))
    await asyncio.to_thread(rabbitmq_server.stop)
    starting = asyncio.create_task(agent.start())
    await until(lambda: "no connection" in caplog.text)
    await asyncio.to_thread(rabbitmq_server.start)
    await starting
    await agent.broker[agent.info()["consumers"][0]["queue"]].send({"number": 1})
    await until(lambda: got == [1])
    await agent.stop()


async def test_sender_is_told_of_an_outage(rabbitmq_server: RabbitMQServer):
    """``send`` goes on trying to connect for ``send_timeout``, then raises."""
    queue = Queue(unique("queue"))
    broker = AMQPBroker(rabbitmq_server.url, send_timeout=0.3)
    await broker[queue.name].send({})
    await asyncio.to_thread(rabbitmq_server.stop)
    try:
        with pytest.raises(BackendConnectionError, match="no connection in time"):
            await broker[queue.name].send({})
    finally:
        await asyncio.to_thread(rabbitmq_server.start)
        await broker.close()


async def test_queue_that_is_deleted_is_declared_again(
    rabbitmq_server: RabbitMQServer, caplog: pytest.LogCaptureFixture
):
    """Neither its consumer nor its sender has to be started anew, and what else is on the connection goes on."""
    queue = Queue(unique("queue"))
    cls, got = taker(queue)
    agent = cls(broker=AMQPBroker(rabbitmq_server.url))
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
