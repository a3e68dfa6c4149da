"""Unit tests of the proxy: what its clients see."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from support import until

from faults.proxy import Proxy

QUIET = 0.2  # seconds in which something would have come


class Echo:
    """A server that says what it hears, and a client of it, by way of a proxy."""

    def __init__(self, proxy: Proxy, heard: bytearray) -> None:
        self.proxy = proxy
        self.heard = heard
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.proxy.port)
        self._writers.append(self.writer)
        assert await self.say(b"hello") == b"hello"

    def close(self) -> None:
        for writer in self._writers:
            writer.close()

    async def say(self, text: bytes) -> bytes:
        self.writer.write(text)
        return await asyncio.wait_for(self.reader.readexactly(len(text)), 20)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    heard = bytearray()
    serving: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(writer)
        try:
            while piece := await reader.read(1000):
                heard.extend(piece)
                writer.write(piece)
        except OSError:
            pass
        writer.transport.abort()
        await asyncio.sleep(0)  # then it is closed
        serving.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with Proxy(server.sockets[0].getsockname()[1]) as proxy:
        echo = Echo(proxy, heard)
        await echo.connect()
        yield echo
        echo.close()
    await until(lambda: not serving)
    server.close()


async def test_reset(echo):
    """The connection breaks; a new one works."""
    echo.proxy.reset()
    with pytest.raises(ConnectionResetError):
        await echo.reader.read(1)
    await until(lambda: echo.proxy.connections == 0)
    await echo.connect()


async def test_half_close(echo):
    """The client hears the end, and can still speak."""
    echo.proxy.half_close()
    assert await echo.reader.read(1) == b""
    echo.writer.write(b" again")
    await until(lambda: echo.heard == b"hello again")


async def test_silence(echo):
    """Nothing comes through as long as it lasts, nothing is lost, and nobody is told."""
    with echo.proxy.silent():
        echo.writer.write(b" again")
        await asyncio.sleep(QUIET)
        assert echo.heard == b"hello"
    assert await echo.reader.readexactly(6) == b" again"


async def test_forgotten_connections(echo):
    """Nothing comes through any more, and nobody is told; a new one works."""
    echo.proxy.forget()
    echo.writer.write(b" again")
    await asyncio.sleep(QUIET)
    assert echo.heard == b"hello"
    former = echo.writer
    await echo.connect()
    former.close()


async def test_delay(echo):
    """There and back, each at least half of it."""
    with echo.proxy.slow(0.2):
        began = time.monotonic()
        await echo.say(b"x")
        assert time.monotonic() - began >= 0.2


async def test_single_bytes(echo):
    """All of them arrive."""
    with echo.proxy.dribbling():
        text = bytes(range(200))
        assert await echo.say(text) == text


async def test_answers_are_lost(echo):
    """What was said arrives, its answer does not, and then the connection breaks."""
    with echo.proxy.losing_answers():
        echo.writer.write(b" again")
        await until(lambda: echo.heard == b"hello again")
        await asyncio.sleep(QUIET)
    with pytest.raises(ConnectionResetError):
        await echo.reader.read(1)
    await echo.connect()


async def test_server_that_is_away(echo):
    """Who connects is cut off."""
    async with Proxy(1) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await reader.read(1) == b""
        writer.close()
        await writer.wait_closed()
