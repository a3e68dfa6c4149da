"""TLS fails closed: each reason is one clear error at once, and nothing is said to a server that is not trusted."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from servers.certificates import certificate

from microagent import AbstractSignalBus, BackendConnectionError, ConfigurationError, MicroAgent, Signal, receiver
from microagent.backends import make_broker, make_bus
from microagent.tools.redis import line

SOON = 5.0  # seconds; send_timeout is longer
FILES = {
    "redis": "rediss://me:secret@{place}/0?ssl_ca_certs={file}",
    "amqp": "amqps://me:secret@{place}/?cafile={file}",
    "kafka": "kafka://me:secret@{place}?ssl_cafile={file}",
}
SYSTEM = {
    "redis": "rediss://me:secret@{place}/0",
    "amqp": "amqps://me:secret@{place}/",
    "kafka": "kafka://me:secret@{place}?security_protocol=SASL_SSL",
}
signal = Signal("asked_over_tls", [])
backends = pytest.mark.parametrize("backend", list(FILES))


class Server:
    """Speaks TLS with a certificate, and hears what is said to it then."""

    def __init__(self) -> None:
        self.place = ""
        self.heard = b""
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.heard += await reader.read(1000)
        writer.close()


Serve = Callable[..., Awaitable[Server]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers."""
    running: list[asyncio.Server] = []

    async def start(pem: Path) -> Server:
        server = Server()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        running.append(await asyncio.start_server(server.serve, "127.0.0.1", ssl=context))
        server.place = f"127.0.0.1:{running[-1].sockets[0].getsockname()[1]}"
        return server

    yield start
    for each in running:
        each.close()


async def refused(dsn: str) -> str:
    """What a sender is told, and what an agent that starts is, where there are signals: the same."""
    ends: list[Any] = [make_broker({"dsn": dsn})]
    if dsn.startswith("redis"):
        ends.append(make_bus({"dsn": dsn}))
    told: set[str] = set()
    for end in ends:
        with pytest.raises(ConfigurationError) as refusal:
            await asyncio.wait_for(end.send("queue" if end is ends[0] else "PUBSUB:queue:test", "{}"), SOON)
        told.add(str(refusal.value))
        if isinstance(end, AbstractSignalBus):
            with pytest.raises(ConfigurationError):
                await asyncio.wait_for(Listening(bus=end).start(), SOON)
        await end.close()
    (sentence,) = told
    return sentence


class Listening(MicroAgent):
    @receiver(signal)
    async def answer(self, **_: Any) -> None: ...


@backends
async def test_authority_that_nobody_knows(backend: str, serve: Serve, tmp_path: Path):
    """The machine's authorities are asked if no other is named, and they know nothing of this one."""
    server = await serve(certificate(tmp_path))
    told = await refused(SYSTEM[backend].format(place=server.place))
    assert told == "the server's certificate is not trusted: self-signed certificate"
    assert server.heard == b""


@backends
async def test_certificate_that_has_expired(backend: str, serve: Serve, tmp_path: Path):
    """Even one of an authority that is trusted."""
    pem = certificate(tmp_path, ends=-1)
    server = await serve(pem)
    told = await refused(FILES[backend].format(place=server.place, file=pem))
    assert told == "the server's certificate is not trusted: certificate has expired"
    assert server.heard == b""


@backends
async def test_certificate_of_another_host(backend: str, serve: Serve, tmp_path: Path):
    """Whoever holds any certificate of the authority is not every server."""
    pem = certificate(tmp_path, host="other.example")
    server = await serve(pem)
    told = await refused(FILES[backend].format(place=server.place, file=pem))
    assert told.startswith("the server's certificate is not trusted: IP address mismatch, certificate is not valid")
    assert server.heard == b""


@backends
async def test_certificate_that_is_trusted(backend: str, serve: Serve, tmp_path: Path):
    """All else being equal, the server is talked to: so it is these reasons that keep the others from it."""
    pem = certificate(tmp_path)
    server = await serve(pem)
    end = make_broker({"dsn": FILES[backend].format(place=server.place, file=pem), "send_timeout": 1})
    with pytest.raises(ConnectionError):
        await end.send("queue", "{}")
    await end.close()
    assert server.heard != b""


@backends
@pytest.mark.parametrize(
    ("text", "why"),
    [(None, "No such file or directory"), ("no certificate", "NO_CERTIFICATE_OR_CRL_FOUND")],
    ids=["missing", "nonsense"],
)
async def test_file_that_cannot_be_used(backend: str, text: str | None, why: str, serve: Serve, tmp_path: Path):
    """One that is missing, or holds no certificate: nobody connects, with anything less."""
    server = await serve(certificate(tmp_path))
    path = tmp_path / "authority.pem"
    if text is not None:
        path.write_text(text)
    told = await refused(FILES[backend].format(place=server.place, file=path))
    assert told == f"a certificate file cannot be used: {why}"
    assert server.connections == 0


PLAIN = {
    "redis": ("redis_url", BackendConnectionError, "does it speak TLS at this port?"),
    "amqp": ("rabbitmq_url", ConfigurationError, "the server does not speak TLS at this port"),
    "kafka": ("kafka_url", BackendConnectionError, "does it speak TLS at this port?"),
}


@backends
async def test_port_without_tls(backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """
    Nothing is said in the clear where TLS is asked for. RabbitMQ tells what is wrong; the others wait or hang up, as a
    server in trouble does, so they are tried again until ``send_timeout`` is over.
    """
    url, error, said = PLAIN[backend]
    monkeypatch.setattr(line, "CONNECT", 0.3)
    place = request.getfixturevalue(url).rpartition("@")[2].partition("/")[0]
    end = make_broker({"dsn": SYSTEM[backend].format(place=place), "send_timeout": 1})
    with pytest.raises(error) as refusal:
        await asyncio.wait_for(end.send("queue", "{}"), SOON)
    assert said in str(refusal.value)
    await end.close()
