"""The connection to another member: frames in and out, and a bounded buffer for a peer that does not read."""

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, cast

from microagent.tools.local.forks import register_for_forks
from microagent.tools.local.frames import FrameError, FrameReader

WAITING = 1_000  # frames buffered for a peer that does not read; further ones are dropped
WAITING_BYTES = 16 * 1024 * 1024
AT_ONCE = 64 * 1024  # bytes per write
_CREDENTIALS = struct.Struct("iII")  # struct ucred: the numbers of users and groups have no sign


class PeerHandler(Protocol):
    """Gets the events of a connection."""

    def connected(self, peer: "Peer") -> None:
        """The connection is open."""

    def received(self, peer: "Peer", kind: int, payload: bytes) -> None:
        """
        A frame was received.

        :raises FrameError: if it violates the protocol; then the connection is closed
        """

    def batch_ended(self, peer: "Peer") -> None:
        """All frames that arrived together have been passed to :meth:`received`."""

    def disconnected(self, peer: "Peer", reason: Exception | None) -> None:
        """The connection has ended; ``reason`` is None if the peer just left."""


class Peer(asyncio.Protocol):
    """
    Another member, at the other end of a connection.

    :param handler: gets the events
    :ivar pid: process id of the peer
    """

    def __init__(self, handler: PeerHandler) -> None:
        self.pid = 0
        self._handler = handler
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._stalled = False
        self._reason: Exception | None = None
        register_for_forks(self)

    def descriptors(self) -> list[int]:
        """That of the connection, while it is open."""
        descriptor = -1 if self._transport is None else self._transport.get_extra_info("socket").fileno()
        return [descriptor] if descriptor >= 0 else []

    def forget(self) -> None:
        """The connection is the parent's."""
        self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.pid, user = _credentials(transport.get_extra_info("socket"))
        if user == os.geteuid():
            self._handler.connected(self)
        else:
            self._fail(PermissionError(f"a process of user {user} wants to take part"))

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._reader.feed(data):
                self._handler.received(self, kind, payload)
        except FrameError as error:
            self._fail(error)
        self._handler.batch_ended(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._waiting.clear()
        self._flowing.set()
        self._handler.disconnected(self, self._reason)

    def pause_writing(self) -> None:
        self._flowing.clear()

    def resume_writing(self) -> None:
        self._flowing.set()
        self._stalled = False
        self._waiting_bytes -= self._write_from(self._waiting)

    def send(self, frames: Sequence[bytes]) -> int:
        """
        Send frames in order; while the peer does not read, buffer a bounded number of them.

        :return: how many were dropped
        """
        left = deque(frames)
        self._write_from(left)
        return sum(not self._keep(frame) for frame in left)

    def insist(self, frame: bytes) -> None:
        """Send a frame that must not be dropped, such as a subscription."""
        if self._flowing.is_set():
            self._write(frame)
        else:
            self._append(frame)

    def _keep(self, frame: bytes) -> bool:
        room = len(self._waiting) < WAITING and self._waiting_bytes + len(frame) <= WAITING_BYTES
        if room or not self._waiting:
            self._append(frame)
            return True
        return False

    def _append(self, frame: bytes) -> None:
        self._waiting.append(frame)
        self._waiting_bytes += len(frame)

    def _write_from(self, frames: deque[bytes]) -> int:
        """Write frames from the front as long as the peer reads; return how many bytes were written."""
        written = 0
        while frames and self._flowing.is_set():
            share = _cut(frames)
            self._write(share)
            written += len(share)
        return written

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    async def catch_up(self, patience: float) -> None:
        """
        Wait until the peer has read what was written, at most ``patience`` seconds.

        A peer that did not is not waited for again until it reads.
        """
        if self._stalled or self._flowing.is_set():
            return
        try:
            async with asyncio.timeout(patience):
                while not self._flowing.is_set():  # again, when what waited was too much as well
                    await self._flowing.wait()
        except TimeoutError:
            self._stalled = True

    def pause_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def leave(self) -> None:
        """Write what is buffered, then close the connection."""
        if self._transport is not None:
            self._write(b"".join(self._waiting))
            self._waiting.clear()
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            try:
                self._transport.abort()
            except RuntimeError:  # our loop is closed and ends nothing any more, but the other end has to know
                with suppress(OSError):
                    self._transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def _fail(self, reason: Exception) -> None:
        self._reason = reason
        self.abort()


def _cut(frames: deque[bytes]) -> bytes:
    """Take frames from the front, for one write."""
    share: list[bytes] = []
    size = 0
    while frames and size < AT_ONCE:
        share.append(frames.popleft())
        size += len(share[-1])
    return b"".join(share)


def _credentials(connection: socket.socket) -> tuple[int, int]:
    """Process id and user id of the peer."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _group = _CREDENTIALS.unpack(raw)
    return pid, user
