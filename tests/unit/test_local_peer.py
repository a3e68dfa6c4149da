"""One connection between two members."""

import asyncio
import os
import socket
import struct

import pytest
from support import until

from microagent.tools.local import peer as peers
from microagent.tools.local.frames import FrameError, FrameReader, Kind, confirm_frame, frame, signal_frame
from microagent.tools.local.peer import Peer


class Handler:
    """Notes what it is told."""

    def __init__(self):
        self.here = []
        self.frames = []
        self.left = []

    def connected(self, peer):
        self.here.append(peer)

    def received(self, peer, kind, payload):
        if payload == b"nonsense":
            raise FrameError("it makes no sense")
        self.frames.append((kind, payload))

    def batch_ended(self, peer):
        pass

    def disconnected(self, peer, reason):
        self.left.append(reason)


@pytest.fixture
async def handler():
    return Handler()


@pytest.fixture
async def ends(handler):
    """A peer, and the socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    _, peer = await loop.create_unix_connection(lambda: Peer(handler), sock=ours)
    yield peer, theirs
    peer.abort()
    await until(lambda: handler.left)
    theirs.close()


async def read(connection, count):
    """So many frames from the other end."""
    reader, frames = FrameReader(), []
    loop = asyncio.get_running_loop()
    while len(frames) < count:
        frames += reader.feed(await loop.sock_recv(connection, 1 << 20))
    return frames


async def fill(peer, size=1000):
    """Write until nothing more is read at the other end."""
    while peer._flowing.is_set():
        peer.send([signal_frame("fill", bytes(size))])


async def test_peer_is_known_by_its_process(ends, handler):
    """The kernel says who is at the other end."""
    peer, _ = ends
    assert handler.here == [peer]
    assert peer.pid == os.getpid()


async def test_process_of_another_user_is_cut_off(handler, monkeypatch):
    """Nobody but this user takes part, root's folder or not."""
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    ours, theirs = socket.socketpair()
    await asyncio.get_running_loop().create_unix_connection(lambda: Peer(handler), sock=ours)
    await until(lambda: handler.left)
    assert isinstance(handler.left[0], PermissionError)
    assert handler.here == []
    theirs.close()


async def test_frames_arrive_in_order(ends, handler):
    """What is sent by one end is heard by the other, in order."""
    peer, theirs = ends
    peer.send([confirm_frame(1), confirm_frame(2)])
    peer.insist(confirm_frame(3))
    assert await read(theirs, 3) == [(Kind.CONFIRM, b"1"), (Kind.CONFIRM, b"2"), (Kind.CONFIRM, b"3")]
    theirs.send(confirm_frame(4) + confirm_frame(5))
    await until(lambda: len(handler.frames) == 2)
    assert handler.frames == [(Kind.CONFIRM, b"4"), (Kind.CONFIRM, b"5")]


@pytest.mark.parametrize("size", [100, 100_000], ids=["many", "large"])
async def test_what_waits_for_a_peer_that_does_not_read_is_bounded(ends, size):
    """1,000 frames or 16 MiB wait; what comes beyond them is dropped and counted."""
    peer, _ = ends
    await fill(peer)
    kept = min(peers.WAITING, peers.WAITING_BYTES // len(signal_frame("x", bytes(size))))
    batch = [signal_frame("x", bytes(size))] * (kept + 10)
    assert peer.send(batch) == 10
    assert peer.send(batch[:5]) == 5


async def test_batch_for_a_peer_that_does_not_read_is_bounded(ends):
    """However much is sent at once, no more is kept than may wait."""
    peer, _ = ends
    assert peer.send([signal_frame("x", bytes(1_000_000))] * 40) >= 40 - peers.WAITING_BYTES // 1_000_000 - 2
    kept = peer._transport.get_write_buffer_size() + sum(map(len, peer._waiting))
    assert kept < peers.WAITING_BYTES + 2_000_000


async def test_peer_that_reads_again_gets_what_waited_in_order(ends):
    """After a pause nothing that was kept is missing, and what is never dropped is there too."""
    peer, theirs = ends
    await fill(peer)
    peer.send([signal_frame("kept", b"%d" % number) for number in range(peers.WAITING + 5)])
    peer.insist(confirm_frame(1))
    frames = []
    reader = FrameReader()
    while not frames or frames[-1] != (Kind.CONFIRM, b"1"):
        frames += reader.feed(await asyncio.get_running_loop().sock_recv(theirs, 1 << 20))
    kept = [payload[6:] for _, payload in frames if payload[2:6] == b"kept"]
    assert kept == [b"%d" % number for number in range(peers.WAITING)]


async def test_large_frame_passes_where_nothing_waits(ends):
    """A frame larger than what may wait is not lost because it is large."""
    peer, _ = ends
    await fill(peer)
    assert peer.send([signal_frame("x", bytes(peers.WAITING_BYTES + 1))]) == 0


async def test_publisher_waits_for_a_slow_peer_once(ends):
    """A peer that has stalled is waited for again only when it has read."""
    peer, theirs = ends
    await fill(peer)
    await peer.catch_up(0.01)
    await asyncio.wait_for(peer.catch_up(3600), 1)
    await until(lambda: peer._flowing.is_set() or not theirs.recv(1 << 20))
    await fill(peer)
    waiting = asyncio.ensure_future(peer.catch_up(3600))
    await asyncio.sleep(0)
    assert not waiting.done()
    await until(lambda: waiting.done() or not theirs.recv(1 << 20))


@pytest.mark.parametrize(
    "nonsense",
    [frame(Kind.SIGNAL, b"nonsense"), struct.pack("!IB", 1 << 30, Kind.SIGNAL), b"GET / HTTP/1.1\r\n\r\n"],
    ids=["payload", "length", "http"],
)
async def test_nonsense_ends_the_connection(ends, handler, nonsense):
    """A peer that does not speak our language is cut off, with the reason."""
    _, theirs = ends
    theirs.send(nonsense)
    await until(lambda: handler.left)
    assert isinstance(handler.left[0], FrameError)


async def test_leaving_peer_says_what_it_had_to_say(ends):
    """What was sent before the end arrives before the end."""
    peer, theirs = ends
    await fill(peer)
    peer.insist(confirm_frame(9))
    peer.leave()
    frames, reader = [], FrameReader()
    while data := await asyncio.get_running_loop().sock_recv(theirs, 1 << 20):
        frames += reader.feed(data)
    assert frames[-1] == (Kind.CONFIRM, b"9")


async def test_end_of_the_other_side_is_no_failure(ends, handler):
    """A process that just ends is gone without a reason."""
    _, theirs = ends
    theirs.close()
    await until(lambda: handler.left)
    assert handler.left == [None]
