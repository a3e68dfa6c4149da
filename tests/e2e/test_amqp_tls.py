"""``amqps://``: RabbitMQ behind TLS, with a certificate of its own making."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import free_port
from servers.certificates import certificate
from servers.rabbitmq import RabbitMQServer
from support import unique, until

from microagent import MicroAgent, Queue, consumer
from microagent.tools.amqp import AMQPBroker

SETTINGS = """
listeners.ssl.default = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {file}
ssl_options.certfile = {file}
ssl_options.keyfile = {file}
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def tls_place(rabbitmq_program: str, authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``127.0.0.1:port`` of a server that speaks TLS there."""
    tls_port = free_port()
    settings = SETTINGS.format(tls_port=tls_port, file=authority)
    with RabbitMQServer(tmp_path_factory.mktemp("rabbitmq"), rabbitmq_program, settings):
        yield f"127.0.0.1:{tls_port}"


async def test_authority_is_named_in_the_dsn(tls_place: str, authority: Path):
    """``cafile`` is what the server's certificate is checked against."""
    queue = Queue(unique("queue"))
    async with AMQPBroker(f"amqps://guest:guest@{tls_place}/?cafile={authority}") as broker:
        await broker[queue.name].send({})
        assert await broker[queue.name].length() == 1


async def test_large_messages_are_consumed(tls_place: str, authority: Path):
    """They come in many frames, and these in pieces of TLS's own."""
    queue = Queue(unique("queue"))
    got: list[str] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, text: str) -> None:
            got.append(text)

    async with AMQPBroker(f"amqps://guest:guest@{tls_place}/?cafile={authority}") as broker:
        agent = Taker(broker=broker)
        await agent.start()
        texts = [str(number) * 1_000_000 for number in range(10)]
        await asyncio.gather(*(broker[queue.name].send({"text": text}) for text in texts))
        await until(lambda: len(got) == len(texts))
        assert sorted(got) == texts
        await agent.stop()


async def test_context_is_given(tls_place: str, authority: Path):
    """``ssl_context`` says all that files cannot."""
    queue = Queue(unique("queue"))
    context = ssl.create_default_context(cafile=authority)
    async with AMQPBroker(f"amqps://{tls_place}/", ssl_context=context) as broker:
        await broker[queue.name].send({})
