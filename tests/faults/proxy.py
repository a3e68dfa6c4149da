"""A TCP proxy that does to connections what networks do: holds, cuts, delays and chops them."""

import asyncio
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

DRIBBLED = 64  # bytes of each piece that travel one by one
RESET = struct.pack("ii", 1, 0)  # lingering for no time: the connection ends with RST


class Proxy:
    """
    Stands between clients and one server on the loopback; a context manager.

    :param port: the server's
    :param own: where it listens; 0: anywhere
    :ivar port: its own
    """

    def __init__(self, port: int, own: int = 0) -> None:
        self._target = port
        self._sockets = socket.create_server(("127.0.0.1", own))
        self.port = int(self._sockets.getsockname()[1])
        self._flows = asyncio.Event()
        self._delay = 0.0
        self._dribbles = False
        self._loses_answers = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._pairs: dict[asyncio.StreamWriter, asyncio.StreamWriter] = {}  # of the client: of the server
        self._forgotten: set[asyncio.StreamWriter] = set()  # either end of a pair

    async def __aenter__(self) -> Self:
        self._flows.set()
        self._server = await asyncio.start_server(self._connected, sock=self._sockets)
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def connections(self) -> int:
        return len(self._pairs)

    def reset(self) -> None:
        """Every connection ends with a reset."""
        for pair in self._pairs.items():
            for end in pair:
                with suppress(OSError):  # it has just ended
                    end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.transport.abort()

    def half_close(self) -> None:
        """To clients, the server has nothing more to say; it still listens to them."""
        for client in self._pairs:
            with suppress(OSError):
                client.write_eof()

    def forget(self) -> None:
        """What there is of connections carries nothing any more, and nobody is told; new ones do."""
        self._forgotten.update(end for pair in self._pairs.items() for end in pair)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """As long as the block runs, nothing gets through, and nobody is told; what waits is carried then."""
        self.fall_silent()
        try:
            yield
        finally:
            self.wake()

    def fall_silent(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        self._flows.clear()

    def wake(self) -> None:
        """What waits is carried, and so is what comes."""
        self._flows.set()

    @property
    def is_silent(self) -> bool:
        return not self._flows.is_set()

    @contextmanager
    def slow(self, delay: float) -> Iterator[None]:
        """Each piece takes ``delay`` seconds, give or take half of it."""
        self._delay = delay
        try:
            yield
        finally:
            self._delay = 0.0

    @contextmanager
    def dribbling(self) -> Iterator[None]:
        """Each piece begins with single bytes."""
        self._dribbles = True
        try:
            yield
        finally:
            self._dribbles = False

    @contextmanager
    def losing_answers(self) -> Iterator[None]:
        """What clients say arrives, what the server answers does not; in the end, every connection is reset."""
        self._loses_answers = True
        try:
            yield
        finally:
            self.reset()
            self._loses_answers = False

    async def _connected(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            answers, server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            client.transport.abort()
            return
        self._pairs[client] = server
        pumps = [self._pump(reader, server), self._pump(answers, client, answering=True)]
        tasks = [asyncio.create_task(pump) for pump in pumps]
        self._tasks.update(tasks)
        await asyncio.wait(tasks)
        self._tasks.difference_update(tasks)
        del self._pairs[client]
        self._forgotten -= {client, server}
        for end in (client, server):
            end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answering: bool = False) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                if self._delay:
                    await asyncio.sleep(self._delay * random.uniform(0.5, 1.5))
                await self._flows.wait()
                if not (writer in self._forgotten or (answering and self._loses_answers)):
                    await self._carry(piece, writer)
            writer.write_eof()

    async def _carry(self, piece: bytes, writer: asyncio.StreamWriter) -> None:
        dribbled = DRIBBLED if self._dribbles else 0
        for byte in piece[:dribbled]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        writer.write(piece[dribbled:])
        await writer.drain()
