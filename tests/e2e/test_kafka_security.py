"""Kafka behind TLS and SASL: who may connect, and what the others are told."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.certificates import certificate
from servers.kafka import KafkaServer
from support import unique, until

from microagent import AuthError, MicroAgent, Queue, consumer
from microagent.tools.kafka import KafkaBroker

SETTINGS = """
listener.name.client.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.client.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_app="secret";
listener.name.client.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.client.ssl.keystore.type=PEM
listener.name.client.ssl.keystore.location={file}
"""
USER = "SCRAM-SHA-256=[name=scrambled,password=secret]"
SOON = 5.0  # seconds


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def place(kafka_jars: Path, authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``127.0.0.1:port`` of a server that wants TLS and a password."""
    settings = SETTINGS.format(file=authority)
    folder = tmp_path_factory.mktemp("kafka")
    with KafkaServer(folder, kafka_jars, "SASL_SSL", settings, [USER]) as server:
        yield f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(("user", "mechanism"), [("app", "PLAIN"), ("scrambled", "SCRAM-SHA-256")])
async def test_everything_is_said_in_the_dsn(place: str, authority: Path, user: str, mechanism: str):
    """User, password, mechanism and the authority to trust: messages are sent, consumed and counted."""
    queue = Queue(unique("queue"))
    got: list[int] = []

    class Taker(MicroAgent):
        @consumer(queue)
        async def take(self, number: int) -> None:
            got.append(number)

    agent = Taker(
        broker=KafkaBroker(f"kafka://{user}:secret@{place}?ssl_cafile={authority}&sasl_mechanism={mechanism}")
    )
    await agent.start()
    await agent.broker[queue.name].send({"number": 1})
    await until(lambda: got == [1])
    assert await agent.broker[queue.name].dead() == []
    await agent.stop()


async def test_security_is_said_as_arguments(place: str, authority: Path):
    """``ssl_context`` says all that files cannot."""
    queue = Queue(unique("queue"))
    context = ssl.create_default_context(cafile=authority)
    async with KafkaBroker(f"kafka://app:secret@{place}", ssl_context=context, sasl_mechanism="PLAIN") as broker:
        await broker[queue.name].send({})
        assert await broker[queue.name].length() == 1


REFUSED = [("app", "PLAIN"), ("scrambled", "SCRAM-SHA-256"), ("app", "SCRAM-SHA-512")]


@pytest.mark.parametrize(("user", "mechanism"), REFUSED)
async def test_server_that_refuses_us_is_an_error_at_once(
    place: str, authority: Path, user: str, mechanism: str, caplog: pytest.LogCaptureFixture
):
    """A wrong password or mechanism is no outage: it is one error, without the password in it or in the log."""
    dsn = f"kafka://{user}:xyzzy-17@{place}?ssl_cafile={authority}&sasl_mechanism={mechanism}"
    with caplog.at_level(logging.DEBUG, "aiokafka"), pytest.raises(AuthError, match="the server refuses us") as refusal:
        await asyncio.wait_for(KafkaBroker(dsn).send("queue", "{}"), SOON)
    assert "SaslHandShake" in caplog.text
    assert "xyzzy-17" not in f"{refusal.value!r} {caplog.text}"
