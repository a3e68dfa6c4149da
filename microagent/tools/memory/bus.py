"""Signals of ``memory://``."""

import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Unpack

from microagent.bus import AbstractSignalBus, BusOptions
from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.tools.memory.shared import shared
from microagent.tools.memory.waiting import Waiters

INBOX = 10_000  # signals that can wait for one bus; further ones are dropped


class Subscriptions:
    """All subscriptions of one DSN: for each head of a channel the buses that subscribe to it, with their tags."""

    def __init__(self) -> None:
        self.by_head: defaultdict[str, dict[MemorySignalBus, set[str]]] = defaultdict(dict)


class MemorySignalBus(AbstractSignalBus):
    """
    Signals inside this process, for tests and tools.

    :param dsn: ``memory://``: signals of this object alone; ``memory://name``: shared by all objects with that name
    :param options: those of :class:`AbstractSignalBus`
    """

    SCHEMES = frozenset({"memory"})

    def __init__(
        self,
        dsn: str = "memory://",
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = logging.getLogger("microagent.bus"),  # noqa: B008 - the manual's signature
        **options: Unpack[BusOptions],
    ) -> None:
        super().__init__(dsn, uid, prefix, log, **options)
        self._subscriptions = shared(Subscriptions, dsn)
        self._inbox: deque[tuple[str, bytes]] = deque()
        self._waiters = Waiters()
        self._dropped = CountedLog(log, "%r is read too slowly: %d signals dropped", arguments=(self,))

    async def _open(self) -> None:
        pass

    async def _close(self) -> None:
        for listeners in self._subscriptions.by_head.values():
            listeners.pop(self, None)
        self._inbox.clear()

    async def _publish(self, batch: Sequence[tuple[str, bytes]]) -> list[int | None]:
        return [self._send(channel, body) for channel, body in batch]

    def _send(self, channel: str, body: bytes) -> int:
        reached = 0
        head = channel[: channel.rfind(":") + 1]
        for bus, tags in self._subscriptions.by_head.get(head, {}).items():
            if any(tag in channel for tag in tags):
                bus._put(channel, body)
                reached += 1
        return reached

    def _put(self, channel: str, body: bytes) -> None:
        if len(self._inbox) >= INBOX:
            self._dropped.add()
            return
        self._inbox.append((channel, body))
        self._waiters.wake()

    async def _subscribe(self, patterns: Sequence[Pattern]) -> None:
        for pattern in patterns:
            self._subscriptions.by_head[pattern.head].setdefault(self, set()).add(pattern.tag)

    async def _unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        for pattern in patterns:
            listeners = self._subscriptions.by_head[pattern.head]
            tags = listeners.get(self, set())
            tags.discard(pattern.tag)
            if not tags:
                listeners.pop(self, None)

    async def _receive(self) -> list[tuple[str, bytes]]:
        while not self._inbox:
            await self._waiters.wait(None)
        batch = list(self._inbox)
        self._inbox.clear()
        return batch
