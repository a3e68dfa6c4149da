"""Servers that are too old for queues."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from microagent import ConfigurationError
from microagent.tools.redis import RedisBroker


class Server:
    """Answers as a Redis of some release does, as far as it is asked before the first message."""

    def __init__(self) -> None:
        self.says = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while command := await _command(reader):
            answers = {b"INFO": self.says, b"LLEN": b":7\r\n", b"ZCARD": b":0\r\n"}
            writer.write(answers.get(command, b"+OK\r\n"))
        writer.close()


async def _command(reader: asyncio.StreamReader) -> bytes:
    """The name of the next one; empty at the end."""
    count = (await reader.readline())[1:]
    words = [await reader.readexactly(int((await reader.readline())[1:]) + 2) for _ in range(int(count or 0))]
    return words[0].strip().upper() if words else b""


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1") as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


@pytest.mark.parametrize("release", ["5.0.14", "6.0.16", "2.8.19"])
async def test_old_server_is_refused(server: Server, release: str):
    """In one sentence that says how old it is and how new it has to be, at the first use."""
    server.says = bulk(b"# Server\r\nredis_version:%s\r\nredis_mode:standalone\r\n" % release.encode())
    broker = RedisBroker(f"redis://127.0.0.1:{server.port}")
    with pytest.raises(ConfigurationError) as refusal:
        await broker.send("queue", "{}")
    assert str(refusal.value) == f"the server is Redis {release}, and queues need 6.2 or newer"
    await broker.close()


@pytest.mark.parametrize(
    "says", [bulk(b"redis_version:6.2.0\r\n"), bulk(b"redis_version:10.0.1-rc1\r\n"), bulk(b""), b"-NOPERM no\r\n"]
)
async def test_every_other_server_gets_a_try(server: Server, says: bytes):
    """Also one that does not say how old it is, or does not let us ask."""
    server.says = says
    async with RedisBroker(f"redis://127.0.0.1:{server.port}") as broker:
        assert await broker.queue_length("queue") == 7
