"""faststream on Redis: channels, and lists for queues."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from faststream.redis import RedisBroker

from peers.base import Handler, Peer


class FastStream(Peer):
    def __init__(self, dsn: str, tag: str) -> None:
        super().__init__(dsn, tag)
        self._broker = RedisBroker(dsn, logger=None)

    async def open(self) -> None:
        await self._broker.start()

    async def close(self) -> None:
        await self._broker.stop()

    async def publish(self, message: dict[str, Any]) -> None:
        await self._broker.publish(message, channel=self.tag)

    async def call(self, message: dict[str, Any]) -> None:
        await self._broker.request(message, channel=self.tag)

    async def enqueue(self, message: dict[str, Any]) -> None:
        await self._broker.publish(message, list=self.tag)

    @asynccontextmanager
    async def hearing(self, handle: Handler) -> AsyncIterator[None]:
        broker = RedisBroker(self.dsn, logger=None)

        @broker.subscriber(self.tag)
        async def hear(message: dict[str, Any]) -> None:
            await handle(message["at"])

        async with broker:
            await broker.start()
            yield

    @asynccontextmanager
    async def answering(self) -> AsyncIterator[None]:
        broker = RedisBroker(self.dsn, logger=None)

        @broker.subscriber(self.tag, max_workers=100)
        async def answer(message: dict[str, Any]) -> float:
            return float(message["at"])

        async with broker:
            await broker.start()
            yield

    @asynccontextmanager
    async def consuming(self, handle: Handler, concurrency: int | None) -> AsyncIterator[None]:
        broker = RedisBroker(self.dsn, logger=None)
        options = {} if concurrency is None else {"max_workers": concurrency}

        @broker.subscriber(list=self.tag, **options)
        async def consume(message: dict[str, Any]) -> None:
            await handle(message["at"])

        async with broker:
            await broker.start()
            yield


peer = FastStream
