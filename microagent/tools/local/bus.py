"""Signals of ``local://``."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Unpack

from microagent.bus import AbstractSignalBus, BusOptions, Reached
from microagent.channel import Pattern
from microagent.counted import CountedLog
from microagent.errors import BackendConnectionError
from microagent.tasks import close_with
from microagent.tools.local.folder import SCHEME, Folder, folder_path
from microagent.tools.local.inbox import Inbox
from microagent.tools.local.pubsub import PATIENCE, PubSub


class LocalSignalBus(AbstractSignalBus):
    """
    Signals between the processes of one machine, over sockets in a folder; needs no server::

        bus = LocalSignalBus("local://")                   # in .microagent of the working directory
        bus = LocalSignalBus("local:///var/lib/shop/bus")

    Up to 1,000 signals or 16 MiB wait for a process that does not read; further ones are dropped, and logged.

    :param dsn: ``local://`` and the path of a folder, which is created with access for this user only
    :param options: those of :class:`AbstractSignalBus`
    """

    SCHEMES = frozenset({SCHEME})

    def __init__(
        self,
        dsn: str = "local://",
        uid: str | None = None,
        prefix: str = "PUBSUB",
        log: logging.Logger = logging.getLogger("microagent.bus"),  # noqa: B008 - the manual's signature
        **options: Unpack[BusOptions],
    ) -> None:
        super().__init__(dsn, uid, prefix, log, **options)
        self._opened = AsyncExitStack()
        self._pubsub: PubSub | None = None
        self._inbox = Inbox(lambda _: None)
        self._unread = CountedLog(log, "%r is read too slowly: %d signals dropped", arguments=(self,))
        self._dropped = CountedLog(log, "%r: %d signals dropped for processes that do not read", arguments=(self,))

    @property
    def _connected(self) -> PubSub:
        if self._pubsub is None:
            raise BackendConnectionError(f"{self!r} is closed")
        return self._pubsub

    async def _open(self) -> None:
        async with AsyncExitStack() as opened:
            folder = Folder.open(folder_path(self.dsn))
            opened.callback(folder.close)
            pubsub = PubSub(folder, "bus", self.log, dropped=self._dropped, deliver=self._deliver)
            opened.push_async_callback(pubsub.close)
            self._inbox = Inbox(pubsub.flow)
            close_with(asyncio.get_running_loop(), pubsub)
            await pubsub.open()
            self._opened = opened.pop_all()
        self._pubsub = pubsub

    async def _close(self) -> None:
        self._pubsub = None
        await self._opened.aclose()
        self._unread.flush()

    async def _publish(self, batch: Sequence[tuple[str, bytes]]) -> list[int | Exception]:
        results = await self._connected.publish(batch)
        await self._inbox.room(PATIENCE)
        return results

    def _begin(self, batch: Sequence[tuple[str, bytes]], told: Callable[[Reached | None], None], *, idly: bool) -> bool:
        if self._pubsub is None or not idly:  # _publish waits for peers that are behind
            return False
        told(self._pubsub.post(batch))
        return True

    async def _subscribe(self, patterns: Sequence[Pattern]) -> None:
        await self._connected.subscribe(patterns)

    async def _unsubscribe(self, patterns: Sequence[Pattern]) -> None:
        await self._connected.unsubscribe(patterns)

    async def _receive(self) -> list[tuple[str, bytes]]:
        return await self._inbox.get()

    def _deliver(self, signals: Sequence[tuple[str, bytes]]) -> None:
        if refused := self._inbox.put(signals):
            self._unread.add(refused)
