"""Publish and subscribe among the members of a folder."""

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias

from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.errors import SignalSerializingError
from microagent.tools.local.confirmations import Confirmations
from microagent.tools.local.folder import Folder
from microagent.tools.local.frames import (
    FrameError,
    Kind,
    SubscriptionChange,
    confirm_frame,
    read_confirm,
    read_signal,
    read_subscription,
    signal_frame,
    subscription_frame,
)
from microagent.tools.local.mesh import Mesh
from microagent.tools.local.peer import Peer
from microagent.tools.local.routes import Routes

PATIENCE = 0.1  # seconds that a publisher waits for a peer that does not read; then its messages are dropped
CONFIRM = 2.0  # seconds that a subscriber waits for the confirmation of its peers, one of which may hang
PART = 4 * 1024 * 1024  # bytes of a batch that are sent before waiting for peers
NAMED = 10  # processes listed in a log line
LINGER = 1.0  # seconds at close to flush what was written

Message: TypeAlias = tuple[str, bytes]
Shares: TypeAlias = dict[Peer | None, list[tuple[Message, bytes]]]


class PubSub:
    """
    Publish and subscribe for one member.

    Messages are delivered at most once, and in order from each member to each other. A member that does not read slows
    no other one down.

    :param kind: members of the same kind receive each other's messages
    :param dropped: counts messages dropped for peers that do not read
    :param deliver: called with the messages that match a subscription of this member, its own ones included
    :param left: called when a connection to a peer has ended
    """

    def __init__(
        self,
        folder: Folder,
        kind: str,
        log: logging.Logger,
        *,
        dropped: CountedLog,
        deliver: Callable[[list[Message]], None],
        left: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._deliver = deliver
        self._left = left
        self._mesh = Mesh(folder, kind, self, log)
        self._peers: set[Peer] = set()
        self._hanging: set[Peer] = set()  # they did not answer, and are not waited for until they say something
        self._routes: Routes[Peer | None] = Routes()  # None is this member itself
        self._confirmations: Confirmations[Peer] = Confirmations()
        self._arrived: list[Message] = []
        self._reading = True
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._dropped = dropped

    @property
    def name(self) -> str:
        """Of this member in the folder."""
        return self._mesh.presence.name

    async def open(self) -> None:
        """Join; when this returns, this member knows the subscriptions of all others."""
        self._loop = asyncio.get_running_loop()
        await self._mesh.open()
        await self._agree(Kind.SUBSCRIBE, [])

    async def close(self) -> None:
        """Leave, when what was published has left. Doing it again does nothing."""
        self._closed = True
        self._mesh.close()
        if self._loop is asyncio.get_running_loop():
            await self._part(Peer.leave)
            await self._part(Peer.abort)
        else:  # left open by a loop that is gone
            for peer in self._peers:
                peer.abort()
        self._dropped.flush()

    async def _part(self, end: Callable[[Peer], None]) -> None:
        departure = self._confirmations.begin(self._peers)
        for peer in tuple(self._peers):
            end(peer)
        await self._confirmations.end(departure, LINGER)

    async def subscribe(self, patterns: Sequence[Pattern]) -> None:
        """Receive what matches ``patterns`` and is published after this has returned."""
        self._routes.add(None, patterns)
        await self._agree(Kind.SUBSCRIBE, patterns)

    async def unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        """No longer receive what matches ``patterns``."""
        self._routes.remove(None, patterns)
        await self._agree(Kind.UNSUBSCRIBE, patterns)

    async def _agree(self, kind: Kind, patterns: Sequence[Pattern]) -> None:
        question = self._confirmations.begin(self._peers - self._hanging)
        frame = subscription_frame(kind, SubscriptionChange.of(question.number, patterns))
        for peer in self._peers:
            peer.insist(frame)
        if hanging := await self._confirmations.end(question, CONFIRM):
            self._hanging |= hanging
            pids = sorted({peer.pid for peer in hanging})
            more = f" and {len(pids) - NAMED} more" if len(pids) > NAMED else ""
            names = ", ".join(map(str, pids[:NAMED]))
            self._log.warning("Process %s%s does not answer, going on without it", names, more)

    async def publish(self, batch: Sequence[Message]) -> list[int | Exception]:
        """
        Send a batch; wait a moment for peers that are behind.

        :return: for each message the number of members it goes to, this one included, or why it cannot be sent
        """
        results: list[int | Exception] = []
        for part in _parts(batch):
            told, peers = self._send(part)
            results += told
            for peer in peers:
                await peer.catch_up(PATIENCE)
        return results

    def post(self, batch: Sequence[Message]) -> list[int | Exception]:
        """Send a batch without waiting for peers; returns like :meth:`publish`."""
        return self._send(batch)[0]

    def _send(self, batch: Sequence[Message]) -> tuple[list[int | Exception], list[Peer]]:
        shares: Shares = {}
        results = [self._address(message, shares) for message in batch]
        if own := shares.pop(None, None):
            self._deliver([message for message, _ in own])
        peers = {peer: share for peer, share in shares.items() if peer is not None}
        for peer, share in peers.items():
            if dropped := peer.send([frame for _, frame in share]):
                self._dropped.add(dropped)
        return results, list(peers)

    def _address(self, message: Message, shares: Shares) -> int | Exception:
        """Add a message to the shares of its subscribers; return how many there are, or why it cannot be sent."""
        members = self._routes.find(message[0])
        if members:
            try:
                frame = signal_frame(*message)
            except SignalSerializingError as error:
                return error
            for member in members:
                shares.setdefault(member, []).append((message, frame))
        return len(members)

    def flow(self, on: bool) -> None:
        """Resume or pause reading from all peers."""
        self._reading = on
        for peer in self._peers:
            peer.resume_reading() if on else peer.pause_reading()

    # Events of peers

    def connected(self, peer: Peer) -> None:
        """Tell a new peer the subscriptions of this member."""
        if self._closed:  # it was accepted just before
            peer.abort()
            return
        self._peers.add(peer)
        peer.insist(subscription_frame(Kind.SUBSCRIBE, SubscriptionChange.of(0, self._routes.of(None))))
        if not self._reading:
            peer.pause_reading()

    def received(self, peer: Peer, kind: int, payload: bytes) -> None:
        """Buffer a signal until :meth:`batch_ended`; handle the other frames."""
        self._hanging.discard(peer)
        if kind == Kind.SIGNAL:
            self._arrived.append(read_signal(payload))
        elif kind == Kind.CONFIRM:
            self._confirmations.answered(read_confirm(payload), peer)
        elif kind in (Kind.SUBSCRIBE, Kind.UNSUBSCRIBE):
            self._obey(peer, Kind(kind), read_subscription(payload))
        else:
            raise FrameError(f"a frame of the unknown kind {kind}")

    def _obey(self, peer: Peer, kind: Kind, change: SubscriptionChange) -> None:
        apply = self._routes.add if kind is Kind.SUBSCRIBE else self._routes.remove
        apply(peer, change.subscribed())
        peer.insist(confirm_frame(change.number))

    def batch_ended(self, peer: Peer) -> None:
        """Deliver the signals that arrived together."""
        if self._arrived:
            arrived, self._arrived = self._arrived, []
            self._deliver(arrived)

    def disconnected(self, peer: Peer, reason: Exception | None) -> None:
        """Forget a peer, its subscriptions and the confirmations it owes."""
        if reason is not None:
            self._log.warning("Process %d is cut off: %s", peer.pid, reason)
        self._peers.discard(peer)
        self._hanging.discard(peer)
        self._routes.forget(peer)
        self._confirmations.gone(peer)
        self._left()


def _parts(batch: Sequence[Message]) -> Generator[Sequence[Message], None, None]:
    """A batch, cut where a part of it grows too large."""
    start = size = 0
    for end, (_, body) in enumerate(batch):
        size += len(body)
        if size > PART and end > start:
            yield batch[start:end]
            start, size = end, len(body)
    yield batch[start:]
